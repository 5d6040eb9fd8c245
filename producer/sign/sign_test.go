package sign_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/sign"
)

func TestPutSign(t *testing.T) {
	t.Parallel()
	m := &memory{}
	d := newDoor(newSigner(t, options(m)), keys(t))
	got := fields(t, d.get(t, "/put-sign?ext=JPG&owner=oX&order=A12&position=3", announce), 200)
	require.Equal(t, []string{"authorization", "cosHost", "cosKey"}, slices.Sorted(maps.Keys(got)), "the fields of the sample")
	require.Equal(t, host, got["cosHost"])
	require.Regexp(t, `^users/oX/20260105/[a-z2-7]{26}\.jpg$`, got["cosKey"], "the day is padded, the rest cannot be guessed")
	authorization, ok := got["authorization"].(string)
	require.True(t, ok)
	require.Contains(t, authorization, "q-sign-time=1767582185;1767582845&", "a minute ago to ten minutes ahead")
	require.Contains(t, authorization, "q-header-list=host&q-url-param-list=&")
	require.Equal(t, []ledger.Signed{{
		Bucket: bucket, Key: got["cosKey"].(string), Owner: "oX", Order: "A12", Position: new(3), ExpiresAt: now.Add(10 * time.Minute),
	}}, m.rows)

	got = fields(t, d.get(t, "/put-sign?ext=mov&owner=oX&forbidOverwrite=1&bucket="+second, announce), 200)
	require.Equal(t, []string{"authorization", "cosHost", "cosKey", "headers", "securityToken"}, slices.Sorted(maps.Keys(got)))
	require.Equal(t, "127.0.0.1:9000", got["cosHost"])
	require.Equal(t, "t0ken", got["securityToken"])
	require.Equal(t, map[string]any{"x-cos-forbid-overwrite": "true"}, got["headers"])
	require.Contains(t, got["authorization"], "q-header-list=host;x-cos-forbid-overwrite&")
	require.Equal(t, second, m.rows[1].Bucket)
	require.Empty(t, m.rows[1].Order)
	require.Nil(t, m.rows[1].Position)
}

func TestPostPolicy(t *testing.T) {
	t.Parallel()
	opt := options(&memory{})
	opt.Expires = 90 * time.Second
	d := newDoor(newSigner(t, opt), keys(t))
	got := fields(t, d.get(t, "/post-policy?ext=mp4&owner=oX", announce), 200)
	require.Equal(t, []string{"cosHost", "cosKey", "policy", "policyObj", "qAk", "qKeyTime", "qSignAlgorithm", "qSignature"},
		slices.Sorted(maps.Keys(got)), "the fields of the sample")
	text, err := base64.StdEncoding.DecodeString(got["policy"].(string))
	require.NoError(t, err)
	object, err := json.Marshal(got["policyObj"])
	require.NoError(t, err)
	require.JSONEq(t, string(text), string(object))
	require.JSONEq(t, `{"expiration":"2026-01-05T03:05:35.000Z","conditions":[{"q-sign-algorithm":"sha1"},{"q-ak":"AKIDtest"},
		{"q-sign-time":"1767582185;1767582335"},{"bucket":"`+bucket+`"},{"key":"`+got["cosKey"].(string)+`"},["content-length-range",1,9000]]}`, string(text))
	require.Equal(t, "sha1", got["qSignAlgorithm"])
	require.Equal(t, "AKIDtest", got["qAk"])
	require.Equal(t, "1767582185;1767582335", got["qKeyTime"])

	image := fields(t, d.get(t, "/post-policy?ext=heic&owner=oX", announce), 200)
	require.Contains(t, base64Text(t, image["policy"]), `["content-length-range",1,2000]`)
	token := fields(t, d.get(t, "/post-policy?ext=heic&owner=oX&bucket="+second, announce), 200)
	require.Equal(t, "t0ken", token["securityToken"])
}

func base64Text(t *testing.T, v any) string {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(v.(string))
	require.NoError(t, err)
	return string(text)
}

