package objects_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/qsign"
)

// TestConnectionsAreKept: what was read to its end gives its connection back, and so does
// every answer without a body or with an error.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	server, err := coslocal.New(coslocal.Options{Dir: t.TempDir(), Bucket: bucket, Keys: map[string]string{secretID: secretKey}})
	require.NoError(t, err)
	var dialed atomic.Int64
	web := httptest.NewUnstartedServer(server)
	web.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			dialed.Add(1)
		}
	}
	web.Start()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		web.Close()
	})
	w := world{store: storeAt(t, web.URL), server: server, url: web.URL}
	ctx := t.Context()
	for range 5 {
		w.put(t, "k", make([]byte, 200_000))
		_, err := w.get(ctx, "k")
		require.NoError(t, err)
		_, body, err := w.store.Get(ctx, bucket, "k", pipeline.ReadOptions{Length: pipeline.ProbeBytes})
		require.NoError(t, err)
		n, err := body.Read(make([]byte, pipeline.ProbeBytes))
		for total := n; total < pipeline.ProbeBytes && err == nil; total += n {
			n, err = body.Read(make([]byte, pipeline.ProbeBytes))
		}
		require.NoError(t, err)
		require.NoError(t, body.Close())
		_, err = w.store.Head(ctx, bucket, "none")
		require.Equal(t, pipeline.Missing, pipeline.ClassOf(err))
		_, err = w.get(ctx, "none")
		require.Equal(t, pipeline.Missing, pipeline.ClassOf(err))
		public, err := w.store.Public(ctx, bucket, "k")
		require.NoError(t, err)
		require.False(t, public)
	}
	require.EqualValues(t, 1, dialed.Load())
}

// TestTemporaryKey: the token of a temporary key is sent and signed.
func TestTemporaryKey(t *testing.T) {
	t.Parallel()
	var verdict error
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, verdict = qsign.Verify(r, func(string) (string, bool) { return secretKey, true }, time.Now())
		if r.Header.Get("X-Cos-Security-Token") != "t0ken" {
			w.WriteHeader(http.StatusForbidden)
		}
		w.Header().Set("Content-Length", "0")
	}))
	t.Cleanup(web.Close)
	s, err := objects.New(objects.Options{Buckets: []objects.BucketOptions{
		{Name: bucket, Endpoint: web.URL, SecretID: secretID, SecretKey: secretKey, SessionToken: "t0ken"},
	}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.Head(t.Context(), bucket, "k")
	require.NoError(t, err)
	require.NoError(t, verdict)
}
