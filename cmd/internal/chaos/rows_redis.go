package chaos

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

func redisRows() []Row {
	return []Row{
		{ID: "5", Name: "kill -9 of Redis with AOF everysec", Files: 150, Break: amid(killRedis)},
		{ID: "6", Name: "FLUSHALL, and a restart that forgot everything", Short: true, Files: 90, Break: amid(wipeRedis)},
		{ID: "8", Name: "leases, tasks, active entries, queue names deleted", Short: true, Files: 150, Break: amid(breakKeys)},
		{ID: "9", Name: "Redis full, read-only", Files: 150, Redises: []string{Plain}, Break: amid(fullRedis)},
		{ID: "10", Name: "line to Redis cut for 0.5 s, 20 s and 45 s, slow, reset, sliced", Files: 200, Redises: []string{Plain}, Break: cutLine},
	}
}

// amid breaks something in the middle of a run under a healthy serve and worker.
func amid(harm func(context.Context, *Bench) error) func(context.Context, *Bench) error {
	return func(ctx context.Context, b *Bench) error {
		if _, err := b.Both(ctx); err != nil {
			return err
		}
		wait := b.Sending(ctx, b.Files)
		if err := b.Middle(ctx); err != nil {
			return err
		}
		if err := harm(ctx, b); err != nil {
			return err
		}
		b.Mended()
		return wait()
	}
}

func killRedis(ctx context.Context, b *Bench) error {
	for range 3 {
		if err := b.Redis.Kill(ctx); err != nil {
			return err
		}
		b.Fired("kill", 1)
		pause(ctx, time.Duration(b.Rand.IntN(2000))*time.Millisecond)
		if err := b.Redis.Start(ctx); err != nil {
			return err
		}
		pause(ctx, time.Second)
	}
	return nil
}

func wipeRedis(ctx context.Context, b *Bench) error {
	lost, err := b.Redis.Client.DBSize(ctx).Result()
	if err != nil {
		return err
	}
	if err := b.Redis.Client.FlushAll(ctx).Err(); err != nil {
		return err
	}
	b.Fired("flushall", 1)
	b.Fired("keys", int(lost))
	if err := b.Redis.Kill(ctx); err != nil {
		return err
	}
	if err := b.Redis.Forget(); err != nil {
		return err
	}
	b.Fired("restart", 1)
	return b.Redis.Start(ctx)
}

// breakKeys deletes what asynq believes to be there, for three rounds.
func breakKeys(ctx context.Context, b *Bench) error {
	rdb := b.Redis.Client
	for range 6 {
		for _, q := range queues {
			prefix := "asynq:{" + q + "}:"
			for name, harm := range map[string]func() *redis.IntCmd{
				"lease":  func() *redis.IntCmd { return rdb.Del(ctx, prefix+"lease") },
				"active": func() *redis.IntCmd { return rdb.Del(ctx, prefix+"active") },
				"retry":  func() *redis.IntCmd { return rdb.Del(ctx, prefix+"retry") },
				"hash":   func() *redis.IntCmd { return rdb.Del(ctx, b.someTask(ctx, q)) },
			} {
				n, err := harm().Result()
				if err != nil {
					return err
				}
				b.Fired(name, int(n))
			}
		}
		n, err := rdb.Del(ctx, "asynq:queues").Result()
		if err != nil {
			return err
		}
		b.Fired("queues", int(n))
		pause(ctx, 300*time.Millisecond)
	}
	return nil
}

// someTask gives the key of any task of a queue.
func (b *Bench) someTask(ctx context.Context, queue string) string {
	keys, _, err := b.Redis.Client.Scan(ctx, 0, "asynq:{"+queue+"}:t:*", 1000).Result()
	if err != nil || len(keys) == 0 {
		return "nothing"
	}
	return keys[b.Rand.IntN(len(keys))]
}

// fullRedis lets Redis refuse writes for want of memory, and then as a replica would.
func fullRedis(ctx context.Context, b *Bench) error {
	rdb := b.Redis.Client
	if err := rdb.ConfigSet(ctx, "maxmemory-policy", "noeviction").Err(); err != nil {
		return err
	}
	if err := rdb.ConfigSet(ctx, "maxmemory", "1mb").Err(); err != nil {
		return err
	}
	if err := rdb.Set(ctx, "probe", "x", 0).Err(); err == nil || !strings.Contains(err.Error(), "OOM") {
		return fmt.Errorf("%w: redis answered %w", errPart, err)
	}
	b.Fired("oom", 1)
	before, err := b.commands(ctx)
	if err != nil {
		return err
	}
	const long = 15 * time.Second
	pause(ctx, long)
	after, err := b.commands(ctx)
	if err != nil {
		return err
	}
	// asynq alone spins at 28,000 a second here. The workers, sweeps and doors of this
	// world stay far below 2,000.
	if rate := float64(after-before) / long.Seconds(); rate > 2000 {
		return fmt.Errorf("%.0f commands a second reach a full redis", rate)
	}
	if err := rdb.ConfigSet(ctx, "maxmemory", "0").Err(); err != nil {
		return err
	}
	if err := rdb.ReplicaOf(ctx, "127.0.0.1", "1").Err(); err != nil {
		return err
	}
	b.Fired("readonly", 1)
	pause(ctx, 5*time.Second)
	return rdb.ReplicaOf(ctx, "NO", "ONE").Err()
}

// commands counts what Redis has processed.
func (b *Bench) commands(ctx context.Context) (n int64, err error) {
	info, err := b.Redis.Client.InfoMap(ctx, "stats").Result()
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(info["Stats"]["total_commands_processed"], &n)
	return n, err
}

// cutLine spoils the line between afterput and Redis in every way, under load.
func cutLine(ctx context.Context, b *Bench) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	for _, t := range []struct{ kind, attributes string }{
		{"latency", `{"latency":2000}`},
		{"reset_peer", `{"timeout":100}`},
		{"timeout", `{"timeout":0}`},
		{"slicer", `{"average_size":16,"size_variation":8,"delay":2000}`},
	} {
		wait := b.Sending(ctx, b.Files/8)
		pause(ctx, 300*time.Millisecond)
		if err := b.Redis.Toxic(t.kind, t.attributes); err != nil {
			return err
		}
		b.Fired(t.kind, 1)
		pause(ctx, 6*time.Second)
		b.Redis.Heal(ctx)
		if err := wait(); err != nil {
			return err
		}
	}
	for _, d := range []time.Duration{500 * time.Millisecond, 20 * time.Second, 45 * time.Second} {
		wait := b.Sending(ctx, b.Files/6)
		pause(ctx, 300*time.Millisecond)
		if err := b.Redis.Cut(ctx); err != nil {
			return err
		}
		b.Fired("cut", 1)
		pause(ctx, d)
		if err := b.Redis.Join(ctx); err != nil {
			return err
		}
		b.Mended()
		if err := wait(); err != nil {
			return err
		}
	}
	return nil
}