// TestRefused: every request that cannot be meant has its status and code, and nothing is
// recorded for it.
func TestRefused(t *testing.T) {
	t.Parallel()
	m := &memory{}
	d := newDoor(newSigner(t, options(m)), keys(t))
	ext := func(s string) string { return "ext=" + url.QueryEscape(s) + "&owner=oX" }
	for _, tt := range []struct {
		name, query, key string
		status           int
		code             string
	}{
		{"no key", "ext=jpg&owner=oX", "", 401, "UNAUTHORIZED"},
		{"wrong key", "ext=jpg&owner=oX", "x" + announce, 401, "UNAUTHORIZED"},
		{"key without the scope", "ext=jpg&owner=oX", read, 403, "FORBIDDEN"},
		{"no extension", "owner=oX", announce, 400, "MISSING_FIELD"},
		{"empty extension", ext(""), announce, 400, "INVALID_EXTENSION"},
		{"extension that climbs", ext("../../etc"), announce, 400, "INVALID_EXTENSION"},
		{"whole path without a dot", ext("wxfile://tmp_abc"), announce, 400, "INVALID_EXTENSION"},
		{"extension with a dot", ext(".jpg"), announce, 400, "INVALID_EXTENSION"},
		{"extension with NUL", ext("jpg\x00"), announce, 400, "INVALID_EXTENSION"},
		{"extension with a line", ext("jpg\nx"), announce, 400, "INVALID_EXTENSION"},
		{"extension with a last line", ext("jpg\n"), announce, 400, "INVALID_EXTENSION"},
		{"extension in other letters", ext("jpɡ"), announce, 400, "INVALID_EXTENSION"},
		{"extension of nothing allowed", ext("php"), announce, 400, "EXTENSION_NOT_ALLOWED"},
		{"extension of another type", ext("webp"), announce, 400, "EXTENSION_NOT_ALLOWED"},
		{"no owner", "ext=jpg", announce, 400, "OWNER_MISSING"},
		{"owner that climbs", "ext=jpg&owner=..", announce, 400, "BAD_FIELD"},
		{"owner with a slash", "ext=jpg&owner=o/x", announce, 400, "BAD_FIELD"},
		{"owner that cannot stand in a URL", "ext=jpg&owner=o%23x", announce, 400, "BAD_FIELD"},
		{"long owner", "ext=jpg&owner=" + strings.Repeat("o", 129), announce, 400, "BAD_FIELD"},
		{"user for another", "ext=jpg&owner=oX", "user-" + announce, 403, "OWNER_MISMATCH"},
		{"unknown bucket", "ext=jpg&owner=oX&bucket=other-1", announce, 400, "UNKNOWN_BUCKET"},
		{"long order", "ext=jpg&owner=oX&order=" + strings.Repeat("A", 256), announce, 400, "BAD_FIELD"},
		{"order with a line", "ext=jpg&owner=oX&order=A%0a1", announce, 400, "BAD_FIELD"},
		{"order in no encoding", "ext=jpg&owner=oX&order=A%ff", announce, 400, "BAD_FIELD"},
		{"position without order", "ext=jpg&owner=oX&position=1", announce, 400, "BAD_FIELD"},
		{"negative position", "ext=jpg&owner=oX&order=A&position=-1", announce, 400, "BAD_POSITION"},
		{"position that is no number", "ext=jpg&owner=oX&order=A&position=", announce, 400, "BAD_POSITION"},
		{"far position", "ext=jpg&owner=oX&order=A&position=10000", announce, 400, "BAD_POSITION"},
		{"misspelled", "ext=jpg&owner=oX&orderId=1", announce, 400, "UNKNOWN_FIELD"},
		{"twice", "ext=jpg&ext=png&owner=oX", announce, 400, "DUPLICATE_FIELD"},
		{"forbidOverwrite of nothing", "ext=jpg&owner=oX&forbidOverwrite=yes", announce, 400, "BAD_FIELD"},
		{"unreadable", "ext=jpg&owner=%zz", announce, 400, "BAD_FIELD"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/put-sign?", "/post-policy?"} {
				resp := d.get(t, path+tt.query, tt.key)
				got := fields(t, resp, tt.status)
				require.Len(t, got, 3)
				require.Equal(t, tt.code, got["code"], got["message"])
				require.NotEmpty(t, got["message"])
				require.Equal(t, resp.Header().Get("X-Request-Id"), got["requestId"])
			}
		})
	}
	t.Cleanup(func() { require.Zero(t, m.called.Load(), "something was recorded") })
}

func TestOtherRefusals(t *testing.T) {
	t.Parallel()
	opt := options(&memory{})
	opt.Orders = false
	d := newDoor(newSigner(t, opt), keys(t))
	require.Equal(t, "ORDERS_NOT_CONFIGURED", fields(t, d.get(t, "/put-sign?ext=jpg&owner=oX&order=A", announce), 400)["code"])
	require.Equal(t, "BAD_FIELD", fields(t, d.get(t, "/post-policy?ext=jpg&owner=oX&forbidOverwrite=1", announce), 400)["code"], "a form has no such header")
	post := func(r *http.Request) { r.Method = http.MethodPost }
	resp := d.get(t, "/put-sign?ext=jpg&owner=oX", announce, post)
	require.Equal(t, "METHOD_NOT_ALLOWED", fields(t, resp, 405)["code"])
	require.Equal(t, "GET, HEAD", resp.Header().Get("Allow"))
	user := fields(t, d.get(t, "/put-sign?ext=jpg", "user-"+announce), 200)
	require.Contains(t, user["cosKey"], "users/oU/", "a user needs no owner")
}

