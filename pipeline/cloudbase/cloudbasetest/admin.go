package cloudbasetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// admin answers backends, by the protocol of @cloudbase/node-sdk (POST /admin). Errors have
// status 200, as those of the real one.
func (g *Gateway) admin(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now(w)
	in, params, ok := readCall(w, r)
	switch {
	case !ok:
	case !signedByAdmin(r, params, now):
		refuse(w, http.StatusOK, "SIGN_PARAM_INVALID", "the signature does not match")
	case in.EnvName != Env || r.URL.Query().Get("env") != Env:
		refuse(w, http.StatusOK, "INVALID_ENV", "the environment does not exist")
	default:
		g.answerCall(w, r, caller{}, in, now)
	}
}

// signedByAdmin verifies the SDK's own variant of TC3: it signs single parameters by their
// names in lower case, the method in lower case, and // before the host.
func signedByAdmin(r *http.Request, params map[string]json.RawMessage, now time.Time) bool {
	fields := map[string]string{}
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "TC3-HMAC-SHA256 ")
	for part := range strings.SplitSeq(rest, ", ") {
		name, value, _ := strings.Cut(part, "=")
		fields[name] = value
	}
	seconds, err := strconv.ParseInt(r.Header.Get("X-Timestamp"), 10, 64)
	at := time.Unix(seconds, 0).UTC()
	scope := at.Format(time.DateOnly) + "/tcb/tc3_request"
	if !ok || err != nil || now.Sub(at).Abs() > 10*time.Minute || fields["Credential"] != SecretID+"/"+scope {
		return false
	}
	signed := strings.Split(fields["SignedHeaders"], ";")
	names := strings.Split(fields["SignedParams"], ";")
	for _, must := range []string{"action", "envname"} {
		if !slices.Contains(names, must) {
			return false
		}
	}
	var headers strings.Builder
	for _, name := range signed {
		value := strings.ToLower(strings.TrimSpace(r.Header.Get(name)))
		if name == "host" {
			value = r.Host
		}
		headers.WriteString(name + ":" + value + "\n")
	}
	text := "post\n//" + r.Host + r.URL.Path + "\n" + r.URL.RawQuery + "\n" + headers.String() + "\n" +
		strings.Join(signed, ";") + "\n" + payload(params, names)
	hash := sha256.Sum256([]byte(text))
	key := []byte("TC3" + SecretKey)
	for _, step := range []string{at.Format(time.DateOnly), "tcb", "tc3_request", "TC3-HMAC-SHA256\n" + r.Header.Get("X-Timestamp") + "\n" + scope + "\n" + hex.EncodeToString(hash[:])} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(step))
		key = mac.Sum(nil)
	}
	return hmac.Equal([]byte(hex.EncodeToString(key)), []byte(fields["Signature"]))
}

// payload hashes the signed parameters: texts as they are, the rest as JSON.
func payload(params map[string]json.RawMessage, names []string) string {
	lower := make(map[string]json.RawMessage, len(params))
	for name, value := range params {
		lower[strings.ToLower(name)] = value
	}
	h := sha256.New()
	for _, name := range names {
		value := string(lower[name])
		var s string
		if json.Unmarshal(lower[name], &s) == nil {
			value = s
		}
		h.Write([]byte("&" + name + "=" + strings.TrimSpace(value) + "\r\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}
