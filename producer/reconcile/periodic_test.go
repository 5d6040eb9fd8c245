package reconcile_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/reconcile"
)

// TestPeriodic: of several processes one heals, and the next round comes after Every.
func TestPeriodic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("users/o1/a.jpg")
	w.clock.Add(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, holder := range []string{"a", "b", "c"} {
		p := &reconcile.Periodic{
			Run: w.Reconciler, Leases: w.ledger, Holder: holder, Buckets: []string{bucket},
			Every: 20 * time.Millisecond, Since: 24 * time.Hour, Logger: slog.New(slog.DiscardHandler),
		}
		all.Go(func() { p.Loop(ctx) })
	}
	announced := func(key string) func() bool {
		return func() bool {
			u, err := w.ledger.Upload(context.WithoutCancel(t.Context()), pipeline.UploadID(bucket, key))
			return err == nil && u.Announcements == 1 && u.Source == "reconcile"
		}
	}
	require.Eventually(t, announced("users/o1/a.jpg"), 10*time.Second, 5*time.Millisecond)
	w.put("users/o1/b.jpg")
	w.clock.Add(time.Hour)
	require.Eventually(t, announced("users/o1/b.jpg"), 10*time.Second, 5*time.Millisecond)
	cancel()
	all.Wait()
	ok, err := w.ledger.Lease(t.Context(), "reconcile", "d", time.Minute)
	require.NoError(t, err)
	w.clock.Add(time.Second)
	if !ok { // it was given back for the next round
		ok, err = w.ledger.Lease(t.Context(), "reconcile", "d", time.Minute)
		require.NoError(t, err)
	}
	require.True(t, ok)
}
