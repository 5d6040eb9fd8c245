package wire

import (
	"context"
	"crypto/rand"
	"sync"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/tempurl"
	"github.com/afterput/afterput/producer/reconcile"
)

// StartPeriodic runs what a worker process does now and then until ctx ends or stop is
// called: it looks again at cached URLs, and reconciles if that is configured. stop waits
// for the end.
func (a *App) StartPeriodic(ctx context.Context) (stop func(), err error) {
	keeper, err := a.keeper()
	if err != nil {
		return nil, err
	}
	loops := []func(context.Context){keeper.Loop}
	if c := a.Config.Reconcile; c.Every > 0 {
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
		loops = append(loops, p.Loop)
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for _, loop := range loops {
		wg.Go(func() { loop(ctx) })
	}
	return func() {
		cancel()
		wg.Wait()
	}, nil
}

// keeper looks again at the cached URLs of public files.
func (a *App) keeper() (*tempurl.Keeper, error) {
	visible := a.visibility()
	return tempurl.NewKeeper(tempurl.KeeperOptions{
		Cache: a.Cache, Logger: a.Log,
		Visible: func(ctx context.Context, fileID string) (pipeline.Visibility, error) {
			id, err := pipeline.ParseFileID(fileID)
			if err != nil {
				return pipeline.VisibilityUnknown, err
			}
			b, key, err := a.Buckets.Locate(id)
			if err != nil {
				return pipeline.VisibilityUnknown, err
			}
			return visible(ctx, b.Name, key)
		},
	})
}