// TestLedgerFirst: what the ledger has not taken is not given away.
func TestLedgerFirst(t *testing.T) {
	t.Parallel()
	m := &memory{err: pipeline.Errorf(pipeline.Transient, "ledger.sign", "", "away")}
	d := newDoor(newSigner(t, options(m)), keys(t))
	for _, path := range []string{"/put-sign", "/post-policy"} {
		resp := d.get(t, path+"?ext=jpg&owner=oX", announce)
		require.Equal(t, "UNAVAILABLE", fields(t, resp, 503)["code"])
		require.Equal(t, "5", resp.Header().Get("Retry-After"))
	}
	m.err = &pipeline.Error{Class: pipeline.Bug, Op: "x", Err: errors.New("inside")}
	got := fields(t, d.get(t, "/put-sign?ext=jpg&owner=oX", announce), 500)
	require.Equal(t, "internal error", got["message"], "nothing of the inside is told")

	m.err, m.taken = nil, 2
	fields(t, d.get(t, "/put-sign?ext=jpg&owner=oX", announce), 200)
	require.Len(t, m.rows, 1, "a key that is taken is not given away a second time")
	m.taken = 9
	fields(t, d.get(t, "/put-sign?ext=jpg&owner=oX", announce), 500)
}

func TestKeysAreNeverTheSame(t *testing.T) {
	t.Parallel()
	m := &memory{}
	s := newSigner(t, options(m))
	seen := map[string]bool{}
	for range 2000 {
		a, err := s.Put(t.Context(), sign.Request{Owner: "oX", Ext: "jpg"})
		require.NoError(t, err)
		require.NoError(t, pipeline.CheckName(a.CosKey))
		require.Equal(t, "oX", pipeline.OwnerOf(a.CosKey))
		require.False(t, seen[a.CosKey])
		seen[a.CosKey] = true
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*sign.Options){
		"no ledger": func(o *sign.Options) { o.Ledger = nil },
		"no bucket": func(o *sign.Options) { o.Buckets = nil },
		"no host":   func(o *sign.Options) { o.Buckets[0].Host = "" },
		"no secret": func(o *sign.Options) { o.Buckets[0].Key.Secret = "" },
		"no limit":  func(o *sign.Options) { o.MaxVideoBytes = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opt := options(&memory{})
			change(&opt)
			_, err := sign.New(opt)
			require.Error(t, err)
			require.NotContains(t, err.Error(), secretKey)
		})
	}
}

// TestLoopback: without a key, only this machine by its own name gets a signature, for
// the one owner.
func TestLoopback(t *testing.T) {
	t.Parallel()
	d := newDoor(newSigner(t, options(&memory{})), sign.Loopback("oDev"))
	here := func(r *http.Request) { r.RemoteAddr, r.Host = "127.0.0.1:5555", "127.0.0.1:3000" }
	got := fields(t, d.get(t, "/post-policy?ext=jpg", "", here), 200)
	require.Contains(t, got["cosKey"], "users/oDev/")
	require.Equal(t, "OWNER_MISMATCH", fields(t, d.get(t, "/post-policy?ext=jpg&owner=oX", "", here), 403)["code"])
	for name, change := range map[string]func(*http.Request){
		"another host":    func(r *http.Request) { r.RemoteAddr = "192.168.1.7:5555" },
		"another name":    func(r *http.Request) { r.Host = "evil.example.com:3000" },
		"a proxy":         func(r *http.Request) { r.Header.Set("X-Forwarded-For", "8.8.8.8") },
		"another proxy":   func(r *http.Request) { r.Header.Set("Forwarded", "for=8.8.8.8") },
		"no name at all":  func(r *http.Request) { r.Host = "" },
		"a name with dot": func(r *http.Request) { r.Host = "localhost.evil.example.com" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, "FORBIDDEN", fields(t, d.get(t, "/put-sign?ext=jpg", "", here, change), 403)["code"])
		})
	}
	for address, want := range map[string]bool{
		"127.0.0.1:3000": true, "127.9.9.9": true, "localhost:80": true, "LOCALHOST": true, "[::1]:3000": true, "::1": true, "[::1]": true,
		"0.0.0.0:3000": false, ":3000": false, "": false, "[::]:3000": false, "192.168.1.7:3000": false, "1270.0.0.1": false, "localhost.": false,
	} {
		require.Equal(t, want, sign.IsLoopback(address), address)
	}
}

// TestAwayIsLoggedOnce: while the ledger is away one line says so, not one for each phone.
func TestAwayIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	opt := options(&memory{err: pipeline.Errorf(pipeline.Transient, "ledger.sign", "", "away")})
	opt.Logger = slog.New(slog.NewTextHandler(&log, nil))
	d := newDoor(newSigner(t, opt), keys(t))
	for range 20 {
		require.Equal(t, "UNAVAILABLE", fields(t, d.get(t, "/put-sign?ext=jpg&owner=oX", announce), 503)["code"])
	}
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	require.Contains(t, log.String(), "level=WARN")
}
