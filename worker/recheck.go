package worker

import (
	"context"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// maxRechecks is how many checks a later step may ask for without succeeding. With the
// waits between them they last about two minutes.
const maxRechecks = 12

// outdated answers an attempt that found its object changed or gone since the check: it
// wishes for another check, which decides what became of it, the first time at once and
// later on more slowly. A step that still meets other content than each check saw goes
// round in circles, because somebody writes all the time or the store contradicts
// itself; then what it dies of is given.
func (h *handler) outdated(ctx context.Context, a *ledger.OpenAttempt, cause error) (circles, err error) {
	n, err := h.ledger.Rechecks(ctx, a.Run)
	if err != nil {
		return nil, err
	}
	if n >= maxRechecks {
		return pipeline.Errorf(pipeline.Conflict, "worker.recheck", a.Upload.Key,
			"the object was another one after each of %d checks: %w", n, cause), nil
	}
	var checkAt time.Time
	if n > 0 {
		checkAt = h.now().Add(jitter(backoff(time.Second, 15*time.Second, n)))
	}
	made, err := h.ledger.Supersede(ctx, a, cause, checkAt)
	if err == nil {
		h.logger(a).InfoContext(ctx, "the object is another one than the check saw, it is checked again", "cause", cause)
		h.enqueue(ctx, made)
	}
	return nil, err
}
