package qsign

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Signed tells whether r carries a signature, good or bad: in the Authorization header,
// in the q- parameters of its query, or in the one parameter "sign".
func Signed(r *http.Request) bool {
	if r.Header.Get("Authorization") != "" {
		return true
	}
	q := parseQuery(r.URL.RawQuery)
	return q.Has("q-signature") || q.Has("sign")
}

// Verify checks the signature of a request as a COS server does and gives its SecretID.
// It signs again exactly the headers of q-header-list and the parameters of
// q-url-param-list; Host is r.Host with its port. Errors are *Error.
func Verify(r *http.Request, lookup Lookup, now time.Time) (secretID string, err error) {
	sig, params, err := find(r)
	if err != nil {
		return "", err
	}
	return check(sig, Request{Method: r.Method, Path: r.URL.Path, Params: params, Header: serverHeader(r)}, lookup, now)
}

// VerifyString checks an Authorization string against a request that is described by
// hand: the form field "Signature" of a POST upload is one for method post, path "/" and
// the host alone. Of req only what the string lists is signed.
func VerifyString(authorization string, req Request, lookup Lookup, now time.Time) (secretID string, err error) {
	sig, err := Parse(authorization)
	if err != nil {
		return "", err
	}
	return check(sig, req, lookup, now)
}

// find takes the signature from where the request carries it and gives the parameters
// that may be part of it.
func find(r *http.Request) (Signature, url.Values, error) {
	q := parseQuery(r.URL.RawQuery)
	if h := r.Header.Values("Authorization"); len(h) > 0 {
		if len(h) > 1 {
			return Signature{}, nil, fail(Malformed, "there are %d Authorization headers", len(h))
		}
		sig, err := Parse(h[0])
		return sig, q, err
	}
	if q.Has("sign") {
		sig, err := Parse(q.Get("sign"))
		q.Del("sign")
		return sig, q, err
	}
	if !q.Has("q-signature") {
		return Signature{}, nil, &Error{Kind: Unsigned}
	}
	sig, err := fromValues(q)
	for _, f := range sig.fields() {
		q.Del(f[0])
	}
	return sig, q, err
}

// serverHeader gives back to the headers what net/http moved out of them.
func serverHeader(r *http.Request) http.Header {
	h := r.Header.Clone()
	h.Set("Host", r.Host)
	if h.Get("Content-Length") == "" && r.ContentLength >= 0 {
		h.Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	if len(r.TransferEncoding) > 0 {
		h["Transfer-Encoding"] = r.TransferEncoding
	}
	return h
}

func check(sig Signature, req Request, lookup Lookup, now time.Time) (string, error) {
	if err := sig.Window.check(now); err != nil {
		return "", err
	}
	secret, ok := lookup(sig.KeyID)
	if !ok {
		return "", fail(UnknownKey, "%.80q", sig.KeyID)
	}
	params, names := canonical(req.Params, set(sig.ParamList))
	if missing := lacks(names, sig.ParamList); missing != "" {
		return "", fail(Mismatch, "the signed parameter %.80q is not in the request", missing)
	}
	headers, names := canonical(req.Header, set(sig.HeaderList))
	if missing := lacks(names, sig.HeaderList); missing != "" {
		return "", fail(Mismatch, "the signed header %.80q is not in the request", missing)
	}
	value, httpString, toSign := compute(secret, sig.Window, req, params, headers)
	if !equal(value, strings.ToLower(sig.Value)) {
		return "", &Error{Kind: Mismatch, HTTPString: httpString, StringToSign: toSign}
	}
	return sig.KeyID, nil
}

// lacks gives the first name of want that got does not hold, or "".
func lacks(got, want []string) string {
	have := set(got)
	for _, n := range want {
		if !have[n] {
			return n
		}
	}
	return ""
}

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}
