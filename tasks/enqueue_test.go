package tasks_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// queue is a Redis with what writes and what reads it.
type queue struct {
	*tasks.Enqueuer
	inspect *asynq.Inspector
	now     time.Time
}

func newQueue(t *testing.T, url string) *queue {
	t.Helper()
	rdb := redistest.Universal(t, url)
	// An hour ahead, so that no slot has come by asynq's own clock when it is enqueued.
	q := &queue{now: time.Now().Truncate(time.Second).Add(time.Hour + 300*time.Millisecond), inspect: asynq.NewInspectorFromRedisClient(rdb)}
	q.Enqueuer = tasks.NewEnqueuer(rdb, nil, func() time.Time { return q.now })
	return q
}

func (q *queue) count(t *testing.T, name string) *asynq.QueueInfo {
	t.Helper()
	info, err := q.inspect.GetQueueInfo(name)
	require.NoError(t, err)
	return info
}

func wish(step pipeline.Step, upload string, gen int) pipeline.Wish {
	w := pipeline.Wish{Run: pipeline.Run{UploadID: upload, Step: step, Gen: gen}, Bucket: "b-1"}
	if step == pipeline.StepAttach {
		w.Scope = "A/12"
	}
	return w
}

// TestEnqueue: what the worker reads back is what was wished, on the queue of the step,
// with options that never let asynq decide before the ledger.
func TestEnqueue(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		for _, step := range []pipeline.Step{pipeline.StepCheck, pipeline.StepThumbnail, pipeline.StepAttach, pipeline.StepNotify} {
			t.Run(string(step), func(t *testing.T) {
				q, w := newQueue(t, url), wish(step, "0af3", 1)
				fresh, err := q.Enqueue(t.Context(), w)
				require.NoError(t, err)
				require.True(t, fresh)

				info, err := q.inspect.GetTaskInfo(tasks.QueueOf(step), tasks.ID(w.Run))
				require.NoError(t, err)
				require.Equal(t, asynq.TaskStatePending, info.State)
				require.Equal(t, tasks.MaxRetry, info.MaxRetry)
				require.Equal(t, tasks.DefaultTimeouts()[step]+tasks.Margin, info.Timeout)
				require.Zero(t, info.Retention)
				require.Zero(t, info.Deadline)
				require.NotContains(t, string(info.Payload), "\n")
				job, err := tasks.Decode(info.Type, info.Payload)
				require.NoError(t, err)
				require.Equal(t, tasks.Job{Run: w.Run}, job)

				fresh, err = q.Enqueue(t.Context(), w)
				require.NoError(t, err)
				require.False(t, fresh, "its task is there already")
				w.Gen++
				fresh, err = q.Enqueue(t.Context(), w)
				require.NoError(t, err)
				require.True(t, fresh, "a new wish is a new task")
				require.Equal(t, 2, q.count(t, tasks.QueueOf(step)).Pending)
			})
		}
	})
}

func TestEnqueueArchived(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		q, w := newQueue(t, url), wish(pipeline.StepCheck, "0af3", 1)
		_, err := q.Enqueue(t.Context(), w)
		require.NoError(t, err)
		require.NoError(t, q.inspect.ArchiveTask(tasks.QueueChecks, tasks.ID(w.Run)))
		fresh, err := q.Enqueue(t.Context(), w)
		require.NoError(t, err)
		require.False(t, fresh, "in whatever state")
	})
}

func TestEnqueueReadyAt(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		for _, tt := range []struct {
			name  string
			after time.Duration
			state asynq.TaskState
		}{
			{"now", 0, asynq.TaskStatePending},
			{"past", -time.Hour, asynq.TaskStatePending},
			{"future", time.Hour, asynq.TaskStateScheduled},
		} {
			t.Run(tt.name, func(t *testing.T) {
				q, w := newQueue(t, url), wish(pipeline.StepCheck, tt.name, 1)
				w.ReadyAt = q.now.Add(tt.after)
				_, err := q.Enqueue(t.Context(), w)
				require.NoError(t, err)
				info, err := q.inspect.GetTaskInfo(tasks.QueueChecks, tasks.ID(w.Run))
				require.NoError(t, err)
				require.Equal(t, tt.state, info.State)
				if tt.state == asynq.TaskStateScheduled {
					require.WithinDuration(t, w.ReadyAt, info.NextProcessAt, time.Second)
				}
			})
		}
	})
}

// TestEnqueueWarm: a hundred wishes of a bucket in one slot are one task; another bucket,
// the next slot and a later ReadyAt have their own.
func TestEnqueueWarm(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		q := newQueue(t, url)
		var all []pipeline.Wish
		for i := range 100 {
			all = append(all, wish(pipeline.StepWarm, fmt.Sprintf("%032x", i), i+1))
		}
		require.NoError(t, q.EnqueueAll(t.Context(), all))
		require.Equal(t, 1, q.count(t, tasks.QueueURLs).Size)

		list, err := q.inspect.ListScheduledTasks(tasks.QueueURLs)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.False(t, list[0].NextProcessAt.Before(q.now), "after all wishes of its slot")
		require.NotContains(t, list[0].ID, "/")
		job, err := tasks.Decode(list[0].Type, list[0].Payload)
		require.NoError(t, err)
		require.Equal(t, tasks.Job{Run: pipeline.Run{Step: pipeline.StepWarm}, Bucket: "b-1"}, job)

		other := all[0]
		other.Bucket = "b-2"
		later := all[0]
		later.ReadyAt = q.now.Add(time.Minute)
		for _, w := range []pipeline.Wish{other, later} {
			fresh, err := q.Enqueue(t.Context(), w)
			require.NoError(t, err)
			require.True(t, fresh)
		}
		q.now = q.now.Add(time.Second)
		fresh, err := q.Enqueue(t.Context(), all[0])
		require.NoError(t, err)
		require.True(t, fresh, "the next slot")
		require.Equal(t, 4, q.count(t, tasks.QueueURLs).Size)

		list, err = q.inspect.ListScheduledTasks(tasks.QueueURLs)
		require.NoError(t, err)
		require.False(t, list[3].NextProcessAt.Before(later.ReadyAt.Truncate(time.Second)), "ReadyAt is honoured")
	})
}

func TestEnqueueErrors(t *testing.T) {
	t.Parallel()
	away := redistest.Away(t)
	e := tasks.NewEnqueuer(away, nil, nil)
	_, err := e.Enqueue(t.Context(), wish(pipeline.StepCheck, "0af3", 1))
	require.ErrorContains(t, err, "check:0af3:1")
	require.Error(t, e.EnqueueAll(t.Context(), []pipeline.Wish{wish(pipeline.StepCheck, "0af3", 1)}))

	_, err = newQueue(t, redistest.Mini(t)).Enqueue(t.Context(), wish("bake", "0af3", 1))
	require.Error(t, err, "a step without a queue")
}
