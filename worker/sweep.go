package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// epochKey is lost when Redis is wiped and names the Redis process that it was written
// for, so that a restart with lost writes shows as well.
const epochKey = "afterput:epoch"

// sweepPage bounds what one round of the sweep holds in memory.
const sweepPage = 500

// sweeper compares ledger and queue and queues again what is missing. Every instance
// may run one; they do no harm to each other.
type sweeper struct {
	ledger  *ledger.Ledger
	queue   *tasks.Enqueuer
	rdb     redis.UniversalClient
	desk    *tasks.Desk
	inspect *asynq.Inspector
	every   time.Duration
	log     *slog.Logger
}

// run sweeps until ctx ends.
func (s *sweeper) run(ctx context.Context) {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		if n, err := s.sweep(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "sweep failed", "error", err)
		} else if n > 0 {
			s.log.InfoContext(ctx, "swept", "requeued", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sweep makes one pass: over the steps whose time has come, or over every pending step
// when Redis has lost its memory. It tells how many tasks it queued.
func (s *sweeper) sweep(ctx context.Context) (requeued int, err error) {
	epoch, lost, err := s.epoch(ctx)
	if err != nil {
		return 0, err
	}
	if err := s.publishQueues(ctx); err != nil {
		return 0, err
	}
	if err := s.pause(ctx); err != nil {
		return 0, err
	}
	if err := s.trimAll(ctx); err != nil {
		return 0, err
	}
	switch orphans, err := s.ledger.Reap(ctx); {
	case err != nil:
		return 0, err
	case orphans > 0:
		s.log.WarnContext(ctx, "attempts of workers that vanished, their steps are swept", "attempts", orphans)
	}
	requeued, err = s.pass(ctx, lost)
	if lost && requeued > 0 {
		s.log.WarnContext(ctx, "redis had lost tasks of pending steps, they are queued again", "tasks", requeued)
	}
	if lost && err == nil {
		s.log.InfoContext(ctx, "swept every pending step of a redis that is new, wiped or restarted", "epoch", epoch)
		err = s.rdb.Set(ctx, epochKey, epoch, 0).Err()
	}
	return requeued, err
}

// pass looks at the steps that are due, or at every pending one when all is set.
func (s *sweeper) pass(ctx context.Context, all bool) (requeued int, err error) {
	var cursor ledger.Cursor
	for {
		due, err := s.ledger.Due(ctx, all, cursor, sweepPage)
		if err != nil {
			return requeued, err
		}
		there, n, err := s.restoreAll(ctx, due.Wishes)
		requeued += n
		if err != nil {
			return requeued, err
		}
		// A full pass must not move steps ahead of its own cursor, or it never ends.
		if !all {
			if err := s.ledger.Swept(ctx, there); err != nil {
				return requeued, err
			}
		}
		if !due.More {
			return requeued, nil
		}
		cursor = due.Next
	}
}

// restoreAll queues the runs of a page again and gives those whose task is there now. A
// task that cannot be looked at does not keep the others from being queued.
func (s *sweeper) restoreAll(ctx context.Context, page []pipeline.Wish) (there []pipeline.Wish, requeued int, err error) {
	for _, w := range page {
		fresh, err := s.restore(ctx, w)
		if err != nil {
			if s.rdb.Ping(ctx).Err() != nil {
				return there, requeued, err
			}
			s.log.WarnContext(ctx, "sweep left out a step", "upload", w.UploadID, "step", w.Step, "order", w.Scope, "error", err)
			continue
		}
		there = append(there, w)
		if fresh {
			requeued++
		}
	}
	return there, requeued, nil
}

// restore queues a run whose step is pending. A task that is there already is left
// alone, unless asynq or somebody archived it while the step is still pending: then
// the archived copy only blocks the run and is replaced.
func (s *sweeper) restore(ctx context.Context, w pipeline.Wish) (bool, error) {
	fresh, err := s.queue.Enqueue(ctx, w)
	if err != nil || fresh || w.Step == pipeline.StepWarm {
		return fresh, err
	}
	queue, id := tasks.QueueOf(w.Step), tasks.ID(w.Run)
	info, err := s.inspect.GetTaskInfo(queue, id)
	if errors.Is(err, asynq.ErrTaskNotFound) {
		return s.queue.Enqueue(ctx, w)
	}
	if err != nil {
		return false, fmt.Errorf("look at task %s: %w", id, err)
	}
	if info.Type == "" {
		if err := s.dropGhost(ctx, queue, id); err != nil {
			return false, err
		}
		return s.queue.Enqueue(ctx, w)
	}
	if info.State != asynq.TaskStateArchived {
		return false, nil
	}
	if err := s.inspect.DeleteTask(queue, id); err != nil && !errors.Is(err, asynq.ErrTaskNotFound) {
		return false, fmt.Errorf("replace archived task %s: %w", id, err)
	}
	return s.queue.Enqueue(ctx, w)
}

// ghost removes a task that holds nothing: asynq's dequeue leaves one behind when Redis
// has lost the task but not its place in the queue. It would block its ID for ever.
// KEYS: task hash, pending list, active list, lease zset. ARGV: task ID.
const ghost = `
if redis.call("HEXISTS", KEYS[1], "msg") == 0 then
  redis.call("DEL", KEYS[1])
  redis.call("LREM", KEYS[2], 0, ARGV[1])
  redis.call("LREM", KEYS[3], 0, ARGV[1])
  redis.call("ZREM", KEYS[4], ARGV[1])
end
return 0`

func (s *sweeper) dropGhost(ctx context.Context, queue, id string) error {
	prefix := "asynq:{" + queue + "}:"
	keys := []string{prefix + "t:" + id, prefix + "pending", prefix + "active", prefix + "lease"}
	if err := redis.NewScript(ghost).Run(ctx, s.rdb, keys, id).Err(); err != nil {
		return fmt.Errorf("drop ghost %s: %w", id, err)
	}
	return nil
}

// epoch tells which Redis process this is, and whether it is another one than the last
// full pass saw or has lost its data since.
func (s *sweeper) epoch(ctx context.Context) (epoch string, lost bool, err error) {
	info, err := s.rdb.Info(ctx, "server").Result()
	if _, refused := errors.AsType[redis.Error](err); err != nil && !refused {
		return "", false, fmt.Errorf("redis: %w", err)
	}
	// A Redis that refuses INFO, as the embedded one and some proxies do, still shows by
	// the missing key that it lost its memory.
	epoch = "unknown"
	for line := range strings.Lines(info) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "run_id:"); ok {
			epoch = id
		}
	}
	seen, err := s.rdb.Get(ctx, epochKey).Result()
	if errors.Is(err, redis.Nil) {
		return epoch, true, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("redis: %w", err)
	}
	return epoch, seen != epoch, nil
}

// publishQueues makes our queues visible to inspectors: a client publishes a queue only
// once in its life, so a wiped Redis would hide it for ever.
func (s *sweeper) publishQueues(ctx context.Context) error {
	names := make([]any, 0, 5)
	for _, q := range tasks.Queues() {
		names = append(names, q)
	}
	if err := s.rdb.SAdd(ctx, "asynq:queues", names...).Err(); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}
