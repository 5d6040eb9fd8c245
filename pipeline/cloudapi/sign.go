package cloudapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm   = "TC3-HMAC-SHA256"
	contentType = "application/json; charset=utf-8"
)

// Sign gives the Authorization of a POST to / with this body: over the body and the headers
// that signed names in lower case. host stands for r.Host. at is what X-TC-Timestamp says.
func Sign(secretID, secretKey, service, host string, header http.Header, signed []string, body []byte, at time.Time) string {
	at = at.UTC()
	names := slices.Sorted(slices.Values(signed))
	var canonical strings.Builder
	canonical.WriteString("POST\n/\n\n")
	for _, name := range names {
		value := header.Get(name)
		if name == "host" {
			value = host
		}
		canonical.WriteString(name + ":" + strings.ToLower(strings.TrimSpace(value)) + "\n")
	}
	list := strings.Join(names, ";")
	canonical.WriteString("\n" + list + "\n" + sum(body))

	day := at.Format(time.DateOnly)
	scope := day + "/" + service + "/tc3_request"
	text := algorithm + "\n" + strconv.FormatInt(at.Unix(), 10) + "\n" + scope + "\n" + sum([]byte(canonical.String()))
	key := mac([]byte("TC3"+secretKey), day)
	for _, step := range []string{service, "tc3_request"} {
		key = mac(key, step)
	}
	return fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s", algorithm, secretID, scope, list, hex.EncodeToString(mac(key, text)))
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
