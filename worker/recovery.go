package worker

import (
	"context"
	"errors"
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
// is still the one that was seen, or that it has none if none was seen. Its retry count
// stays as it is. An active entry that holds no task goes: the run that it stood for is
// queued by the sweep. 1 is a task that was moved, 2 an entry that went.
// KEYS: lease zset, active list, pending list, task hash. ARGV: task ID, lease score or "".
const takeBack = `
local lease = redis.call("ZSCORE", KEYS[1], ARGV[1])
if ARGV[2] == "" then
  if lease then return 0 end
elseif not lease or tonumber(lease) ~= tonumber(ARGV[2]) then
  return 0
end
if redis.call("LREM", KEYS[2], 0, ARGV[1]) == 0 then
  return 0
end
redis.call("ZREM", KEYS[1], ARGV[1])
if redis.call("HEXISTS", KEYS[4], "msg") == 0 then
  redis.call("DEL", KEYS[4])
  return 2
end
redis.call("RPUSH", KEYS[3], ARGV[1])
redis.call("HSET", KEYS[4], "state", "pending")
return 1`

// recoverer takes back the tasks of workers that vanished, long before asynq's own
// recoverer, which waits 30 seconds past the lease and charges a retry.
type recoverer struct {
	rdb     redis.UniversalClient
	script  *redis.Script
	queues  []string
	ledger  *ledger.Ledger
	repairs *repairCounts
	now     func() time.Time
	log     *slog.Logger

	unleased map[string]bool // active tasks that had no lease in the last round
	said     time.Time       // when a trouble that lasts was logged
}

func (r *recoverer) run(ctx context.Context) {
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		r.round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// round makes one pass over each queue. A trouble that lasts is logged once a minute.
func (r *recoverer) round(ctx context.Context) {
	seen, done := map[string]bool{}, tally{}
	var errs error
	for _, q := range r.queues {
		n, err := r.recover(ctx, q)
		if done[RepairVanished] += n; n > 0 {
			r.log.WarnContext(ctx, "took back the tasks of a worker that vanished", "queue", q, "tasks", n)
		}
		m, lerr := r.lease(ctx, q, seen)
		if done[RepairLease] += m; m > 0 {
			r.log.WarnContext(ctx, "took up active tasks that had no lease", "queue", q, "tasks", m)
		}
		errs = errors.Join(errs, err, lerr)
	}
	r.unleased = seen
	r.repairs.add(done)
	switch {
	case errs == nil:
		r.said = time.Time{}
	case ctx.Err() == nil && time.Since(r.said) > time.Minute:
		r.said = time.Now()
		r.log.WarnContext(ctx, "recovery failed", "error", errs)
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
		moved, err := r.takeBack(ctx, queue, id, strconv.FormatFloat(z.Score, 'f', -1, 64))
		if err != nil {
			return taken, err
		}
		if moved {
			taken++
		}
	}
	return taken, nil
}

// takeBack runs the script of that name.
func (r *recoverer) takeBack(ctx context.Context, queue, id, lease string) (moved bool, err error) {
	prefix := "asynq:{" + queue + "}:"
	keys := []string{prefix + "lease", prefix + "active", prefix + "pending", prefix + "t:" + id}
	n, err := r.script.Run(ctx, r.rdb, keys, id, lease).Int()
	if err != nil {
		return false, fmt.Errorf("redis: %w", err)
	}
	if n == 2 {
		r.repairs.add(tally{RepairHashMissing: 1})
	}
	return n == 1, nil
}
