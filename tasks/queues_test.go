package tasks_test

import (
	"context"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestDesk(t *testing.T) {
	t.Parallel()
	rdb := redistest.Client(t, redistest.Mini(t))
	desk := tasks.NewDesk(rdb)
	stats, err := desk.Stats(t.Context(), tasks.QueueChecks)
	require.NoError(t, err)
	require.Equal(t, tasks.QueueStats{Queue: tasks.QueueChecks}, stats, "a queue that Redis does not know is empty")

	for range 2 {
		require.NoError(t, desk.SetPaused(t.Context(), tasks.QueueChecks, true))
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
		require.NoError(t, desk.SetPaused(t.Context(), tasks.QueueChecks, false))
	}
	stats, err = desk.Stats(t.Context(), tasks.QueueChecks)
	require.NoError(t, err)
	require.False(t, stats.Paused)
}
