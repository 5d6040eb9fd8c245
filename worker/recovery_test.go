package worker

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// active puts the check of a new upload into the state of a task that a worker runs
// whose lease has left to go.
func (b *bench) active(left time.Duration) (run pipeline.Run, lease, list string) {
	b.Helper()
	run = b.run(b.announce("a.jpg", "v1", ""), pipeline.StepCheck)
	b.task(run)
	id, prefix := tasks.ID(run), "asynq:{checks}:"
	ctx := b.Context()
	require.NoError(b, b.rdb.LRem(ctx, prefix+"pending", 0, id).Err())
	require.NoError(b, b.rdb.LPush(ctx, prefix+"active", id).Err())
	require.NoError(b, b.rdb.HSet(ctx, prefix+"t:"+id, "state", "active").Err())
	require.NoError(b, b.rdb.ZAdd(ctx, prefix+"lease", redis.Z{Member: id, Score: float64(time.Now().Add(left).Unix())}).Err())
	return run, prefix + "lease", prefix + "active"
}

func (b *bench) recoverer() *recoverer {
	return &recoverer{rdb: b.rdb, script: redis.NewScript(takeBack), queues: []string{tasks.QueueChecks}, ledger: b.ledger, repairs: b.repairs, now: time.Now, log: b.logger()}
}

func TestRecoveryTakesBackStaleTasks(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		run, lease, list := b.active(leaseLeft - 2*time.Second)
		n, err := b.recoverer().recover(t.Context(), tasks.QueueChecks)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		info, err := b.inspect.GetTaskInfo(tasks.QueueChecks, tasks.ID(run))
		require.NoError(t, err)
		require.Equal(t, asynq.TaskStatePending, info.State)
		require.Zero(t, info.Retried)
		require.Zero(t, b.rdb.ZCard(t.Context(), lease).Val())
		require.Zero(t, b.rdb.LLen(t.Context(), list).Val())
		require.Equal(t, []string{tasks.ID(run)}, b.queued(tasks.QueueChecks, asynq.TaskStatePending))
		n, err = b.recoverer().recover(t.Context(), tasks.QueueChecks)
		require.NoError(t, err)
		require.Zero(t, n)
	})
}

func TestRecoveryLeavesWhatLives(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		run, lease, list := b.active(leaseLeft + 4*time.Second)
		r := b.recoverer()
		n, err := r.recover(t.Context(), tasks.QueueChecks)
		require.NoError(t, err)
		require.Zero(t, n)
		// A lease that was renewed after it was read is left alone by the script.
		id := tasks.ID(run)
		keys := []string{lease, list, "asynq:{checks}:pending", "asynq:{checks}:t:" + id}
		for _, old := range []any{12345, b.rdb.ZScore(t.Context(), lease, id).Val() - 5} {
			took, err := r.script.Run(t.Context(), b.rdb, keys, id, old).Int()
			require.NoError(t, err)
			require.Zero(t, took)
		}
		require.Equal(t, []string{id}, b.queued(tasks.QueueChecks, asynq.TaskStateActive))
		// Nor does it bring back a task that is not there any more; its place goes.
		require.NoError(t, b.rdb.Del(t.Context(), keys[3]).Err())
		took, err := r.script.Run(t.Context(), b.rdb, keys, id, b.rdb.ZScore(t.Context(), lease, id).Val()).Int()
		require.NoError(t, err)
		require.Equal(t, 2, took)
		require.Zero(t, b.rdb.Exists(t.Context(), "asynq:{checks}:pending", lease, list, keys[3]).Val())
	})
}

// A worker whose clock is slow writes leases that look stale; the ledger knows better.
func TestRecoveryAsksTheLedger(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		run, _, _ := b.active(leaseLeft - 2*time.Second)
		require.NoError(t, b.ledger.Heartbeat(t.Context(), "slow", ""))
		_, err := b.ledger.Begin(t.Context(), run, "slow", time.Minute)
		require.NoError(t, err)
		n, err := b.recoverer().recover(t.Context(), tasks.QueueChecks)
		require.NoError(t, err)
		require.Zero(t, n)
		require.NoError(t, b.ledger.Leave(t.Context(), "slow"))
		n, err = b.recoverer().recover(t.Context(), tasks.QueueChecks)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

func TestRecoverersInParallelTakeATaskOnce(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		b.active(-time.Minute)
		taken := make([]int, 8)
		var wg sync.WaitGroup
		for i := range taken {
			wg.Go(func() { taken[i], _ = b.recoverer().recover(context.WithoutCancel(t.Context()), tasks.QueueChecks) })
		}
		wg.Wait()
		sum := 0
		for _, n := range taken {
			sum += n
		}
		require.Equal(t, 1, sum)
		require.Len(t, b.queued(tasks.QueueChecks, asynq.TaskStatePending), 1)
	})
}

func TestWorkerRunsTheTaskOfOneThatVanished(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		run, _, _ := b.active(time.Second)
		_, err := b.ledger.Begin(t.Context(), run, "vanished", beginHold)
		require.NoError(t, err)
		b.start(nil)
		b.eventually(func() bool { return b.state(run.UploadID) == pipeline.UploadDone }, "the upload ends")
		require.Equal(t, []string{"interrupted", ""}, b.classes(run.UploadID, pipeline.StepCheck))
		require.Contains(t, b.log.String(), "took back the tasks of a worker that vanished")
	})
}
