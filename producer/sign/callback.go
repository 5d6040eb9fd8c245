package sign

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/afterput/afterput/producer/events"
)

// CallbackHeader asks COS to call back when an upload is complete, before it answers the
// uploader (COS 436/106770). A form has a field of that name.
const CallbackHeader = "x-cos-callback"

// callbackLate is how long after its signature an upload may still be complete: one that
// began in the last second takes its time.
const callbackLate = time.Hour

// callbackBody asks for what proves nothing and is only compared: order and position are
// in the ledger.
const callbackBody = "bucket=${bucket}&object=${object}&size=${size}"

// callback gives the value of CallbackHeader for a key whose signatures end at ends; ""
// where no callbacks are configured. It is always the same for the same key and end.
func (s *Signer) callback(bucket, key string, ends time.Time) (string, error) {
	if s.opt.CallbackBase == "" {
		return "", nil
	}
	url, err := events.CallbackURL(s.opt.CallbackBase, s.opt.CallbackSecret, events.CallbackGrant{
		Bucket: bucket, Key: key, Expires: ends.Add(callbackLate).Unix(),
	})
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]string{
		"callbackUrl": url, "callbackBody": callbackBody, "callbackBodyType": "application/x-www-form-urlencoded",
	})
	return base64.StdEncoding.EncodeToString(text), err
}
