package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// WebhookCaller is the name of callers that come by a signature. It stays the same while
// secrets rotate, so that a request that is repeated with the new one is still the same.
const WebhookCaller = "webhook"

// Tolerance is how far webhook-timestamp may be from our clock, either way. The standard
// leaves it to the receiver; its libraries take five minutes too.
const Tolerance = 5 * time.Minute

// Bounds of a secret in bytes (the standard's), and of the headers.
const (
	minWebhookSecret, maxWebhookSecret = 24, 64

	maxWebhookID        = 256
	maxWebhookSignature = 4096
)

// WebhookOptions configure NewWebhooks.
type WebhookOptions struct {
	// Secrets are what may have signed: whsec_ and the base64 of 24 to 64 bytes each.
	// Several while they rotate. At least one.
	Secrets []string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Webhooks verifies signatures by Standard Webhooks (standardwebhooks.com).
type Webhooks struct {
	secrets []*standardwebhooks.Webhook
	now     func() time.Time
}

// NewWebhooks checks and takes secrets. Its errors count them and never quote them.
func NewWebhooks(opt WebhookOptions) (*Webhooks, error) {
	if len(opt.Secrets) == 0 {
		return nil, errors.New("auth: there is no webhook secret")
	}
	v := &Webhooks{now: opt.Now}
	if v.now == nil {
		v.now = time.Now
	}
	for i, s := range opt.Secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s, "whsec_"))
		if err != nil {
			return nil, fmt.Errorf("auth: webhook secret %d is not base64 after whsec_", i+1)
		}
		if len(key) < minWebhookSecret || len(key) > maxWebhookSecret {
			return nil, fmt.Errorf("auth: webhook secret %d has %d bytes: want %d to %d", i+1, len(key), minWebhookSecret, maxWebhookSecret)
		}
		secret, err := standardwebhooks.NewWebhookRaw(key)
		if err != nil {
			return nil, fmt.Errorf("auth: webhook secret %d cannot be used", i+1)
		}
		v.secrets = append(v.secrets, secret)
	}
	return v, nil
}

// isSigned tells whether a request has any of the standard's headers but the ID, which
// callers with a key may send as well.
func isSigned(r *http.Request) bool {
	return len(r.Header.Values(standardwebhooks.HeaderWebhookSignature)) > 0 ||
		len(r.Header.Values(standardwebhooks.HeaderWebhookTimestamp)) > 0
}

// checkHeaders looks at what can be judged before the body is read.
func (v *Webhooks) checkHeaders(h http.Header) *Refusal {
	for _, name := range []string{
		standardwebhooks.HeaderWebhookID, standardwebhooks.HeaderWebhookTimestamp, standardwebhooks.HeaderWebhookSignature,
	} {
		// Two of a kind would be read differently by a proxy and by us.
		if values := h.Values(name); len(values) != 1 || values[0] == "" {
			return unauthorized("a signed request has webhook-id, webhook-timestamp and webhook-signature, once each")
		}
	}
	if len(h.Get(standardwebhooks.HeaderWebhookID)) > maxWebhookID ||
		len(h.Get(standardwebhooks.HeaderWebhookSignature)) > maxWebhookSignature {
		return unauthorized("webhook-id or webhook-signature is too long")
	}
	text := h.Get(standardwebhooks.HeaderWebhookTimestamp)
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != text {
		return unauthorized("webhook-timestamp is no number of seconds since 1970")
	}
	now := v.now().Unix()
	if limit := int64(Tolerance / time.Second); seconds < now-limit || seconds > now+limit {
		return unauthorized("webhook-timestamp is more than five minutes from our clock")
	}
	return nil
}

// Verify tells whether body was signed with one of the secrets, within Tolerance. The
// error is nil or a *Refusal with 401. Its time does not tell which secret it was, nor
// how much of a signature is right.
func (v *Webhooks) Verify(h http.Header, body []byte) error {
	if refusal := v.checkHeaders(h); refusal != nil {
		return refusal
	}
	good := false
	for _, secret := range v.secrets {
		if secret.VerifyIgnoringTimestamp(body, h) == nil {
			good = true // and look at the others all the same
		}
	}
	if !good {
		return unauthorized("the signature does not fit the body, the ID and the timestamp")
	}
	return nil
}
