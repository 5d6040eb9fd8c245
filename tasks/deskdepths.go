package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// OtherQueues is the name under which Depths sums up queues that are not ours.
const OtherQueues = "other"

// manyQueues bounds how many foreign queues Depths looks at.
const manyQueues = 50

// Depth is how many tasks a queue holds.
type Depth struct {
	Queue  string
	Paused bool
	// Tasks counts by state; every state is there.
	Tasks map[TaskState]int64
	// Oldest is how long the task that runs next has been pending; 0 where none is, or where
	// Redis does not know.
	Oldest time.Duration
}

// depthCmds are the questions about one queue.
type depthCmds struct {
	queue  string
	tasks  map[TaskState]*redis.IntCmd
	paused *redis.IntCmd
	next   *redis.StringCmd
	since  *redis.StringCmd
}

// Depths reads our queues, and where there are others the sum of at most 50 of them, in
// three round trips. asynq's Inspector is not asked: its calls know no deadline, fail on a
// queue that lost one task's data, and sample the memory of every list.
func (d *Desk) Depths(ctx context.Context) ([]Depth, error) {
	queues := Queues()
	listed, err := d.rdb.SRandMemberN(ctx, "asynq:queues", int64(manyQueues+len(queues))).Result()
	if err != nil {
		return nil, fmt.Errorf("queues: %w", err)
	}
	ours := len(queues)
	for _, q := range listed {
		if !slices.Contains(queues, q) {
			queues = append(queues, q)
		}
	}
	asked, err := d.askDepths(ctx, queues)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	var out []Depth
	for _, c := range asked[:ours] {
		out = append(out, newDepth(c.queue))
		c.addTo(&out[len(out)-1], now)
	}
	if len(asked) == ours {
		return out, nil
	}
	other := newDepth(OtherQueues)
	for _, c := range asked[ours:] {
		c.addTo(&other, now)
	}
	return append(out, other), nil
}

func newDepth(queue string) Depth {
	d := Depth{Queue: queue, Tasks: make(map[TaskState]int64)}
	for _, s := range TaskStates() {
		d.Tasks[s] = 0
	}
	return d
}

// askDepths asks about all queues at once, and then since when the next task of each is
// pending.
func (d *Desk) askDepths(ctx context.Context, queues []string) ([]depthCmds, error) {
	asked := make([]depthCmds, len(queues))
	err := d.pipelined(ctx, func(p redis.Pipeliner) {
		for i, q := range queues {
			prefix := "asynq:{" + q + "}:"
			c := depthCmds{queue: q, tasks: make(map[TaskState]*redis.IntCmd)}
			for _, s := range TaskStates() {
				if s == TaskActive || s == TaskPending {
					c.tasks[s] = p.LLen(ctx, prefix+string(s))
				} else {
					c.tasks[s] = p.ZCard(ctx, prefix+string(s))
				}
			}
			c.paused, c.next = p.Exists(ctx, pausedKey(q)), p.LIndex(ctx, prefix+string(TaskPending), -1)
			asked[i] = c
		}
	})
	if err != nil {
		return nil, err
	}
	return asked, d.pipelined(ctx, func(p redis.Pipeliner) {
		for i, c := range asked {
			if id := c.next.Val(); id != "" {
				asked[i].since = p.HGet(ctx, "asynq:{"+c.queue+"}:t:"+id, "pending_since")
			}
		}
	})
}

// pipelined sends what ask asks. An answer that there is nothing is no error.
func (d *Desk) pipelined(ctx context.Context, ask func(redis.Pipeliner)) error {
	p := d.rdb.Pipeline()
	ask(p)
	if p.Len() == 0 {
		return nil
	}
	cmds, err := p.Exec(ctx)
	if err == nil || !errors.Is(err, redis.Nil) {
		return err
	}
	for _, c := range cmds {
		if err := c.Err(); err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("queues: %w", err)
		}
	}
	return nil
}

// addTo adds what was answered about a queue.
func (c depthCmds) addTo(d *Depth, now time.Time) {
	for s, n := range c.tasks {
		d.Tasks[s] += n.Val()
	}
	d.Paused = d.Paused || c.paused.Val() > 0
	if c.since == nil {
		return
	}
	if nanos, err := strconv.ParseInt(c.since.Val(), 10, 64); err == nil {
		d.Oldest = max(d.Oldest, now.Sub(time.Unix(0, nanos)))
	}
}
