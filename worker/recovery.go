package worker

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// asynq gives a task a lease of 30 seconds and renews it every 5. A lease with less
// than leaseLeft to go has missed three renewals: its worker is gone or stands still.
const leaseLeft = 14 * time.Second

// takeBack moves an active task back to the head of its queue, provided that its lease
// is still the one that was seen. Its retry count stays as it is.
// KEYS: lease zset, active list, pending list, task hash. ARGV: task ID, lease score.
const takeBack = `
local lease = redis.call("ZSCORE", KEYS[1], ARGV[1])
if not lease or tonumber(lease) ~= tonumber(ARGV[2]) then
  return 0
end
if redis.call("EXISTS", KEYS[4]) == 0 then
  return 0
end
if redis.call("LREM", KEYS[2], 0, ARGV[1]) == 0 then
  return 0
end
redis.call("ZREM", KEYS[1], ARGV[1])
redis.call("RPUSH", KEYS[3], ARGV[1])
redis.call("HSET", KEYS[4], "state", "pending")
return 1`

// recoverer takes back the tasks of workers that vanished, long before asynq's own
// recoverer, which waits 30 seconds past the lease and charges a retry.
type recoverer struct {
	rdb    redis.UniversalClient
	script *redis.Script
	queues []string
	ledger *ledger.Ledger
	now    func() time.Time
	log    *slog.Logger
}

func (r *recoverer) run(ctx context.Context) {
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		for _, q := range r.queues {
			if n, err := r.recover(ctx, q); err != nil && ctx.Err() == nil {
				r.log.WarnContext(ctx, "recovery failed", "queue", q, "error", err)
			} else if n > 0 {
				r.log.WarnContext(ctx, "took back the tasks of a worker that vanished", "queue", q, "tasks", n)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// worked tells whether the ledger knows a live worker at the task. Leases are written by
// the clock of their worker, so that one with a slow clock looks dead by its leases alone.
func (r *recoverer) worked(ctx context.Context, id string) (bool, error) {
	step, upload, gen, ok := tasks.ParseID(id)
	if !ok {
		return false, nil
	}
	return r.ledger.Worked(ctx, step, upload, gen)
}

// recover makes one pass over a queue's leases, at most 1,000 of them.
func (r *recoverer) recover(ctx context.Context, queue string) (int, error) {
	prefix := "asynq:{" + queue + "}:"
	due := r.now().Add(leaseLeft).Unix()
	leases, err := r.rdb.ZRangeByScoreWithScores(ctx, prefix+"lease", &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(due, 10), Count: 1000,
	}).Result()
	if err != nil {
		return 0, fmt.Errorf("redis: %w", err)
	}
	taken := 0
	for _, z := range leases {
		id := fmt.Sprint(z.Member)
		if alive, err := r.worked(ctx, id); err != nil || alive {
			if err != nil {
				return taken, err
			}
			continue
		}
		keys := []string{prefix + "lease", prefix + "active", prefix + "pending", prefix + "t:" + id}
		n, err := r.script.Run(ctx, r.rdb, keys, id, strconv.FormatFloat(z.Score, 'f', -1, 64)).Int()
		if err != nil {
			return taken, fmt.Errorf("redis: %w", err)
		}
		taken += n
	}
	return taken, nil
}
