package worker

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// deliveries are the waits before the second and each later attempt of a webhook: the
// schedule of Standard Webhooks, 75 hours and 35 minutes in all.
func deliveries() []time.Duration {
	return []time.Duration{
		5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
		10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
	}
}

// deliverFor is how long a delivery may wait for an endpoint that is paused whenever its
// turn comes: longer than the schedule takes.
const deliverFor = 96 * time.Hour

var (
	errHeld    = errors.New("the endpoint is paused after failures, or busy")
	errOverdue = pipeline.Errorf(pipeline.Transient, "notify", "", "the endpoint was paused after failures whenever this delivery came, for %s", deliverFor)
)

// held tells how long a delivery waits without an attempt, so that the workers are there
// for other endpoints. overdue says that it has waited for too long altogether.
func (h *handler) held(ctx context.Context, run pipeline.Run) (wait time.Duration, overdue bool) {
	if run.Step != pipeline.StepNotify || h.steps.Held == nil {
		return 0, false
	}
	if wait = h.steps.Held(pipeline.EndpointOf(run.Scope)); wait <= 0 {
		return 0, false
	}
	// A ledger that is away is met by Begin.
	since, err := h.ledger.WaitsSince(ctx, run)
	if err != nil {
		return 0, false
	}
	return wait + rand.N(wait/2+1), !since.IsZero() && h.now().Sub(since) >= deliverFor //nolint:gosec // jitter needs no secret
}

// deliver is next for notify: whatever the receiver does wrong costs one attempt of the
// schedule, and a longer wait that it asks for is honoured.
func (b Budgets) deliver(err error, spent map[pipeline.Class]int, since, now time.Time) (readyAt time.Time, dies bool) {
	if errors.Is(err, errOverdue) {
		return now, true
	}
	switch class := pipeline.ClassOf(err); class {
	case pipeline.Transient, pipeline.Throttled, pipeline.Missing, pipeline.Conflict, pipeline.Waiting:
	default:
		if pipeline.CodeOf(err) != pipeline.CodeWebhookRefused {
			return b.next(err, spent, since, now)
		}
	}
	failed := 0
	for class, n := range spent {
		if class != pipeline.Interrupted {
			failed += n
		}
	}
	waits := deliveries()
	if failed >= len(waits) {
		return now, true
	}
	return now.Add(max(late(waits[failed]), pipeline.RetryAfterOf(err))), false
}

// late adds up to a tenth to d, so that deliveries that failed together do not come back
// together, and none comes early.
func late(d time.Duration) time.Duration {
	return d + rand.N(d/10+1) //nolint:gosec // jitter needs no secret
}
