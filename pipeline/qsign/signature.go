package qsign

import (
	"net/url"
	"strings"
)

// Signature is an Authorization string taken apart.
type Signature struct {
	// KeyID is the SecretID, q-ak.
	KeyID string
	// Window is q-sign-time and q-key-time; they are the same (COS 436/7778).
	Window Window
	// HeaderList and ParamList name what is signed, in lower case and escaped.
	HeaderList, ParamList []string
	// Value is q-signature: 40 hex digits.
	Value string
}

// maxAuthorization bounds what is parsed. A header list with every header of a request
// stays far below it.
const maxAuthorization = 16 << 10

// String prints the Authorization header.
func (s Signature) String() string {
	var b strings.Builder
	for i, f := range s.fields() {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(f[0] + "=" + f[1])
	}
	return b.String()
}

func (s Signature) fields() [][2]string {
	return [][2]string{
		{"q-sign-algorithm", Algorithm},
		{"q-ak", s.KeyID},
		{"q-sign-time", s.Window.String()},
		{"q-key-time", s.Window.String()},
		{"q-header-list", strings.Join(s.HeaderList, ";")},
		{"q-url-param-list", strings.Join(s.ParamList, ";")},
		{"q-signature", s.Value},
	}
}

// Parse reads an Authorization string. Its error has the kind Malformed.
func Parse(s string) (Signature, error) {
	if len(s) > maxAuthorization {
		return Signature{}, fail(Malformed, "longer than %d bytes", maxAuthorization)
	}
	q := make(url.Values, 7)
	for pair := range strings.SplitSeq(s, "&") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || !strings.HasPrefix(name, "q-") {
			return Signature{}, fail(Malformed, "want q-name=value pairs joined by &")
		}
		q.Add(name, value)
	}
	return fromValues(q)
}

// fromValues reads the seven q- fields, each of which must be there exactly once.
func fromValues(q url.Values) (Signature, error) {
	for _, f := range (Signature{}).fields() {
		if n := len(q[f[0]]); n != 1 {
			return Signature{}, fail(Malformed, "%s is there %d times, want once", f[0], n)
		}
	}
	if alg := q.Get("q-sign-algorithm"); alg != Algorithm {
		return Signature{}, fail(Malformed, "q-sign-algorithm is not %s", Algorithm)
	}
	w, err := ParseWindow(q.Get("q-sign-time"))
	if err != nil {
		return Signature{}, fail(Malformed, "q-sign-time: %v", err)
	}
	if q.Get("q-key-time") != q.Get("q-sign-time") {
		return Signature{}, fail(Malformed, "q-key-time and q-sign-time differ")
	}
	s := Signature{
		KeyID:      q.Get("q-ak"),
		Window:     w,
		HeaderList: splitList(q.Get("q-header-list")),
		ParamList:  splitList(q.Get("q-url-param-list")),
		Value:      q.Get("q-signature"),
	}
	if s.KeyID == "" || len(s.Value) != 40 {
		return Signature{}, fail(Malformed, "q-ak is empty or q-signature has not 40 digits")
	}
	return s, nil
}

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.ToLower(s), ";")
}
