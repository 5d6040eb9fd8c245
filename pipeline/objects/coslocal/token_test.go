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
