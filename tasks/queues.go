package tasks

import (
	"context"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// QueueStats are the counts of one queue in Redis.
type QueueStats struct {
	Queue                                       string
	Paused                                      bool
	Pending, Active, Scheduled, Retry, Archived int
	// Latency is how long the oldest pending task has waited.
	Latency time.Duration
	// Processed and Failed count today's tasks, by UTC.
	Processed, Failed int
}

// Open counts the tasks that will still run.
func (s QueueStats) Open() int { return s.Pending + s.Active + s.Scheduled + s.Retry }

// Desk looks at the queues in Redis and stops and starts them.
type Desk struct {
	rdb     redis.UniversalClient
	inspect *asynq.Inspector
}

// NewDesk makes a Desk over a Redis client that stays the caller's.
func NewDesk(rdb redis.UniversalClient) *Desk {
	return &Desk{rdb: rdb, inspect: asynq.NewInspectorFromRedisClient(rdb)}
}

// Ping tells whether Redis answers for each of the queues, or for every queue where none is
// named. In a cluster they may lie on several servers.
func (d *Desk) Ping(ctx context.Context, queues ...string) error {
	if len(queues) == 0 {
		queues = Queues()
	}
	_, err := d.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, q := range queues {
			p.Exists(ctx, pausedKey(q))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	return nil
}

// Stats reads one queue. One that Redis does not know is empty.
func (d *Desk) Stats(ctx context.Context, queue string) (QueueStats, error) {
	known, err := d.known(ctx, queue)
	if err != nil {
		return QueueStats{}, err
	}
	if !known {
		paused, err := d.rdb.Exists(ctx, pausedKey(queue)).Result()
		return QueueStats{Queue: queue, Paused: paused > 0}, err
	}
	info, err := d.inspect.GetQueueInfo(queue)
	if err != nil {
		return QueueStats{}, fmt.Errorf("queue %s: %w", queue, err)
	}
	return QueueStats{
		Queue: queue, Paused: info.Paused, Pending: info.Pending, Active: info.Active, Scheduled: info.Scheduled,
		Retry: info.Retry, Archived: info.Archived, Latency: info.Latency, Processed: info.Processed, Failed: info.Failed,
	}, nil
}

// known tells whether asynq lists the queue; its calls fail on one that it does not.
func (d *Desk) known(ctx context.Context, queue string) (bool, error) {
	known, err := d.rdb.SIsMember(ctx, "asynq:queues", queue).Result()
	if err != nil {
		return false, fmt.Errorf("queue %s: %w", queue, err)
	}
	return known, nil
}

// Pause pauses a queue in Redis for so long, or where that is zero until Resume; one
// that is paused already takes the new end. It writes asynq's own key, because asynq's
// calls fail on a queue that is paused already and on one that a wiped Redis does not
// list. Redis drops the key at the end, so that a pause ends without anybody's help.
func (d *Desk) Pause(ctx context.Context, queue string, left time.Duration) error {
	key, now := pausedKey(queue), time.Now().Unix()
	_, err := d.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.SetNX(ctx, key, now, 0)
		if left == 0 {
			p.Persist(ctx, key)
		} else {
			p.PExpire(ctx, key, left)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("queue %s: %w", queue, err)
	}
	return nil
}

// Resume starts a queue in Redis again; one that is not paused is no error.
func (d *Desk) Resume(ctx context.Context, queue string) error {
	if err := d.rdb.Del(ctx, pausedKey(queue)).Err(); err != nil {
		return fmt.Errorf("queue %s: %w", queue, err)
	}
	return nil
}

// pausedKey is the key by which asynq knows that a queue is paused.
func pausedKey(queue string) string { return "asynq:{" + queue + "}:paused" }

// Drained waits until none of the queues has a task that will still run. progress, if
// not nil, is told how many are left.
func (d *Desk) Drained(ctx context.Context, queues []string, progress func(open int)) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		open := 0
		for _, q := range queues {
			s, err := d.Stats(ctx, q)
			if err != nil {
				return err
			}
			open += s.Open()
		}
		if progress != nil {
			progress(open)
		}
		if open == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d tasks are left: %w", open, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
