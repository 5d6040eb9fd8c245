package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/tasks"
)

// epochKey is lost when the Redis that holds a queue is wiped. It names the Redis process
// that it was written for, so that a restart or a failover with lost writes shows as well.
// It lies beside the queue: the servers of a cluster lose their data one by one.
func epochKey(queue string) string { return "afterput:{" + queue + "}:epoch" }

// epochs are the Redis processes that hold our queues, by queue.
type epochs map[string]string

// epoch tells which Redis processes hold our queues now, and whether one of them is
// another one than the last full pass saw or has lost its data since.
func (s *sweeper) epoch(ctx context.Context) (now epochs, lost bool, err error) {
	now = epochs{}
	known := map[string]string{}
	for _, q := range tasks.Queues() {
		node, name, err := nodeOf(ctx, s.rdb, q)
		if err != nil {
			return nil, false, err
		}
		if _, ok := known[name]; !ok {
			if known[name], err = runID(ctx, node); err != nil {
				return nil, false, err
			}
		}
		now[q] = known[name]
	}
	seen := map[string]*redis.StringCmd{}
	_, err = s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for q := range now {
			seen[q] = p.Get(ctx, epochKey(q))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, false, fmt.Errorf("redis: %w", err)
	}
	for q, id := range now {
		was, err := seen[q].Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, false, fmt.Errorf("redis: %w", err)
		}
		lost = lost || err != nil || was != id
	}
	return now, lost, nil
}

// runID names a Redis process. One that refuses INFO, as the embedded one and some proxies
// do, still shows by the missing key that it lost its memory.
func runID(ctx context.Context, node redis.Cmdable) (string, error) {
	info, err := node.Info(ctx, "server").Result()
	if _, refused := errors.AsType[redis.Error](err); err != nil && !refused {
		return "", fmt.Errorf("redis: %w", err)
	}
	for line := range strings.Lines(info) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "run_id:"); ok {
			return id, nil
		}
	}
	return "unknown", nil
}

// note writes down that a full pass was made over queues that these processes hold.
func (s *sweeper) note(ctx context.Context, now epochs) error {
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for q, id := range now {
			p.Set(ctx, epochKey(q), id, 0)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}
