package worker

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// commands counts what a Redis was asked since its start, also from within scripts and
// also what it refused.
func commands(ctx context.Context, t testing.TB, rdb redis.UniversalClient) (n int) {
	t.Helper()
	info, err := rdb.Info(ctx, "commandstats").Result()
	require.NoError(t, err)
	for _, m := range regexp.MustCompile(`(?:calls|rejected_calls)=(\d+)`).FindAllStringSubmatch(info, -1) {
		calls, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		n += calls
	}
	return n
}

// commandRate gives the commands per second over at least 3 seconds of Redis's clock.
func (b *bench) commandRate() float64 {
	b.Helper()
	began, before := b.rdb.Time(b.Context()).Val(), commands(b.Context(), b, b.rdb)
	var took time.Duration
	b.eventually(func() bool {
		took = b.rdb.Time(b.Context()).Val().Sub(began)
		return took > 3*time.Second
	}, "time goes by")
	return float64(commands(b.Context(), b, b.rdb)-before) / took.Seconds()
}

func TestFullRedisLosesNothingAndDoesNotSpin(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).URL, nil)
	queue := tasks.NewEnqueuer(b.rdb, b.limits, b.now)
	var ids []string
	announce := func(i int) pipeline.Run {
		ids = append(ids, b.announce(fmt.Sprint(i, ".jpg"), "v1", ""))
		return b.run(ids[i], pipeline.StepCheck)
	}
	for i := range 5 {
		_, err := queue.Enqueue(t.Context(), pipeline.Wish{Run: announce(i), Bucket: bucket})
		require.NoError(t, err)
	}
	require.NoError(t, b.rdb.ConfigSet(t.Context(), "maxmemory", "1").Err())
	for i := 5; i < 10; i++ {
		_, err := queue.Enqueue(t.Context(), pipeline.Wish{Run: announce(i), Bucket: bucket})
		require.ErrorContains(t, err, "OOM", "the ledger has it, Redis has not")
	}
	w := b.start(nil)
	b.eventually(func() bool { return strings.Contains(b.log.String(), "redis gives no tasks") }, "it says so")
	const most = 200 // per second and pool: with a bench that sweeps 25 times as often as usual
	require.Less(t, b.commandRate(), float64(most*len(tasks.Queues())))
	require.Equal(t, 1, strings.Count(b.log.String(), "redis gives no tasks"))
	require.NotContains(t, b.log.String(), "Dequeue error")
	require.Less(t, strings.Count(b.log.String(), "\n"), 100)

	require.NoError(t, b.rdb.ConfigSet(t.Context(), "maxmemory", "0").Err())
	b.eventually(func() bool {
		for _, id := range ids {
			if b.state(id) != pipeline.UploadDone {
				return false
			}
		}
		return true
	}, "everything ends")
	require.Empty(t, b.letters())
	b.eventually(func() bool { return strings.Contains(b.log.String(), "redis gives tasks again") }, "it says so")
	w.Shutdown()
}

func TestBrake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &lines{}
		b := newBrake(make(chan struct{}), (&bench{log: log}).logger())
		answer := errors.New("OOM command not allowed")
		hook := b.ProcessHook(func(context.Context, redis.Cmder) error { return answer })
		fetch := func(queue string) time.Duration {
			p := "asynq:{" + queue + "}:"
			began := time.Now()
			_ = hook(t.Context(), redis.NewCmd(t.Context(), "evalsha", "sha", 4, p+"pending", p+"paused", p+"active", p+"lease", 1, p+"t:"))
			return time.Since(began)
		}
		for _, want := range []time.Duration{100, 200, 400, 800, 1600, 2000, 2000} {
			require.Equal(t, want*time.Millisecond, fetch("checks"))
		}
		require.Equal(t, 100*time.Millisecond, fetch("hooks"), "each queue by itself")
		require.Equal(t, 1, strings.Count(log.String(), "\n"), "one line for an outage: %s", log)

		answer = redis.Nil
		require.Zero(t, fetch("checks"))
		require.NotContains(t, log.String(), "again")
		answer = nil
		require.Zero(t, fetch("hooks"))
		require.Contains(t, log.String(), "redis gives tasks again")

		answer = errors.New("connection refused")
		require.Equal(t, 100*time.Millisecond, fetch("checks"), "from the beginning")
		began := time.Now()
		require.Error(t, hook(t.Context(), redis.NewStatusCmd(t.Context(), "ping")))
		require.Zero(t, time.Since(began), "only fetches wait")
	})
}

func TestBrakeLetsGoWhenTheWorkerStops(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBrake(make(chan struct{}), (&bench{log: &lines{}}).logger())
		var wg sync.WaitGroup
		began := time.Now()
		wg.Go(func() { b.wait(time.Hour) })
		synctest.Wait()
		close(b.stop)
		wg.Wait()
		require.Zero(t, time.Since(began))
	})
}

// The brake knows asynq's fetch by its keys; an asynq that changes it has to be told.
func TestBrakeKnowsAsynqsFetch(t *testing.T) {
	t.Parallel()
	rdb := redistest.Client(t, redistest.Mini(t))
	seen := make(chan string, 1000)
	rdb.AddHook(spy(func(args []any) {
		if queue, ok := fetches(args); ok {
			select {
			case seen <- queue:
			default:
			}
		}
	}))
	srv := asynq.NewServerFromRedisClient(rdb, asynq.Config{
		Concurrency: 1, Queues: map[string]int{"checks": 1}, TaskCheckInterval: 10 * time.Millisecond,
		Logger: newAsynqLog((&bench{log: &lines{}}).logger()),
	})
	require.NoError(t, srv.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { return nil })))
	defer srv.Shutdown()
	require.Equal(t, "asynq:{checks}", <-seen)
}
