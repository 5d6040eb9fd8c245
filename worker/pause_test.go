package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestPauseSurvivesFlushAll(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, ledgertest.NewClock())
		desk := tasks.NewDesk(b.rdb)
		_, err := b.ledger.Pause(t.Context(), ledger.PausedQueue{Name: tasks.QueueChecks, By: "tester", Note: "moving"})
		require.NoError(t, err)
		redistest.Wipe(t, b.rdb)
		b.swept()
		stats, err := desk.Stats(t.Context(), tasks.QueueChecks)
		require.NoError(t, err)
		require.True(t, stats.Paused)
		stats, err = desk.Stats(t.Context(), tasks.QueueHooks)
		require.NoError(t, err)
		require.False(t, stats.Paused)
	})
}

// TestPauseEnds: the sweep ends a pause whose time is over, in Redis and in the ledger,
// and brings the end with it where Redis was wiped.
func TestPauseEnds(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		clock := ledgertest.NewClock()
		b := newBench(t, url, clock)
		desk := tasks.NewDesk(b.rdb)
		paused := func() bool {
			stats, err := desk.Stats(t.Context(), tasks.QueueURLs)
			require.NoError(t, err)
			return stats.Paused
		}
		_, err := b.ledger.Pause(t.Context(), ledger.PausedQueue{Name: tasks.QueueURLs, By: "tester", Until: clock.Now().Add(30 * time.Minute)})
		require.NoError(t, err)
		b.swept()
		require.True(t, paused())
		left := b.rdb.PTTL(t.Context(), "asynq:{"+tasks.QueueURLs+"}:paused").Val()
		require.Greater(t, left, 20*time.Minute, "Redis knows the end as well")
		require.LessOrEqual(t, left, 30*time.Minute)

		clock.Add(29 * time.Minute)
		b.swept()
		require.True(t, paused())
		clock.Add(time.Minute)
		b.swept()
		require.False(t, paused())
		list, err := b.ledger.PausedQueues(t.Context())
		require.NoError(t, err)
		require.Empty(t, list)
	})
}

// TestPauseStale: a sweep that listed a pause before somebody resumed the queue does not
// leave it paused in Redis.
func TestPauseStale(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	_, err := b.ledger.Pause(t.Context(), ledger.PausedQueue{Name: tasks.QueueURLs, By: "tester"})
	require.NoError(t, err)
	listed, err := b.ledger.PausedQueues(t.Context())
	require.NoError(t, err)
	_, err = b.ledger.Resume(t.Context(), tasks.QueueURLs, "tester", "")
	require.NoError(t, err)
	s := b.sweeper()
	require.NoError(t, s.pauseListed(t.Context(), listed))
	stats, err := s.desk.Stats(t.Context(), tasks.QueueURLs)
	require.NoError(t, err)
	require.False(t, stats.Paused)
}
