package qsign_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/qsign"
)

var (
	key = qsign.Key{ID: "AKIDtest", Secret: "s3cr3t-s3cr3t", Token: "t0ken"}
	at  = time.Unix(1_800_000_000, 0)
)

func lookup(id string) (string, bool) { return key.Secret, id == key.ID }

// request makes what a server sees of a signed GET of /users/o/图 1.jpg?acl=&versionId=7.
func request(t *testing.T, change func(*http.Request)) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet,
		"http://127.0.0.1:9000/users/o/%E5%9B%BE%201.jpg?acl&versionId=7", nil)
	r.Header.Set("Range", "bytes=0-9")
	r.Header.Set("Authorization", qsign.Authorization(key, qsign.Request{
		Method: "GET", Path: "/users/o/图 1.jpg",
		Params: url.Values{"acl": {""}, "versionId": {"7"}},
		Header: http.Header{"Host": {"127.0.0.1:9000"}, "Range": {"bytes=0-9"}},
	}, qsign.Valid(at, time.Minute)))
	if change != nil {
		change(r)
	}
	return r
}

func TestVerify(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*http.Request)
		now    time.Time
		want   error
	}{
		{"good", nil, at, nil},
		{"last second", nil, at.Add(time.Minute), nil},
		{"expired", nil, at.Add(61 * time.Second), qsign.Expired},
		{"early", nil, at.Add(-time.Second), qsign.NotYetValid},
		{"other header not signed", func(r *http.Request) { r.Header.Set("X-Other", "1") }, at, nil},
		{"other parameter not signed", func(r *http.Request) { r.URL.RawQuery += "&x=1" }, at, nil},
		{"other method", func(r *http.Request) { r.Method = http.MethodPut }, at, qsign.Mismatch},
		{"other path", func(r *http.Request) { r.URL.Path += "x" }, at, qsign.Mismatch},
		{"other host", func(r *http.Request) { r.Host = "127.0.0.1" }, at, qsign.Mismatch},
		{"other range", func(r *http.Request) { r.Header.Set("Range", "bytes=0-") }, at, qsign.Mismatch},
		{"signed header gone", func(r *http.Request) { r.Header.Del("Range") }, at, qsign.Mismatch},
		{"signed parameter gone", func(r *http.Request) { r.URL.RawQuery = "acl" }, at, qsign.Mismatch},
		{"signed parameter twice", func(r *http.Request) { r.URL.RawQuery += "&versionId=8" }, at, qsign.Mismatch},
		{"no signature", func(r *http.Request) { r.Header.Del("Authorization") }, at, qsign.Unsigned},
		{"two headers", func(r *http.Request) { r.Header.Add("Authorization", "x") }, at, qsign.Malformed},
		{"unreadable", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, at, qsign.Malformed},
		{"unknown key", swap("AKIDtest", "AKIDother"), at, qsign.UnknownKey},
		{"window stretched", swap("1800000060", "1900000060"), at, qsign.Mismatch},
		{"windows differ", swap("q-key-time=1800000000", "q-key-time=1800000001"), at, qsign.Malformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			id, err := qsign.Verify(request(t, tt.change), lookup, tt.now)
			if tt.want == nil {
				require.NoError(t, err)
				require.Equal(t, key.ID, id)
				return
			}
			require.ErrorIs(t, err, tt.want)
			require.Empty(t, id)
			require.NotContains(t, fmt.Sprintf("%+v", err), key.Secret)
		})
	}
}

func swap(old, new string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), old, new))
	}
}

func TestPresignURL(t *testing.T) {
	t.Parallel()
	u := &url.URL{Scheme: "http", Host: "127.0.0.1:9000", Path: "/users/o/图 (1)+%&=.jpg", RawQuery: "response-content-type=image%2Fjpeg"}
	signed := qsign.PresignURL(key, "GET", u, qsign.Valid(at, time.Minute))
	require.NotContains(t, signed, ";")
	require.NotContains(t, u.RawQuery, "q-sign", "the caller's URL stays as it was")

	t.Run("as sent", func(t *testing.T) {
		t.Parallel()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, signed, nil)
		require.True(t, qsign.Signed(r))
		id, err := qsign.Verify(r, lookup, at)
		require.NoError(t, err)
		require.Equal(t, key.ID, id)
		require.Equal(t, key.Token, r.URL.Query().Get("x-cos-security-token"))
	})
	t.Run("bare semicolons", func(t *testing.T) {
		t.Parallel()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, strings.ReplaceAll(signed, "%3B", ";"), nil)
		_, err := qsign.Verify(r, lookup, at)
		require.NoError(t, err)
	})
	t.Run("parameter changed", func(t *testing.T) {
		t.Parallel()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(signed, "image%2Fjpeg", "text%2Fhtml", 1), nil)
		_, err := qsign.Verify(r, lookup, at)
		require.ErrorIs(t, err, qsign.Mismatch)
	})
	t.Run("merged into sign", func(t *testing.T) {
		t.Parallel()
		auth := qsign.Authorization(key, qsign.Request{Method: "GET", Path: "/k", Header: qsign.Host("h")}, qsign.Valid(at, time.Minute))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://h/k?sign="+url.QueryEscape(auth), nil)
		_, err := qsign.Verify(r, lookup, at)
		require.NoError(t, err)
	})
}

func TestVerifyString(t *testing.T) {
	t.Parallel()
	form := qsign.Request{Method: "post", Path: "/", Header: qsign.Host("h")}
	auth := qsign.Authorization(key, form, qsign.Valid(at, time.Minute))
	id, err := qsign.VerifyString(auth, form, lookup, at)
	require.NoError(t, err)
	require.Equal(t, key.ID, id)
	form.Method = "put"
	_, err = qsign.VerifyString(auth, form, lookup, at)
	require.ErrorIs(t, err, qsign.Mismatch)
}

func TestKeyPrintsNoSecret(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", key)
	for _, s := range []string{fmt.Sprintf("%v %+v %#v %s", key, key, key, key), log.String()} {
		require.Contains(t, s, key.ID)
		require.NotContains(t, s, key.Secret)
		require.NotContains(t, s, key.Token)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(qsign.Authorization(key, qsign.Request{Method: "get", Path: "/", Header: qsign.Host("h")}, qsign.Valid(at, time.Minute)))
	f.Add("q-sign-algorithm=sha1&q-ak=&q-sign-time=;&q-key-time=;&q-header-list=&q-url-param-list=&q-signature=")
	f.Add("q-sign-algorithm=sha1&q-sign-algorithm=sha1")
	f.Add("&&==;;")
	f.Fuzz(func(t *testing.T, s string) {
		sig, err := qsign.Parse(s)
		if err != nil {
			require.ErrorIs(t, err, qsign.Malformed)
			return
		}
		again, err := qsign.Parse(sig.String())
		require.NoError(t, err)
		require.Equal(t, sig, again)
		_, err = qsign.VerifyString(s, qsign.Request{Method: "get", Path: "/"}, lookup, at)
		require.Error(t, err)
	})
}
