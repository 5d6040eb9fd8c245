package worker

import (
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

// deliver is next for notify: whatever the receiver does wrong costs one attempt of the
// schedule, and a longer wait that it asks for is honoured.
func (b Budgets) deliver(err error, spent map[pipeline.Class]int, since, now time.Time) (readyAt time.Time, dies bool) {
	switch class := pipeline.ClassOf(err); class {
	case pipeline.Transient, pipeline.Throttled, pipeline.Missing, pipeline.Conflict, pipeline.Waiting:
	default:
		return b.next(err, spent, since, now)
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
