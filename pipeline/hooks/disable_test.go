package hooks_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
)

// book remembers in memory.
type book struct {
	mu       sync.Mutex
	disabled map[string]string
	away     error
}

func (b *book) Endpoint(_ context.Context, name string) (pipeline.Endpoint, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := pipeline.Endpoint{Name: name}
	if why, ok := b.disabled[name]; ok {
		e.DisabledAt, e.Why = time.Unix(1, 0), why
	}
	return e, b.away
}

func (b *book) DisableEndpoint(_ context.Context, name, why string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.away == nil {
		b.disabled[name] = why
	}
	return b.away
}

// TestGoneDisables: after a 410 nothing is sent until the endpoint is enabled again.
func TestGoneDisables(t *testing.T) {
	t.Parallel()
	server, got := endpoint(t, http.StatusGone, nil)
	kept := &book{disabled: map[string]string{}}
	s := newSender(t, hooks.Options{Name: "shop", URL: server.URL, AllowPrivate: true, Book: kept})
	for range 3 {
		sent, err := s.Notify(t.Context(), outcome().Event())
		require.False(t, sent)
		require.Equal(t, pipeline.Denied, pipeline.ClassOf(err))
		require.ErrorContains(t, err, "410")
	}
	require.Len(t, got, 1, "one request, then none")
	require.Contains(t, kept.disabled, "shop")

	other, heard := endpoint(t, http.StatusOK, nil)
	s = newSender(t, hooks.Options{Name: "crm", URL: other.URL, AllowPrivate: true, Book: kept})
	sent, err := s.Notify(t.Context(), outcome().Event())
	require.NoError(t, err)
	require.True(t, sent, "another endpoint is not concerned")
	require.Len(t, heard, 1)
}

// TestBookAwayCostsNothing: while nobody knows whether an endpoint is disabled, nothing is
// sent and no attempt is charged to it.
func TestBookAwayCostsNothing(t *testing.T) {
	t.Parallel()
	server, got := endpoint(t, http.StatusOK, nil)
	s := newSender(t, hooks.Options{URL: server.URL, AllowPrivate: true, Book: &book{away: errors.New("locked")}})
	_, err := s.Notify(t.Context(), outcome().Event())
	require.Equal(t, pipeline.Interrupted, pipeline.ClassOf(err))
	require.Positive(t, pipeline.RetryAfterOf(err))
	require.Empty(t, got)
}
