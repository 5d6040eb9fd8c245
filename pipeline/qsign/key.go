package qsign

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the COS protocol signs with HMAC-SHA1
	"encoding/hex"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Algorithm is the only signature algorithm of COS.
const Algorithm = "sha1"

// Key is a key pair of COS. It prints without its secrets.
type Key struct {
	// ID is the SecretID, which travels with every signature.
	ID string
	// Secret is the SecretKey. It never travels.
	Secret string
	// Token is the session token of a temporary key; empty for a permanent one.
	Token string
	// Expires is when the key ends by itself; zero for never, or where that is not known.
	// Nothing that is signed with it holds longer.
	Expires time.Time
}

// Bound gives the part of a window in which the key holds.
func (k Key) Bound(w Window) Window {
	if !k.Expires.IsZero() && w.End.After(k.Expires) {
		w.End = k.Expires
		if w.Start.After(w.End) {
			w.Start = w.End
		}
	}
	return w
}

// String gives the SecretID only.
func (k Key) String() string { return "key " + k.ID }

// GoString gives the SecretID only.
func (k Key) GoString() string { return "qsign.Key{ID:" + strconv.Quote(k.ID) + "}" }

// LogValue gives the SecretID only.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.ID) }

// Lookup finds the SecretKey of a SecretID; ok is false for an ID that nobody knows.
type Lookup func(secretID string) (secretKey string, ok bool)

// Window is the time in which a signature holds, in whole seconds, both ends included.
type Window struct {
	Start, End time.Time
}

// Valid gives the window that starts at from and lasts d.
func Valid(from time.Time, d time.Duration) Window {
	return Window{Start: from, End: from.Add(d)}
}

// String prints the window as q-sign-time and q-key-time do: "start;end".
func (w Window) String() string {
	return strconv.FormatInt(w.Start.Unix(), 10) + ";" + strconv.FormatInt(w.End.Unix(), 10)
}

// ParseWindow reads "start;end" in Unix seconds.
func ParseWindow(s string) (Window, error) {
	a, b, ok := strings.Cut(s, ";")
	start, err1 := strconv.ParseInt(a, 10, 64)
	end, err2 := strconv.ParseInt(b, 10, 64)
	if !ok || err1 != nil || err2 != nil || start < 0 || end < start {
		return Window{}, errors.New("want start;end in Unix seconds")
	}
	return Window{Start: time.Unix(start, 0), End: time.Unix(end, 0)}, nil
}

// check tells whether now lies in the window.
func (w Window) check(now time.Time) error {
	switch t := now.Unix(); {
	case t < w.Start.Unix():
		return fail(NotYetValid, "the signature starts at %d, the clock says %d", w.Start.Unix(), t)
	case t > w.End.Unix():
		return fail(Expired, "the signature ended at %d, the clock says %d", w.End.Unix(), t)
	}
	return nil
}

// signKey is the key that is derived from the SecretKey for one window, in hex. The
// hex text itself is the key of the next HMAC.
func signKey(secret, keyTime string) string { return hmacHex(secret, keyTime) }

func hmacHex(key, text string) string {
	h := hmac.New(sha1.New, []byte(key))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func sha1Hex(text string) string {
	sum := sha1.Sum([]byte(text)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// equal compares two hex signatures in constant time.
func equal(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
