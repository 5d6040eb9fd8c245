package worker

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// swept makes one pass and tells how many tasks it queued.
func (b *bench) swept() int {
	b.Helper()
	n, err := b.sweeper().sweep(b.Context())
	require.NoError(b, err)
	return n
}

func TestSweepQueuesWhatHasNoTask(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		clock := ledgertest.NewClock()
		b := newBench(t, url, clock)
		require.Zero(t, b.swept(), "the first pass is a full one")
		id := b.announce("a.jpg", "v1", "")
		require.Zero(t, b.swept(), "its producer has a minute to queue it")
		clock.Add(2 * time.Minute)
		require.Equal(t, 1, b.swept())
		require.Equal(t, []string{tasks.ID(b.run(id, pipeline.StepCheck))}, b.queued(tasks.QueueChecks, asynq.TaskStatePending))
		require.Zero(t, b.swept())
		clock.Add(2 * time.Minute)
		require.Zero(t, b.swept(), "the task is there")
		require.NoError(t, b.try(b.handler(), id, pipeline.StepCheck))
	})
}

func TestSweepAfterFlushAll(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, ledgertest.NewClock())
		require.Zero(t, b.swept())
		var want []string
		for i := range 5 {
			want = append(want, tasks.ID(b.run(b.announce(fmt.Sprint(i, ".jpg"), "v1", ""), pipeline.StepCheck)))
		}
		b.task(b.run(b.announce("0.jpg", "", ""), pipeline.StepCheck))
		redistest.Wipe(t, b.rdb)
		require.Equal(t, 5, b.swept())
		require.ElementsMatch(t, want, b.queued(tasks.QueueChecks, asynq.TaskStatePending))
		queues, err := b.inspect.Queues()
		require.NoError(t, err)
		require.ElementsMatch(t, tasks.Queues(), queues)
		require.Zero(t, b.swept(), "the next pass is a short one")
	})
}

func TestFullPassEnds(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	var anns []pipeline.Announcement
	for i := range 2*sweepPage + 1 {
		anns = append(anns, pipeline.Announcement{Bucket: bucket, Key: fmt.Sprint(i, ".jpg"), FileID: "f", Source: "api"})
	}
	_, err := b.ledger.Announce(t.Context(), "", anns)
	require.NoError(t, err)
	s := b.sweeper()
	require.Equal(t, len(anns), b.swept())
	redistest.Wipe(t, b.rdb)
	clock.Add(2 * time.Minute)
	n, err := s.pass(t.Context(), false, tally{})
	require.NoError(t, err)
	require.Equal(t, len(anns), n, "so does a pass over what is due")
}

func TestSweepReplacesArchivedTasks(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		clock := ledgertest.NewClock()
		b := newBench(t, url, clock)
		run := b.run(b.announce("a.jpg", "v1", ""), pipeline.StepCheck)
		b.task(run)
		require.NoError(t, b.inspect.ArchiveTask(tasks.QueueChecks, tasks.ID(run)))
		require.NoError(t, b.inspect.PauseQueue(tasks.QueueHooks))
		clock.Add(2 * time.Minute)
		require.Equal(t, 1, b.swept())
		require.Equal(t, []string{tasks.ID(run)}, b.queued(tasks.QueueChecks, asynq.TaskStatePending))
		require.Empty(t, b.queued(tasks.QueueChecks, asynq.TaskStateArchived))
	})
}

func TestSweepLeavesTheArchivedTasksOfDeadSteps(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	b.budgets = Budgets{Missing: 1}
	id := b.announce("a.jpg", "", "")
	run := b.run(id, pipeline.StepCheck)
	require.ErrorIs(t, b.try(b.handler(), id, pipeline.StepCheck), asynq.SkipRetry)
	require.NoError(t, b.inspect.ArchiveTask(tasks.QueueChecks, tasks.ID(run)))
	clock.Add(time.Hour)
	require.Zero(t, b.swept())
	require.Equal(t, []string{tasks.ID(run)}, b.queued(tasks.QueueChecks, asynq.TaskStateArchived))
}

