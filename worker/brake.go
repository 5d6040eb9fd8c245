package worker

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// How long a pool waits before it tells asynq that Redis gave it no task but an error:
// asynq asks again at once, 28,000 times a second where Redis is full.
const (
	brakeFirst = 100 * time.Millisecond
	brakeMost  = 2 * time.Second
)

// brake slows down the pools that cannot fetch. It is a hook of the Redis client that
// asynq's servers use. A fetch that Redis refuses, or that does not reach it, waits
// before it returns, longer each time, until the worker stops.
type brake struct {
	stop chan struct{} // closed when the worker shuts down
	log  *slog.Logger

	mu     sync.Mutex
	failed map[string]int // fetches in a row that failed, by queue
}

func newBrake(stop chan struct{}, log *slog.Logger) *brake {
	return &brake{stop: stop, log: log, failed: map[string]int{}}
}

func (*brake) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (*brake) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { return next(ctx, cmds) }
}

func (b *brake) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		queue, fetch := fetches(cmd.Args())
		switch {
		case !fetch || redis.HasErrorPrefix(err, "NOSCRIPT"): // the script itself follows
		case err == nil || err == redis.Nil: //nolint:errorlint // go-redis gives it as it is
			b.fetched(ctx, queue)
		default:
			b.wait(b.refused(ctx, queue, err))
		}
		return err
	}
}

// fetches tells asynq's script that takes a task, and what the keys of its queue
// begin with: no other one has the
// pending list and the pause as its first keys.
func fetches(args []any) (queue string, ok bool) {
	if len(args) < 7 || (args[0] != "evalsha" && args[0] != "eval") {
		return "", false
	}
	pending, _ := args[3].(string)
	paused, _ := args[4].(string)
	queue, ok = strings.CutSuffix(pending, ":pending")
	return queue, ok && paused == queue+":paused"
}

// refused notes a fetch that failed and tells how long to wait. An outage is logged once.
func (b *brake) refused(ctx context.Context, queue string, err error) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.failed) == 0 {
		b.log.WarnContext(ctx, "redis gives no tasks, the pools ask less often", "most", brakeMost, "error", err)
	}
	n := b.failed[queue]
	b.failed[queue] = n + 1
	return backoff(brakeFirst, brakeMost, n)
}

// fetched notes that Redis answered.
func (b *brake) fetched(ctx context.Context, queue string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, was := b.failed[queue]; !was {
		return
	}
	delete(b.failed, queue)
	if len(b.failed) == 0 {
		b.log.InfoContext(ctx, "redis gives tasks again")
	}
}

func (b *brake) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-b.stop:
	case <-t.C:
	}
}
