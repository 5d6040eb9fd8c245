package events

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// CallbackPath is where COS calls back, and CallbackParam the query parameter of the URL
// that carries the token.
const (
	CallbackPath  = "/v1/callbacks/cos"
	CallbackParam = "token"
)

// CallbackGrant is what a callback token permits: to announce one object, or the objects
// below a prefix. COS signs its callbacks with nothing that is documented, so the URL
// itself has to prove that we gave it away.
type CallbackGrant struct {
	// Bucket is the full bucket name.
	Bucket string `json:"b"`
	// Key is the one object; Prefix, such as users/oX/, many. One of them is set.
	Key    string `json:"k,omitempty"`
	Prefix string `json:"p,omitempty"`
	// Expires is when the token ends, in unix seconds. An upload may take long: it has to
	// outlive the upload's signature.
	Expires int64 `json:"e"`
}

// Allows tells whether the grant is for this object.
func (g CallbackGrant) Allows(bucket, key string) bool {
	if bucket != g.Bucket {
		return false
	}
	if g.Key != "" {
		return key == g.Key
	}
	return strings.HasPrefix(key, g.Prefix) && len(key) > len(g.Prefix)
}

const (
	tokenVersion = "v1"
	// tokenDomain keeps the MAC from being one of anything else under the same secret.
	tokenDomain = "afterput/callback/" + tokenVersion + "\n"
	maxToken    = 4096
)

// MintCallback makes the token of a grant: v1, the grant as JSON and its HMAC-SHA256,
// the latter two in base64url, joined by dots. Errors are those of a grant that would
// permit nothing or everything.
func MintCallback(secret []byte, g CallbackGrant) (string, error) {
	if err := g.check(); err != nil {
		return "", err
	}
	if len(secret) == 0 {
		return "", errors.New("events: a callback token needs a secret")
	}
	payload, err := json.Marshal(g)
	if err != nil {
		return "", err
	}
	token := signedToken(secret, payload)
	if len(token) > maxToken {
		return "", errors.New("events: the token is too long")
	}
	return token, nil
}

// CallbackURL is the callbackUrl for x-cos-callback: base is the address of serve as COS
// reaches it, such as https://afterput.example.com.
func CallbackURL(base string, secret []byte, g CallbackGrant) (string, error) {
	token, err := MintCallback(secret, g)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(base, "/") + CallbackPath + "?" + CallbackParam + "=" + url.QueryEscape(token), nil
}

func (g CallbackGrant) check() error {
	switch {
	case g.Bucket == "":
		return errors.New("events: a callback grant needs a bucket")
	case (g.Key == "") == (g.Prefix == ""):
		return errors.New("events: a callback grant is for one key or for one prefix")
	case g.Expires <= 0:
		return errors.New("events: a callback grant has to end")
	}
	return nil
}

// VerifyCallback gives the grant of a token. It takes the same time for every wrong MAC.
// Errors are of class Denied with the code BAD_CALLBACK_TOKEN.
func VerifyCallback(secret []byte, token string, now time.Time) (CallbackGrant, error) {
	bad := func(why string) (CallbackGrant, error) {
		return CallbackGrant{}, badToken(why)
	}
	version, rest, _ := strings.Cut(token, ".")
	first, _, ok := strings.Cut(rest, ".")
	if !ok || version != tokenVersion || len(token) > maxToken || len(secret) == 0 {
		return bad("the URL has no callback token of ours")
	}
	payload, err := base64.RawURLEncoding.DecodeString(first)
	// Comparing texts leaves one spelling of each token: base64 has several.
	if err != nil || !hmac.Equal([]byte(token), []byte(signedToken(secret, payload))) {
		return bad("the URL has no callback token of ours")
	}
	var g CallbackGrant
	if err := json.Unmarshal(payload, &g); err != nil || g.check() != nil {
		return bad("the callback token permits nothing")
	}
	if now.Unix() >= g.Expires {
		return bad("the callback token has expired")
	}
	return g, nil
}

func badToken(why string) error {
	e := pipeline.Errorf(pipeline.Denied, opCallback, "", "%s", why)
	e.Code = CodeBadCallbackToken
	return e
}

func signedToken(secret, payload []byte) string {
	h := hmac.New(sha256.New, secret)
	_, _ = h.Write([]byte(tokenDomain))
	_, _ = h.Write(payload)
	b64 := base64.RawURLEncoding
	return tokenVersion + "." + b64.EncodeToString(payload) + "." + b64.EncodeToString(h.Sum(nil))
}
