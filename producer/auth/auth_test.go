package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/producer/auth"
)

const (
	shop    = "shop-secret-0123456789"
	watcher = "watcher-secret-0123456789"
	root    = "root-secret-0123456789"
)

func newKeys(t *testing.T) *auth.Keys {
	t.Helper()
	keys, err := auth.NewKeys([]auth.Key{
		{Name: "shop", Secret: shop, Scopes: []auth.Scope{auth.ScopeAnnounce, auth.ScopeRead}},
		{Name: "watcher", Secret: watcher, Scopes: []auth.Scope{auth.ScopeMonitor}},
		{Name: "root", Secret: root, Scopes: []auth.Scope{auth.ScopeAdmin}},
	})
	require.NoError(t, err)
	return keys
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// serve asks for scope with the given Authorization headers and gives the answer; a
// request that came through is answered 200 with the caller's name.
func serve(t *testing.T, keys *auth.Keys, scope auth.Scope, r *http.Request, authorization ...string) *httptest.ResponseRecorder {
	t.Helper()
	for _, a := range authorization {
		r.Header.Add("Authorization", a)
	}
	w := httptest.NewRecorder()
	auth.WithRequestID(keys.Require(scope, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, ok := auth.IdentityFrom(r.Context())
		require.True(t, ok)
		require.True(t, id.May(scope))
		require.NotEmpty(t, auth.RequestID(w))
		_, _ = fmt.Fprint(w, auth.Caller(r.Context()))
	}))).ServeHTTP(w, r)
	return w
}

func request(method string) *http.Request {
	return httptest.NewRequest(method, "https://afterput.example/v1/uploads", http.NoBody)
}

func TestRequire(t *testing.T) {
	t.Parallel()
	keys := newKeys(t)
	for _, tt := range []struct {
		name   string
		header []string
		scope  auth.Scope
		status int
		caller string
	}{
		{"bearer", []string{"Bearer " + shop}, auth.ScopeAnnounce, 200, "shop"},
		{"any case", []string{"bEARER  " + shop + " "}, auth.ScopeRead, 200, "shop"},
		{"basic", []string{basic("", watcher)}, auth.ScopeMonitor, 200, "watcher"},
		{"basic with a user", []string{basic("anybody", watcher)}, auth.ScopeMonitor, 200, "watcher"},
		{"admin may all", []string{"Bearer " + root}, auth.ScopeAnnounce, 200, "root"},
		{"no scope", []string{"Bearer " + shop}, auth.ScopeMonitor, 403, ""},
		{"no admin", []string{basic("", watcher)}, auth.ScopeAdmin, 403, ""},
		{"no key", nil, auth.ScopeRead, 401, ""},
		{"empty", []string{""}, auth.ScopeRead, 401, ""},
		{"only the scheme", []string{"Bearer"}, auth.ScopeRead, 401, ""},
		{"empty key", []string{"Bearer "}, auth.ScopeRead, 401, ""},
		{"no scheme", []string{shop}, auth.ScopeRead, 401, ""},
		{"other scheme", []string{"Digest " + shop}, auth.ScopeRead, 401, ""},
		{"wrong key", []string{"Bearer " + shop + "x"}, auth.ScopeRead, 401, ""},
		{"beginning of a key", []string{"Bearer " + shop[:len(shop)-1]}, auth.ScopeRead, 401, ""},
		{"key as user", []string{basic(watcher, "")}, auth.ScopeMonitor, 401, ""},
		{"broken basic", []string{"Basic !"}, auth.ScopeMonitor, 401, ""},
		{"two headers", []string{"Bearer " + shop, "Bearer " + shop}, auth.ScopeRead, 401, ""},
		{"very long", []string{"Bearer " + strings.Repeat("x", 100000)}, auth.ScopeRead, 401, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := serve(t, keys, tt.scope, request(http.MethodPost), tt.header...)
			require.Equal(t, tt.status, w.Code)
			if tt.status == http.StatusOK {
				require.Equal(t, tt.caller, w.Body.String())
				return
			}
			var body map[string]string
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
			require.Equal(t, map[int]string{401: "UNAUTHORIZED", 403: "FORBIDDEN"}[tt.status], body["code"])
			require.NotEmpty(t, body["message"])
			require.Equal(t, w.Header().Get("X-Request-Id"), body["requestId"])
			require.NotEmpty(t, body["requestId"])
			require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
			require.Equal(t, tt.status == 401, len(w.Header().Values("WWW-Authenticate")) == 2)
		})
	}
}

