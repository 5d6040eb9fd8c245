package worker

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// outage waits for a ledger that is away, so that a pool keeps its tasks and fetches no
// others meanwhile. A nil outage does not wait.
type outage struct {
	ping  func(ctx context.Context) error
	every time.Duration
	stop  chan struct{} // closed when the worker shuts down
	log   *slog.Logger
	down  atomic.Bool // so that an outage is logged once
}

// wait gives true when the ledger is back, and false when the task must be given back
// before: the worker stops, or half of the task's time has passed.
func (o *outage) wait(ctx context.Context, cause error) bool {
	if o == nil {
		return false
	}
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
	}
	if o.down.CompareAndSwap(false, true) {
		o.log.WarnContext(ctx, "the ledger is away, this worker waits for it and fetches no more", "error", cause)
	}
	tick := time.NewTicker(o.every)
	defer tick.Stop()
	for {
		select {
		case <-o.stop:
			return false
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		if o.ping(ctx) != nil {
			continue
		}
		if o.down.CompareAndSwap(true, false) {
			o.log.InfoContext(ctx, "the ledger is back")
		}
		return true
	}
}