func TestSweepLeavesTheStepsOfLiveWorkers(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	run := b.run(b.announce("a.jpg", "v1", ""), pipeline.StepCheck)
	require.NoError(t, b.ledger.Heartbeat(t.Context(), "w9", ""))
	_, err := b.ledger.Begin(t.Context(), run, "w9", beginHold)
	require.NoError(t, err)
	require.Zero(t, b.swept(), "also in a full pass")
	clock.Add(beginHold + time.Second)
	require.Equal(t, 1, b.swept(), "its worker vanished, and its task with it")
}

func TestSweepTakesUpWhatALiveWorkerLetGo(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	run := b.run(b.announce("a.jpg", "v1", ""), pipeline.StepCheck)
	_, err := b.ledger.Begin(t.Context(), run, "w9", beginHold)
	require.NoError(t, err)
	clock.Add(beginHold + time.Second)
	require.NoError(t, b.ledger.Heartbeat(t.Context(), "w9", ""))
	require.Equal(t, 1, b.swept(), "Redis lost the task while the worker ran it, and the worker lives on")
}

func TestSweepGoesOnAfterATaskThatCannotBeRead(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		clock := ledgertest.NewClock()
		b := newBench(t, url, clock)
		require.Zero(t, b.swept())
		broken := b.run(b.announce("a.jpg", "v1", ""), pipeline.StepCheck)
		clock.Add(time.Second)
		b.announce("b.jpg", "v1", "")
		key := "asynq:{" + tasks.QueueChecks + "}:t:" + tasks.ID(broken)
		require.NoError(t, b.rdb.Set(t.Context(), key, "not a hash", 0).Err())
		clock.Add(2 * time.Minute)
		require.Equal(t, 1, b.swept())
		require.Contains(t, b.log.String(), "upload="+broken.UploadID)
	})
}

func TestSweepDropsGhosts(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		clock := ledgertest.NewClock()
		b := newBench(t, url, clock)
		run, lease, list := b.active(-time.Minute)
		require.NoError(t, b.rdb.HDel(t.Context(), "asynq:{checks}:t:"+tasks.ID(run), "msg").Err())
		clock.Add(2 * time.Minute)
		require.Equal(t, 1, b.swept())
		require.Equal(t, []string{tasks.ID(run)}, b.queued(tasks.QueueChecks, asynq.TaskStatePending))
		require.Zero(t, b.rdb.Exists(t.Context(), lease, list).Val())
	})
}

func TestSweepersInParallel(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, ledgertest.NewClock())
		for i := range 20 {
			b.announce(fmt.Sprint(i, ".jpg"), "v1", "")
		}
		var wg sync.WaitGroup
		total := make([]int, 4)
		errs := make([]error, 4)
		for i := range total {
			wg.Go(func() { total[i], errs[i] = b.sweeper().sweep(t.Context()) })
		}
		wg.Wait()
		sum := 0
		for i := range total {
			require.NoError(t, errs[i])
			sum += total[i]
		}
		require.Equal(t, 20, sum, "each task is queued once")
		require.Len(t, b.queued(tasks.QueueChecks, asynq.TaskStatePending), 20)
	})
}

func TestSweepAfterRedisRestarted(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	b := newBench(t, server.URL, ledgertest.NewClock())
	require.Zero(t, b.swept())
	run := b.run(b.announce("a.jpg", "v1", ""), pipeline.StepCheck)
	b.task(run)
	before, lost, err := b.sweeper().epoch(t.Context())
	require.NoError(t, err)
	require.False(t, lost)
	require.NotEqual(t, "unknown", before)
	require.NoError(t, b.rdb.Del(t.Context(), "asynq:{checks}:pending", "asynq:{checks}:t:"+tasks.ID(run)).Err(), "a write that is lost")
	require.Zero(t, b.swept(), "nothing tells yet")
	server.Kill()
	_, err = b.sweeper().sweep(t.Context())
	require.Error(t, err)
	server.Run()
	require.Equal(t, 1, b.swept())
	require.Zero(t, b.swept())
}
