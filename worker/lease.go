package worker

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// activePage is how many active tasks of a queue one round looks at. More are active only
// where something is badly wrong; the others follow as these go.
const activePage = 1000

// leaseLength is how long a lease of asynq lasts.
const leaseLength = 30 * time.Second

// relet gives an active task that has no lease a new one.
// KEYS: lease zset, active list. ARGV: task ID, lease score.
const relet = `
if redis.call("ZSCORE", KEYS[1], ARGV[1]) or not redis.call("LPOS", KEYS[2], ARGV[1]) then
  return 0
end
redis.call("ZADD", KEYS[1], ARGV[2], ARGV[1])
return 1`

// relets is the script of every recoverer.
var relets = redis.NewScript(relet)

// lease looks for active tasks without a lease, which neither asynq nor recover would ever
// take back, and tells how many it put right. One that had none in the round before as
// well is queued again; where a live worker works on it, it gets a lease, which that
// worker renews. Those that have none are noted in seen.
func (r *recoverer) lease(ctx context.Context, queue string, seen map[string]bool) (mended int, err error) {
	prefix := "asynq:{" + queue + "}:"
	active, err := r.rdb.LRange(ctx, prefix+"active", 0, activePage-1).Result()
	if err != nil {
		return 0, fmt.Errorf("redis: %w", err)
	}
	if len(active) == 0 {
		return 0, nil
	}
	leases := make([]*redis.FloatCmd, len(active))
	if _, err := r.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range active {
			leases[i] = p.ZScore(ctx, prefix+"lease", id)
		}
		return nil
	}); err != nil && err != redis.Nil { //nolint:errorlint // go-redis gives it as it is
		return 0, fmt.Errorf("redis: %w", err)
	}
	for i, id := range active {
		if leases[i].Err() == nil {
			continue
		}
		if seen[id] = true; !r.unleased[id] {
			continue
		}
		ok, err := r.mend(ctx, queue, id)
		if err != nil {
			return mended, err
		}
		if ok {
			mended++
		}
	}
	return mended, nil
}

// mend puts one active task without a lease right.
func (r *recoverer) mend(ctx context.Context, queue, id string) (bool, error) {
	alive, err := r.worked(ctx, id)
	if err != nil {
		return false, err
	}
	if !alive {
		return r.takeBack(ctx, queue, id, "")
	}
	prefix := "asynq:{" + queue + "}:"
	n, err := relets.Run(ctx, r.rdb, []string{prefix + "lease", prefix + "active"}, id, r.now().Add(leaseLength).Unix()).Int()
	if err != nil {
		return false, fmt.Errorf("redis: %w", err)
	}
	return n == 1, nil
}
