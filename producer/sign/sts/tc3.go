package sts

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline/qsign"
)

const (
	algorithm   = "TC3-HMAC-SHA256"
	contentType = "application/json; charset=utf-8"
	signed      = "content-type;host;x-tc-action"
)

// authorize signs a POST of a body to the root of a service of Tencent's API 3.0. The
// headers Content-Type and X-TC-Action are covered, and have to be there.
func authorize(req *http.Request, service string, body []byte, key qsign.Key, now time.Time) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	scope := now.UTC().Format(time.DateOnly) + "/" + service + "/tc3_request"
	canonical := strings.Join([]string{
		http.MethodPost, "/", "",
		"content-type:" + strings.ToLower(req.Header.Get("Content-Type")),
		"host:" + strings.ToLower(req.URL.Host),
		"x-tc-action:" + strings.ToLower(req.Header.Get("X-Tc-Action")), "",
		signed, digest(body),
	}, "\n")
	toSign := strings.Join([]string{algorithm, stamp, scope, digest([]byte(canonical))}, "\n")
	derived := []byte("TC3" + key.Secret)
	for part := range strings.SplitSeq(scope, "/") {
		derived = mac(derived, part)
	}
	req.Header.Set("X-Tc-Timestamp", stamp)
	req.Header.Set("Authorization", algorithm+" Credential="+key.ID+"/"+scope+", SignedHeaders="+signed+
		", Signature="+hex.EncodeToString(mac(derived, toSign)))
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