// TestRequireCrossOrigin: a foreign page cannot use what a browser remembers.
func TestRequireCrossOrigin(t *testing.T) {
	t.Parallel()
	keys := newKeys(t)
	for _, tt := range []struct {
		method, site, authorization string
		status                      int
	}{
		{http.MethodPost, "cross-site", basic("", root), 403},
		{http.MethodPost, "same-origin", basic("", root), 200},
		{http.MethodGet, "cross-site", basic("", root), 200},
		{http.MethodPost, "cross-site", "Bearer " + root, 200},
		{http.MethodPost, "", basic("", root), 200}, // curl
	} {
		r := request(tt.method)
		if tt.site != "" {
			r.Header.Set("Sec-Fetch-Site", tt.site)
		}
		require.Equal(t, tt.status, serve(t, keys, auth.ScopeAdmin, r, tt.authorization).Code, "%v", tt)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	keys := newKeys(t)
	r := request(http.MethodGet)
	r.Header.Set("X-Request-Id", "abc-1")
	require.Equal(t, "abc-1", serve(t, keys, auth.ScopeRead, r).Header().Get("X-Request-Id"))
	for _, bad := range []string{"<script>", strings.Repeat("x", 65), "a b"} {
		r = request(http.MethodGet)
		r.Header.Set("X-Request-Id", bad)
		id := serve(t, keys, auth.ScopeRead, r).Header().Get("X-Request-Id")
		require.NotEqual(t, bad, id)
		require.NotEmpty(t, id)
	}
	w := httptest.NewRecorder()
	w.Header().Set("X-Request-Id", "outer")
	keys.Require(auth.ScopeRead, http.NotFoundHandler()).ServeHTTP(w, request(http.MethodGet))
	require.Contains(t, w.Body.String(), `"requestId":"outer"`)
}

func TestNoKeys(t *testing.T) {
	t.Parallel()
	keys, err := auth.NewKeys(nil)
	require.NoError(t, err)
	require.Equal(t, 401, serve(t, keys, auth.ScopeRead, request(http.MethodGet), "Bearer ").Code)
	_, ok := keys.Find("")
	require.False(t, ok)
}

func TestNewKeysRefuses(t *testing.T) {
	t.Parallel()
	read := []auth.Scope{auth.ScopeRead}
	for want, keys := range map[string][]auth.Key{
		"name is empty":              {{Secret: shop, Scopes: read}},
		"name is kept":               {{Name: "webhook", Secret: shop, Scopes: read}},
		"2 \"user:x\": the name is":  {{Name: "a", Secret: root, Scopes: read}, {Name: "user:x", Secret: shop, Scopes: read}},
		"has 15 bytes":               {{Name: "a", Secret: "0123456789abcde", Scopes: read}},
		"more than 1024":             {{Name: "a", Secret: strings.Repeat("x", 1025), Scopes: read}},
		"not printable ASCII":        {{Name: "a", Secret: "0123456789 abcdef", Scopes: read}},
		"no scopes":                  {{Name: "a", Secret: shop}},
		`scope "write" is not known`: {{Name: "a", Secret: shop, Scopes: []auth.Scope{"write"}}},
		`the name "a"`:               {{Name: "a", Secret: shop, Scopes: read}, {Name: "a", Secret: root, Scopes: read}},
		`"a" and "b" have the same`:  {{Name: "a", Secret: shop, Scopes: read}, {Name: "b", Secret: shop, Scopes: read}},
	} {
		_, err := auth.NewKeys(keys)
		require.ErrorContains(t, err, want)
		for _, k := range keys {
			if k.Secret != "" {
				require.NotContains(t, err.Error(), k.Secret)
			}
		}
	}
}

func ExampleKeys_Require() {
	keys, err := auth.NewKeys([]auth.Key{{Name: "shop", Secret: "0123456789abcdef0123456789abcdef", Scopes: []auth.Scope{auth.ScopeAnnounce}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := keys.Require(auth.ScopeAnnounce, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintln(w, "hello,", auth.Caller(r.Context()))
	}))
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.Header.Set("Authorization", "Bearer 0123456789abcdef0123456789abcdef")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	fmt.Print(w.Body.String())
	// Output: hello, shop
}
