package wire

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/thumb"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/worker"
)

// ErrNoPool says that a pool was named that does not exist.
var ErrNoPool = errors.New("there is no pool")

// Worker makes a worker that runs the named pools; none named means all. Its Redis
// connections are its own and close with the App.
func (a *App) Worker(ctx context.Context, pools []string) (*worker.Worker, error) {
	if a.Orders != nil {
		if err := a.Orders.CheckSchema(ctx); err != nil {
			return nil, &OpenError{PartOrders, err}
		}
	}
	steps, err := a.steps()
	if err != nil {
		return nil, err
	}
	run, err := a.pools(pools)
	if err != nil {
		return nil, err
	}
	rdb, err := a.redis(0)
	if err != nil {
		return nil, err
	}
	r := a.Config.Retry
	return worker.New(worker.Options{
		Ledger: a.Ledger, Redis: rdb, Steps: steps, Pools: run, Timeouts: a.timeouts(),
		Budgets: worker.Budgets{
			Transient: r.Transient, Missing: r.Missing, Conflict: r.Conflict,
			ThrottledFor: r.ThrottledFor, WaitingFor: r.WaitingFor,
		},
		SweepEvery: a.Config.Sweep.Every, Now: a.faults.now(), Logger: a.Log,
	})
}

func (a *App) steps() (worker.Steps, error) {
	c := a.Config
	opt := a.engineOptions()
	thumb.LimitMemory(opt.Budget)
	engine, err := thumb.New(opt)
	if err != nil {
		return worker.Steps{}, fmt.Errorf("thumbnails: %w", err)
	}
	isolated, err := a.isolated(opt)
	if err != nil {
		return worker.Steps{}, err
	}
	thumbnails, err := a.posters(a.faults.engine(engine))
	if err != nil {
		return worker.Steps{}, err
	}
	alone, err := a.posters(isolated)
	if err != nil {
		return worker.Steps{}, err
	}
	endpoints, err := hooks.NewSet(a.endpoints())
	if err != nil {
		return worker.Steps{}, fmt.Errorf("hooks: %w", err)
	}
	a.closers = append(a.closers, endpoints.Close)
	s := worker.Steps{
		Objects: a.faults.objects(a.Objects),
		Probe:   probe.Detect,
		Policy: pipeline.Policy{
			Types: c.Check.Types, MaxImageBytes: int64(c.Check.MaxImageBytes), MaxVideoBytes: int64(c.Check.MaxVideoBytes),
			MaxPixels: c.Check.MaxPixels, MaxFrames: c.Check.MaxFrames,
			AnyExtension: c.Check.Extension == "off", AllowForeign: c.Check.Polyglots == "allow",
		},
		Visibility: a.visibility(),
		Thumbnails: thumbnails,
		Isolated:   alone,
		Thumbnail:  a.thumbnailOptions(),
		Attach:     pipeline.AttachOptions{Grace: c.Retry.Grace, KeepRejected: !c.Check.Withdraw},
		URLs:       a.urls(),
		Cache:      a.Cache,
		Notifier:   a.faults.notifier(endpoints),
		Held:       endpoints.Hold,
	}
	if a.Orders != nil {
		s.Orders = a.faults.orders(a.Orders)
	}
	return s, nil
}

func (a *App) engineOptions() thumb.Options {
	c := a.Config
	return thumb.Options{
		MaxPixels: c.Check.MaxPixels, Budget: int64(c.Thumbnails.PixelBudget), MaxBytes: int64(c.Check.MaxImageBytes),
		MinRows: float64(c.Thumbnails.MinRows) / 100, Plain: c.Thumbnails.Engine == "imaging",
	}
}

func (a *App) pools(names []string) ([]worker.Pool, error) {
	c := a.Config.Pools
	size := map[string]int{
		tasks.QueueChecks: c.Checks.Concurrency, tasks.QueueThumbnails: c.Thumbnails.Concurrency,
		tasks.QueueOrders: c.Orders.Concurrency, tasks.QueueURLs: c.URLs.Concurrency, tasks.QueueHooks: c.Hooks.Concurrency,
	}
	for _, n := range names {
		if _, ok := size[n]; !ok {
			return nil, fmt.Errorf("%w %q: want one of %v", ErrNoPool, n, tasks.Queues())
		}
	}
	var out []worker.Pool
	for _, q := range tasks.Queues() {
		if len(names) > 0 && !slices.Contains(names, q) {
			continue
		}
		n := size[q]
		if n <= 0 {
			n = runtime.GOMAXPROCS(0)
		}
		out = append(out, worker.Pool{Queue: q, Concurrency: n})
	}
	return out, nil
}
