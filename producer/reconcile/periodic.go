package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Leaser lets one process of all do something at a time. *ledger.Ledger is one.
type Leaser interface {
	Lease(ctx context.Context, name, holder string, d time.Duration) (bool, error)
	EndLease(ctx context.Context, name, holder string, free time.Time) error
}

// Periodic heals buckets again and again, in one process of all that run it.
type Periodic struct {
	// Run is the comparison. Required.
	Run *Reconciler
	// Leases choose the process. Required.
	Leases Leaser
	// Holder names this process, unlike any other. Required.
	Holder string
	// Buckets are the full names of the buckets.
	Buckets []string
	// Every is the time from the start of one round to that of the next.
	Every time.Duration
	// Since bounds the objects' age; 0 for no bound.
	Since time.Duration
	// Logger gets one line for each bucket. Required.
	Logger *slog.Logger
}

const (
	leaseName  = "reconcile"
	leaseLife  = 2 * time.Minute
	leaseRenew = 30 * time.Second
	// periodicRate heals slowly, beside the uploads of the hour.
	periodicRate = 50
)

// Loop runs until ctx ends.
func (p *Periodic) Loop(ctx context.Context) {
	ask := time.NewTicker(min(p.Every/4, leaseRenew))
	defer ask.Stop()
	for {
		if err := p.round(ctx); err != nil && ctx.Err() == nil {
			p.Logger.WarnContext(ctx, "reconcile failed, the next round tries again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ask.C:
		}
	}
}

// round compares every bucket, if it is time and no other process does.
func (p *Periodic) round(ctx context.Context) (err error) {
	ok, err := p.Leases.Lease(ctx, leaseName, p.Holder, leaseLife)
	if err != nil || !ok {
		return err
	}
	start := p.Run.opt.Now()
	free := start.Add(p.Every)
	hold, stop := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.renew(hold, stop)
	}()
	defer func() {
		stop(nil)
		<-done
		if ctx.Err() != nil {
			free = p.Run.opt.Now() // another process takes over
		}
		err = errors.Join(err, p.Leases.EndLease(context.WithoutCancel(ctx), leaseName, p.Holder, free))
	}()
	for _, bucket := range p.Buckets {
		plan := Plan{Bucket: bucket, Apply: true}
		if p.Since > 0 {
			plan.Since = start.Add(-p.Since)
		}
		r, rerr := p.Run.Run(hold, plan, Controls{Rate: periodicRate})
		err = errors.Join(err, rerr)
		p.Logger.InfoContext(ctx, "reconciled", "bucket", bucket, "scanned", r.Scanned, "matched", r.Matched,
			"missing", r.Missing, "orphans", r.Orphans, "stale", r.Stale, "unattached", r.Unattached,
			"thumbnails", r.Thumbnails, "healed", r.Healed, "refused", r.Refused)
	}
	return err
}

// renew keeps the lease until ctx ends. A lease that is lost ends the round.
func (p *Periodic) renew(ctx context.Context, stop context.CancelCauseFunc) {
	t := time.NewTicker(leaseRenew)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if ok, err := p.Leases.Lease(ctx, leaseName, p.Holder, leaseLife); err != nil || !ok {
			stop(errors.Join(errors.New("the lease is lost"), err))
			return
		}
	}
}
