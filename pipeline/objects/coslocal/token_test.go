package coslocal_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/qsign"
)

// TestTokens: a temporary key opens nothing without its token, in a header or in a
// presigned URL.
func TestTokens(t *testing.T) {
	t.Parallel()
	server, err := coslocal.New(coslocal.Options{
		Dir: t.TempDir(), Bucket: bucket, Keys: map[string]string{"AKIDtmp": "s3cr3t"}, Tokens: map[string]string{"AKIDtmp": "the-token"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	window := qsign.Valid(time.Now().Add(-time.Minute), 10*time.Minute)
	for token, want := range map[string]int{"the-token": http.StatusOK, "another": http.StatusForbidden, "": http.StatusForbidden} {
		r := httptest.NewRequest(http.MethodPut, "/k", strings.NewReader("x"))
		r.Header.Set("Authorization", qsign.Authorization(qsign.Key{ID: "AKIDtmp", Secret: "s3cr3t"},
			qsign.Request{Method: http.MethodPut, Path: "/k", Header: qsign.Host(r.Host)}, window))
		r.Header.Set("X-Cos-Security-Token", token)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		require.Equal(t, want, w.Code, token)
		if want != http.StatusOK {
			require.Contains(t, w.Body.String(), "InvalidAccessKeyId")
		}

		presigned := qsign.PresignURL(qsign.Key{ID: "AKIDtmp", Secret: "s3cr3t", Token: token}, http.MethodPut,
			&url.URL{Scheme: "http", Host: r.Host, Path: "/k"}, window)
		w = httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequest(http.MethodPut, presigned, strings.NewReader("x")))
		require.Equal(t, want, w.Code, presigned)
	}
}

// TestEndedKeys: a key that has ended opens nothing, in a header, a URL or a form.
func TestEndedKeys(t *testing.T) {
	t.Parallel()
	now := time.Now()
	server, err := coslocal.New(coslocal.Options{Dir: t.TempDir(), Bucket: bucket})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	for _, tt := range []struct {
		ends time.Time
		want int
	}{{now.Add(time.Hour), http.StatusOK}, {now.Add(-time.Second), http.StatusForbidden}} {
		key := qsign.Key{ID: "AKIDtmp", Secret: "s3cr3t", Token: "the-token"}
		granted := key
		granted.Expires = tt.ends
		server.Grant(granted)
		presigned := qsign.PresignURL(key, http.MethodPut, &url.URL{Scheme: "http", Host: "example.com", Path: "/k"}, qsign.Valid(now.Add(-time.Minute), 10*time.Minute))
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequest(http.MethodPut, presigned, strings.NewReader("x")))
		require.Equal(t, tt.want, w.Code)
		if tt.want != http.StatusOK {
			require.Contains(t, w.Body.String(), "ExpiredToken")
		}
	}
}

// TestHosts: a host of COS that names another bucket or region is refused.
func TestHosts(t *testing.T) {
	t.Parallel()
	server, err := coslocal.New(coslocal.Options{Dir: t.TempDir(), Bucket: bucket, Region: "ap-shanghai", Keys: map[string]string{"AKID": "s"}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	for host, want := range map[string]int{
		bucket + ".cos.ap-shanghai.myqcloud.com":  http.StatusOK,
		bucket + ".cos.ap-guangzhou.myqcloud.com": http.StatusNotFound,
		"other-1.cos.ap-shanghai.myqcloud.com":    http.StatusNotFound,
		"127.0.0.1:9000":                          http.StatusOK,
	} {
		r := httptest.NewRequest(http.MethodPut, "http://"+host+"/k", strings.NewReader("x"))
		r.Header.Set("Authorization", qsign.Authorization(qsign.Key{ID: "AKID", Secret: "s"},
			qsign.Request{Method: http.MethodPut, Path: "/k", Header: qsign.Host(r.Host)}, qsign.Valid(time.Now().Add(-time.Minute), time.Hour)))
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		require.Equal(t, want, w.Code, host)
		if want == http.StatusNotFound {
			require.Contains(t, w.Body.String(), "NoSuchBucket")
		}
	}
}
