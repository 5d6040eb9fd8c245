package qsign_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	cos "github.com/tencentyun/cos-go-sdk-v5"
	"pgregory.net/rapid"

	"github.com/afterput/afterput/pipeline/qsign"
)

// odd is what keys of real uploads are made of, and what encoders get wrong.
var odd = []rune("abzAZ09/ +%&=?#;:@!$'()*,-_.~图片照é🌸\"<>[]{}|^`\\")

func objectKey(t *rapid.T) string {
	s := rapid.StringOfN(rapid.RuneFrom(odd), 1, 40, -1).Draw(t, "key")
	return "users/" + strings.TrimLeft(s, "/") + "x"
}

// TestAgreesWithSDK signs with the vendor's SDK and with qsign and wants the same.
func TestAgreesWithSDK(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		name := objectKey(rt)
		u := &url.URL{Scheme: "http", Host: "127.0.0.1:9000", Path: "/" + name}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, u.String(), nil)
		require.NoError(rt, err)
		r.Header.Set("Content-Type", rapid.StringOf(rapid.RuneFrom(odd)).Draw(rt, "type"))
		r.Header.Set("X-Cos-Meta-Note", rapid.StringOf(rapid.RuneFrom(odd)).Draw(rt, "note"))
		params := url.Values{"Prefix": {name}, "b": {"2", "1"}}
		r.URL.RawQuery = params.Encode()
		w := qsign.Valid(at, time.Hour)
		cos.AddAuthorizationHeader(key.ID, key.Secret, "", r, &cos.AuthTime{
			SignStartTime: w.Start, SignEndTime: w.End, KeyStartTime: w.Start, KeyEndTime: w.End,
		})
		ours := qsign.Authorization(key, qsign.Request{Method: "PUT", Path: "/" + name, Params: params, Header: http.Header{
			"Host": {u.Host}, "Content-Type": r.Header["Content-Type"], "X-Cos-Meta-Note": r.Header["X-Cos-Meta-Note"],
		}}, w)
		require.Equal(rt, r.Header.Get("Authorization"), ours)

		r.Header.Del("Host") // the SDK leaves it there, the wire does not carry it twice
		_, err = qsign.Verify(r, lookup, at)
		require.NoError(rt, err)
	})
}

// TestVerifiesPresignedOfSDK checks URLs that the vendor's SDK presigned.
func TestVerifiesPresignedOfSDK(t *testing.T) {
	t.Parallel()
	base, err := url.Parse("http://127.0.0.1:9000")
	require.NoError(t, err)
	client := cos.NewClient(&cos.BaseURL{BucketURL: base}, nil)
	rapid.Check(t, func(rt *rapid.T) {
		name := objectKey(rt)
		w := qsign.Valid(at, time.Hour)
		auth := &cos.AuthTime{SignStartTime: w.Start, SignEndTime: w.End, KeyStartTime: w.Start, KeyEndTime: w.End}
		merged := rapid.Bool().Draw(rt, "merged")
		theirs, err := client.Object.GetPresignedURL(t.Context(), http.MethodGet, name, key.ID, key.Secret, time.Hour,
			&cos.PresignedURLOptions{Query: &url.Values{"response-expires": {name}}, AuthTime: auth, SignMerged: merged})
		require.NoError(rt, err)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, theirs.String(), nil)
		require.Equal(rt, "/"+name, r.URL.Path)
		_, err = qsign.Verify(r, lookup, at)
		require.NoError(rt, err)

		ours := qsign.PresignURL(qsign.Key{ID: key.ID, Secret: key.Secret}, "GET",
			&url.URL{Scheme: "http", Host: base.Host, Path: "/" + name, RawQuery: url.Values{"response-expires": {name}}.Encode()}, w)
		our, err := url.Parse(ours)
		require.NoError(rt, err)
		require.Equal(rt, "/"+name, our.Path)
		if !merged {
			require.Equal(rt, theirs.Query(), our.Query())
		}
	})
}
