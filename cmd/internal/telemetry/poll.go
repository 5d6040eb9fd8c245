package telemetry

import (
	"context"
	"sync"
	"time"
)

// poll asks a part for its state at a scrape. One question is under way at a time: a part
// that hangs is asked no more until it has answered, and holds nobody up for longer than
// the limit.
type poll[T any] struct {
	ask   func(ctx context.Context) (T, error)
	limit time.Duration

	mu  sync.Mutex
	now *question[T]
}

// question is one that is under way, for whoever waits for its answer.
type question[T any] struct {
	done   chan struct{}
	answer T
	err    error
}

// get gives the state; ok is false where there is no answer within the limit.
func (p *poll[T]) get() (answer T, ok bool) {
	q := p.begin()
	limit := time.NewTimer(p.limit)
	defer limit.Stop()
	select {
	case <-q.done:
		return q.answer, q.err == nil
	case <-limit.C:
		return answer, false
	}
}

func (p *poll[T]) begin() *question[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now != nil {
		return p.now
	}
	q := &question[T]{done: make(chan struct{})}
	p.now = q
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), p.limit)
		defer cancel()
		q.answer, q.err = p.ask(ctx)
		p.mu.Lock()
		p.now = nil
		p.mu.Unlock()
		close(q.done)
	}()
	return q
}
