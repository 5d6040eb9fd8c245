package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func checkOf(i int, at time.Time) pipeline.Wish {
	return pipeline.Wish{Run: pipeline.Run{UploadID: fmt.Sprintf("u%d", i), Step: pipeline.StepCheck, Gen: 1}, ReadyAt: at}
}

func TestDeskIDs(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		rdb := redistest.Universal(t, url)
		desk, queue := tasks.NewDesk(rdb), tasks.NewEnqueuer(rdb, nil, nil)
		ids := func(state tasks.TaskState, offset, n int) []string {
			t.Helper()
			got, err := desk.IDs(t.Context(), tasks.QueueChecks, state, offset, n)
			require.NoError(t, err)
			return got
		}
		require.Empty(t, ids(tasks.TaskPending, 0, 10))
		for i := range 5 {
			_, err := queue.Enqueue(t.Context(), checkOf(i, time.Time{}))
			require.NoError(t, err)
			_, err = queue.Enqueue(t.Context(), checkOf(10+i, time.Now().Add(time.Duration(10-i)*time.Hour)))
			require.NoError(t, err)
		}
		require.Equal(t, []string{"check:u0:1", "check:u1:1"}, ids(tasks.TaskPending, 0, 2), "the next to run comes first")
		require.Equal(t, []string{"check:u4:1"}, ids(tasks.TaskPending, 4, 2))
		require.Empty(t, ids(tasks.TaskPending, 5, 2))
		require.Equal(t, []string{"check:u14:1", "check:u13:1"}, ids(tasks.TaskScheduled, 0, 2))
		require.Equal(t, []string{"check:u10:1"}, ids(tasks.TaskScheduled, 4, 9))
		require.Empty(t, ids(tasks.TaskArchived, 0, 2))
	})
}

func TestDeskTask(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		rdb := redistest.Universal(t, url)
		desk, queue := tasks.NewDesk(rdb), tasks.NewEnqueuer(rdb, nil, nil)
		_, err := desk.FindTask(t.Context(), "check:u1:1")
		require.ErrorIs(t, err, tasks.ErrNoTask)

		at := time.Now().Add(time.Hour).Truncate(time.Second)
		attach := pipeline.Wish{Run: pipeline.Run{UploadID: "u1", Step: pipeline.StepAttach, Scope: "A12", Gen: 2}, ReadyAt: at}
		_, err = queue.Enqueue(t.Context(), attach)
		require.NoError(t, err)
		id := tasks.ID(attach.Run)
		task, err := desk.FindTask(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, tasks.Task{
			Queue: tasks.QueueOrders, ID: id, Type: "afterput:attach", State: tasks.TaskScheduled, NextAt: task.NextAt,
			Payload: []byte(`{"v":1,"upload":"u1","order":"A12","gen":2}`), Job: tasks.Job{Run: attach.Run},
		}, task)
		require.True(t, at.Equal(task.NextAt))
		require.True(t, tasks.OfOrder(id, "A12"))
		require.False(t, tasks.OfOrder(id, "A13"))
		require.False(t, tasks.OfOrder("check:u1:1", "A12"))

		_, err = asynq.NewClientFromRedisClient(rdb).Enqueue(asynq.NewTask("mail", nil), asynq.Queue(tasks.QueueURLs), asynq.TaskID("foreign"))
		require.NoError(t, err)
		task, err = desk.FindTask(t.Context(), "foreign")
		require.NoError(t, err)
		require.Equal(t, tasks.QueueURLs, task.Queue)
		require.ErrorContains(t, task.Unreadable, "unknown task type")

		require.NoError(t, rdb.HDel(t.Context(), "asynq:{urls}:t:foreign", "msg").Err())
		task, err = desk.FindTask(t.Context(), "foreign")
		require.NoError(t, err)
		require.ErrorContains(t, task.Unreadable, "has lost")
	})
}

func TestDeskCancel(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		rdb := redistest.Universal(t, url)
		desk, queue := tasks.NewDesk(rdb), tasks.NewEnqueuer(rdb, nil, nil)
		heard, err := desk.Cancel(t.Context(), "check:u1:1")
		require.NoError(t, err)
		require.Zero(t, heard, "nobody listens")

		began, ended := make(chan struct{}), make(chan error, 1)
		serve(t, url, tasks.QueueChecks, func(ctx context.Context, _ *asynq.Task) error {
			close(began)
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		})
		_, err = queue.Enqueue(t.Context(), checkOf(1, time.Time{}))
		require.NoError(t, err)
		<-began
		require.Eventually(t, func() bool {
			heard, err := desk.Cancel(t.Context(), "check:u1:1")
			require.NoError(t, err)
			return heard == 1
		}, time.Minute, 20*time.Millisecond)
		require.True(t, errors.Is(<-ended, context.Canceled))
		require.Eventually(t, func() bool {
			task, err := desk.FindTask(t.Context(), "check:u1:1")
			return err == nil && task.State == tasks.TaskRetry && task.Retried == 1
		}, time.Minute, 20*time.Millisecond, "it comes back")
	})
}
