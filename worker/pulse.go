package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// silence is how long Redis may give no answer before a worker takes its leases for lost
// and cancels what it runs: another worker takes a task back 16 seconds after the last
// renewal of its lease, and must not run beside this one.
const silence = 12 * time.Second

// errSilent is why a run was cancelled.
var errSilent = errors.New("redis gave no answer, so the leases cannot be renewed")

// pulse cancels what runs while Redis does not answer. The zero value of a field other
// than ping and log is its default; a nil pulse cancels nothing.
type pulse struct {
	ping  func(ctx context.Context) error
	every time.Duration // between pings: 2 seconds
	limit time.Duration // silence
	log   *slog.Logger

	mu     sync.Mutex
	heard  time.Time       // when the last ping that was answered was sent
	alive  context.Context //nolint:containedctx // ends when redis falls silent
	silent context.CancelCauseFunc
}

// run pings until ctx ends. Pings run beside the look at the clock, since a client may
// wait for a long time.
func (p *pulse) run(ctx context.Context) {
	if p.every <= 0 {
		p.every = 2 * time.Second
	}
	if p.limit <= 0 {
		p.limit = silence
	}
	p.answered(ctx, time.Now())
	var pings sync.WaitGroup
	defer pings.Wait()
	pings.Go(func() {
		for p.wait(ctx) {
			if sent := time.Now(); p.ping(ctx) == nil {
				p.answered(ctx, sent)
			}
		}
	})
	for p.wait(ctx) {
		p.look(ctx)
	}
}

func (p *pulse) wait(ctx context.Context) bool {
	t := time.NewTimer(p.every)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// answered notes that a ping that was sent then was answered.
func (p *pulse) answered(ctx context.Context, sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = sent
	if p.alive != nil && p.alive.Err() == nil {
		return
	}
	if p.alive != nil {
		p.log.InfoContext(ctx, "redis answers again")
	}
	p.alive, p.silent = context.WithCancelCause(context.WithoutCancel(ctx))
}

// look cancels what runs when the last answer is too old. A process that stood still
// finds so when it wakes.
func (p *pulse) look(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if age := time.Since(p.heard); age > p.limit && p.alive.Err() == nil {
		p.log.WarnContext(ctx, "redis gives no answer, what runs is cancelled and comes back", "since", age.Round(time.Millisecond))
		p.silent(errSilent)
	}
}

// hold gives a context that ends when Redis falls silent, and what makes an error of it:
// one that costs no budget.
func (p *pulse) hold(ctx context.Context) (held context.Context, explain func(error) error, done func()) {
	if p == nil {
		return ctx, func(err error) error { return err }, func() {}
	}
	p.mu.Lock()
	alive := p.alive
	p.mu.Unlock()
	if alive == nil { // it does not run yet
		return ctx, func(err error) error { return err }, func() {}
	}
	held, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(alive, func() { cancel(errSilent) })
	explain = func(err error) error {
		if err != nil && alive.Err() != nil {
			return &pipeline.Error{Class: pipeline.Interrupted, Op: "worker", Err: errSilent}
		}
		return err
	}
	return held, explain, func() { stop(); cancel(nil) }
}
