package hooks_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
)

// TestSenderPauses: after failures in a row there is no request for a while, and what
// comes meanwhile is charged to nobody; the other endpoint of the set is not concerned.
func TestSenderPauses(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	status := atomic.Int32{}
	status.Store(http.StatusInternalServerError)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(server.Close)
	other, heard := endpoint(t, http.StatusOK, nil)
	now := time.Now()
	log := &bytes.Buffer{}
	of := func(name, url string) hooks.Options {
		return hooks.Options{
			Name: name, URL: url, Secrets: []string{secret(1)}, AllowPrivate: true,
			Now: func() time.Time { return now }, Logger: slog.New(slog.NewTextHandler(log, nil)),
		}
	}
	set, err := hooks.NewSet([]hooks.Options{of("crm", server.URL), of("", other.URL)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, set.Close()) })
	send := func() error {
		_, err := set.Notify(t.Context(), "crm", outcome().Event())
		return err
	}
	for range 5 {
		require.Zero(t, set.Hold("crm"))
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(send()))
	}
	require.Equal(t, 30*time.Second, set.Hold("crm"))
	for range 3 {
		err := send()
		require.Equal(t, pipeline.Interrupted, pipeline.ClassOf(err))
		require.Equal(t, 30*time.Second, pipeline.RetryAfterOf(err))
	}
	require.EqualValues(t, 5, hits.Load())
	require.Contains(t, log.String(), `msg="the endpoint is paused" endpoint=crm for=30s`)

	require.Zero(t, set.Hold(""))
	sent, err := set.Notify(t.Context(), "", outcome().Event())
	require.NoError(t, err)
	require.True(t, sent)
	require.Len(t, heard, 1)

	status.Store(http.StatusOK)
	now = now.Add(30 * time.Second)
	require.NoError(t, send())
	require.Contains(t, log.String(), `msg="the endpoint is back" endpoint=crm`)
	require.Zero(t, set.Hold("crm"))
	require.Zero(t, set.Hold("nobody"))
}

// TestRefusalsPause: an endpoint that refuses our webhooks fails like any other.
func TestRefusalsPause(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		server, got := endpoint(t, status, nil)
		s := newSender(t, hooks.Options{URL: server.URL, AllowPrivate: true})
		for range 5 {
			require.Zero(t, s.Hold())
			_, err := s.Notify(t.Context(), outcome().Event())
			require.Equal(t, pipeline.Denied, pipeline.ClassOf(err))
		}
		require.Positive(t, s.Hold())
		require.Len(t, got, 5)
	}
}
