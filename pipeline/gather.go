package pipeline

import (
	"context"
	"time"
)

// gatherPoll is how often an attach that waits for other files looks at them.
const gatherPoll = 20 * time.Millisecond

// gather holds the order, locked as it is, until nothing is left to wait for, and gives its
// state then. Files that come together are checked one by one: without a moment's patience
// each check would end in a write of its own.
func gather(
	ctx context.Context, book OrderBook, opt AttachOptions, at time.Time,
	order, holder string, st OrderState,
) (OrderState, error) {
	for began := time.Now(); ; {
		waited := time.Since(began)
		// Not longer than Gather in all, whatever the clock of who announced it says.
		rest := min(opt.missing(st.Links, at.Add(waited)), opt.Gather-waited)
		if rest <= 0 {
			return st, nil
		}
		select {
		case <-ctx.Done():
			return st, ctx.Err()
		case <-time.After(min(rest, gatherPoll)):
		}
		var err error
		if st, err = book.LockOrder(ctx, order, holder); err != nil {
			return st, err
		}
	}
}

// missing is for how long the files that are not checked yet are worth waiting for: not at
// all where there is nothing to write yet.
func (o AttachOptions) missing(links []Link, now time.Time) (rest time.Duration) {
	adds := false
	for _, l := range admit(links, "", o, now).links {
		adds = adds || l.Live && !l.Attached
	}
	for _, l := range links {
		if adds && l.Unchecked {
			rest = max(rest, l.CreatedAt.Add(o.Gather).Sub(now))
		}
	}
	return rest
}
