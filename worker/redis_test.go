package worker

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// flaky fails the first acknowledgement of a task and keeps what became of the others.
type flaky struct {
	mu    sync.Mutex
	dones []error
}

func (*flaky) DialHook(next redis.DialHook) redis.DialHook { return next }

func (*flaky) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (f *flaky) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if !isDone(cmd.Args()) {
			return next(ctx, cmd)
		}
		f.mu.Lock()
		first := len(f.dones) == 0
		f.mu.Unlock()
		err := errors.New("connection reset")
		if first {
			cmd.SetErr(err)
		} else if err = next(ctx, cmd); redis.HasErrorPrefix(err, "NOSCRIPT") {
			return err // EVAL follows
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.dones = append(f.dones, err)
		return err
	}
}

func (f *flaky) seen() []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]error(nil), f.dones...)
}

// isDone tells asynq's script that removes a finished task: its fourth key counts the
// day's processed tasks and its fifth all of them.
func isDone(args []any) bool {
	if len(args) < 8 || (args[0] != "evalsha" && args[0] != "eval") {
		return false
	}
	active, _ := args[3].(string)
	day, _ := args[6].(string)
	return strings.HasSuffix(active, ":active") && strings.Contains(day, ":processed:")
}

func TestFailedAcknowledgementIsRepeated(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		var reads atomic.Int32
		b.store.onCall(func(_ context.Context, op, _ string) error {
			if op == "get" {
				reads.Add(1)
			}
			return nil
		})
		acks := &flaky{}
		id := b.announce("a.jpg", "v1", "")
		b.task(b.run(id, pipeline.StepCheck))
		b.start(func(o *Options) {
			o.Redis.AddHook(acks)
			o.Pools = []Pool{{Queue: tasks.QueueChecks, Concurrency: 1}}
		})
		b.eventually(func() bool { return len(acks.seen()) >= 2 }, "asynq's syncer says it again")
		require.NoError(t, acks.seen()[1])
		require.Empty(t, b.queued(tasks.QueueChecks, asynq.TaskStateActive))
		require.EqualValues(t, 1, reads.Load(), "the task ran once")
	})
}

// The control: without the hook asynq's syncer fails for ever, since its context has
// been cancelled. When this test fails, the hook may have become superfluous.
func TestAsynqAloneNeverRepeatsAnAcknowledgement(t *testing.T) {
	t.Parallel()
	rdb := redistest.Client(t, redistest.Mini(t))
	acks := &flaky{}
	rdb.AddHook(acks)
	_, err := asynq.NewClientFromRedisClient(rdb).Enqueue(asynq.NewTask("x", nil, asynq.Timeout(time.Minute)))
	require.NoError(t, err)
	srv := asynq.NewServerFromRedisClient(rdb, asynq.Config{
		Concurrency: 1, Logger: newAsynqLog(newBench(t, redistest.Mini(t), nil).logger()), TaskCheckInterval: 100 * time.Millisecond,
	})
	require.NoError(t, srv.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { return nil })))
	defer srv.Shutdown()
	require.Eventually(t, func() bool { return len(acks.seen()) >= 2 }, 30*time.Second, 20*time.Millisecond)
	require.ErrorIs(t, acks.seen()[1], context.Canceled)
	active, err := asynq.NewInspectorFromRedisClient(rdb).ListActiveTasks("default")
	require.NoError(t, err)
	require.Len(t, active, 1, "the task stays active until its lease ends, and runs again")
}

// spy is told every command.
type spy func(args []any)

func (spy) DialHook(next redis.DialHook) redis.DialHook { return next }

func (spy) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook { return next }

func (s spy) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		s(cmd.Args())
		return next(ctx, cmd)
	}
}
