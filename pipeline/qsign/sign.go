package qsign

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Request is the part of an HTTP request that a signature covers.
type Request struct {
	// Method in any case; it is signed in lower case.
	Method string
	// Path is the decoded path with its leading slash: "/" + key.
	Path string
	// Params are the query parameters to sign; nil signs none.
	Params url.Values
	// Header holds the headers to sign, "Host" among them; nil signs none.
	Header http.Header
}

// Host gives a header with only the host in it: what a presigned upload signs, because
// its sender adds headers that the signer cannot know.
func Host(host string) http.Header { return http.Header{"Host": {host}} }

// Authorization signs req and gives the value of the Authorization header. It covers
// every parameter and header that req holds. With a temporary key the caller also sends
// the header x-cos-security-token.
func Authorization(key Key, req Request, w Window) string {
	return sign(key, req, w).String()
}

// PresignURL gives u with a signature in its query, over the host, the given method and
// the parameters that u already has. The token of a temporary key is among them. It does
// not change u.
func PresignURL(key Key, method string, u *url.URL, w Window) string {
	out := *u
	q := parseQuery(u.RawQuery)
	if key.Token != "" {
		q.Set(tokenName, key.Token)
	}
	sig := sign(key, Request{Method: method, Path: u.Path, Params: q, Header: Host(u.Host)}, w)
	for _, f := range sig.fields() {
		q.Set(f[0], f[1])
	}
	out.Path, out.RawPath, out.RawQuery = u.Path, EscapePath(u.Path), encodeQuery(q)
	return out.String()
}

const tokenName = "x-cos-security-token" //nolint:gosec // the name of a header, not a token

func sign(key Key, req Request, w Window) Signature {
	w = key.Bound(w)
	headers, headerList := canonical(req.Header, nil)
	params, paramList := canonical(req.Params, nil)
	sig := Signature{KeyID: key.ID, Window: w, HeaderList: headerList, ParamList: paramList}
	sig.Value, _, _ = compute(key.Secret, w, req, params, headers)
	return sig
}

// compute gives the signature and the two texts on the way to it.
func compute(secret string, w Window, req Request, params, headers string) (value, httpString, toSign string) {
	keyTime := w.String()
	httpString = strings.ToLower(req.Method) + "\n" + req.Path + "\n" + params + "\n" + headers + "\n"
	toSign = Algorithm + "\n" + keyTime + "\n" + sha1Hex(httpString) + "\n"
	return hmacHex(signKey(secret, keyTime), toSign), httpString, toSign
}

// canonical gives the signed form of values and the list of the names in it: names
// escaped and in lower case, sorted, "name=value" joined by "&". A name that has several
// values is listed once for each, as the vendor's SDKs do. only narrows it to the named
// ones; nil takes all.
func canonical[M ~map[string][]string](values M, only map[string]bool) (text string, names []string) {
	folded := make(map[string][]string, len(values))
	for name, vs := range values {
		n := strings.ToLower(Escape(name))
		if only == nil || only[n] {
			folded[n] = append(folded[n], vs...)
		}
	}
	var b strings.Builder
	for _, n := range sortedKeys(folded) {
		vs := folded[n]
		slices.Sort(vs)
		for _, v := range vs {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(n + "=" + Escape(v))
			names = append(names, n)
		}
	}
	return b.String(), names
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// parseQuery is url.ParseQuery that keeps semicolons, which q-sign-time has in it and
// some clients send bare. What cannot be read is left out and so fails to verify.
func parseQuery(raw string) url.Values {
	q, _ := url.ParseQuery(strings.ReplaceAll(raw, ";", "%3B"))
	return q
}

func encodeQuery(q url.Values) string {
	var b strings.Builder
	for _, name := range sortedKeys(q) {
		for _, v := range q[name] {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(Escape(name) + "=" + Escape(v))
		}
	}
	return b.String()
}
