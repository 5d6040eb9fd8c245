package wire

import (
	"context"
	"crypto/rand"

	"github.com/afterput/afterput/producer/reconcile"
)

// StartPeriodic runs what a worker process does now and then, if it is configured, until
// ctx ends or stop is called. stop waits for the end.
func (a *App) StartPeriodic(ctx context.Context) (stop func(), err error) {
	c := a.Config.Reconcile
	if c.Every <= 0 {
		return func() {}, nil
	}
	r, err := a.Reconciler()
	if err != nil {
		return nil, err
	}
	p := &reconcile.Periodic{
		Run: r, Leases: a.Ledger, Holder: rand.Text(), Every: c.Every, Since: c.Since, Logger: a.Log,
	}
	for _, b := range a.Buckets {
		p.Buckets = append(p.Buckets, b.Name)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Loop(ctx)
	}()
	return func() {
		cancel()
		<-done
	}, nil
}
