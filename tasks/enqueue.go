package tasks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
)

// DefaultTimeouts are how long one attempt of a step may take.
func DefaultTimeouts() map[pipeline.Step]time.Duration {
	return map[pipeline.Step]time.Duration{
		pipeline.StepCheck:     30 * time.Second,
		pipeline.StepThumbnail: 2 * time.Minute,
		pipeline.StepAttach:    30 * time.Second,
		pipeline.StepWarm:      30 * time.Second,
		pipeline.StepNotify:    30 * time.Second,
	}
}

// Enqueuer puts wishes into the queue. Losing one is no harm: the sweep finds it in
// the ledger.
type Enqueuer struct {
	client   *asynq.Client
	timeouts map[pipeline.Step]time.Duration
	now      func() time.Time
	line     line
}

// NewEnqueuer makes an Enqueuer over a Redis client that stays the caller's. timeouts
// are those of the policy; nil means DefaultTimeouts. now is the clock; nil is time.Now.
func NewEnqueuer(rdb redis.UniversalClient, timeouts map[pipeline.Step]time.Duration, now func() time.Time) *Enqueuer {
	if timeouts == nil {
		timeouts = DefaultTimeouts()
	}
	if now == nil {
		now = time.Now
	}
	return &Enqueuer{client: asynq.NewClientFromRedisClient(rdb), timeouts: timeouts, now: now, line: line{began: time.Now()}}
}

// Enqueue puts a wish into its queue. fresh is false where its task is there already,
// in whatever state.
func (e *Enqueuer) Enqueue(ctx context.Context, w pipeline.Wish) (fresh bool, err error) {
	t, err := build(w, e.now(), e.timeouts[w.Step])
	if err != nil {
		return false, err
	}
	_, err = e.client.EnqueueContext(ctx, t)
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("enqueue %s: %w", ID(w.Run), err)
	}
	return true, nil
}

// EnqueueAll puts wishes into their queues until one fails: then Redis is away, and the
// sweep enqueues the rest when it is back. For a second after that, others fail with
// ErrAway and do not ask; then one of them does.
func (e *Enqueuer) EnqueueAll(ctx context.Context, wishes []pipeline.Wish) error {
	if len(wishes) == 0 {
		return nil
	}
	if !e.line.try() {
		return ErrAway
	}
	for _, w := range wishes {
		if _, err := e.Enqueue(ctx, w); err != nil {
			if ctx.Err() == nil { // who gives up knows nothing of Redis
				e.line.failed()
			}
			return err
		}
	}
	e.line.works()
	return nil
}
