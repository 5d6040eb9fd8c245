package tasks_test

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestDesk(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		rdb := redistest.Universal(t, url)
		desk := tasks.NewDesk(rdb)
		stats, err := desk.Stats(t.Context(), tasks.QueueChecks)
		require.NoError(t, err)
		require.Equal(t, tasks.QueueStats{Queue: tasks.QueueChecks}, stats, "a queue that Redis does not know is empty")

		for range 2 {
			require.NoError(t, desk.Pause(t.Context(), tasks.QueueChecks, 0))
		}
		client := asynq.NewClientFromRedisClient(rdb)
		_, err = client.Enqueue(asynq.NewTask("afterput:check", nil), asynq.Queue(tasks.QueueChecks))
		require.NoError(t, err)
		stats, err = desk.Stats(t.Context(), tasks.QueueChecks)
		require.NoError(t, err)
		require.True(t, stats.Paused, "asynq sees the pause")
		require.Equal(t, 1, stats.Open())

		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		require.ErrorIs(t, desk.Drained(ctx, []string{tasks.QueueChecks}, nil), context.DeadlineExceeded)
		require.NoError(t, desk.Drained(t.Context(), []string{tasks.QueueHooks}, nil))

		for range 2 {
			require.NoError(t, desk.Resume(t.Context(), tasks.QueueChecks))
		}
		stats, err = desk.Stats(t.Context(), tasks.QueueChecks)
		require.NoError(t, err)
		require.False(t, stats.Paused)
	})
}

// TestDeskPauseEnds: the pause ends in Redis by itself, and a new end takes the place of
// the old one.
func TestDeskPauseEnds(t *testing.T) {
	t.Parallel()
	mini := miniredis.RunT(t)
	rdb := redistest.Client(t, "redis://"+mini.Addr()+"/0")
	desk := tasks.NewDesk(rdb)
	paused := func() bool {
		stats, err := desk.Stats(t.Context(), tasks.QueueURLs)
		require.NoError(t, err)
		return stats.Paused
	}
	pause := func(left time.Duration) { require.NoError(t, desk.Pause(t.Context(), tasks.QueueURLs, left)) }
	pause(time.Hour)
	pause(3 * time.Hour)
	mini.FastForward(2 * time.Hour)
	require.True(t, paused(), "prolonged")
	mini.FastForward(2 * time.Hour)
	require.False(t, paused())
	pause(time.Hour)
	pause(0)
	mini.FastForward(24 * time.Hour)
	require.True(t, paused(), "without an end")
	pause(-time.Second)
	require.False(t, paused(), "its time is over")
}

// TestDeskPing: a Redis that answers for some queues and not for all does not answer.
func TestDeskPing(t *testing.T) {
	t.Parallel()
	require.NoError(t, tasks.NewDesk(redistest.Client(t, redistest.Mini(t))).Ping(t.Context()))
	require.Error(t, tasks.NewDesk(redistest.Away(t)).Ping(t.Context()))

	nodes := redistest.StartCluster(t)
	rdb := redistest.Universal(t, nodes.URL)
	desk := tasks.NewDesk(rdb)
	require.NoError(t, desk.Ping(t.Context()))
	for _, n := range nodes.Nodes {
		require.NoError(t, n.Client().ConfigSet(t.Context(), "cluster-require-full-coverage", "no").Err())
	}
	dead := nodes.Master("asynq:{checks}:paused")
	var there []string
	for _, q := range tasks.Queues() {
		if nodes.Master("asynq:{"+q+"}:paused") != dead {
			there = append(there, q)
		}
	}
	nodes.Replica(dead).Kill()
	dead.Kill()
	require.Error(t, desk.Ping(t.Context()))
	require.Error(t, desk.Ping(t.Context(), tasks.QueueChecks))
	require.NoError(t, desk.Ping(t.Context(), there...), "%q lie elsewhere", there)
}
