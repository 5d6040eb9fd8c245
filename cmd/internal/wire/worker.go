package wire

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/afterput/afterput/cmd/internal/config"
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
	if err := a.checkOrders(ctx); err != nil {
		return nil, err
	}
	steps, engine, err := a.steps()
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
	w, err := worker.New(worker.Options{
		Ledger: a.Ledger, Redis: rdb, Steps: steps, Pools: run, Timeouts: a.timeouts(),
		Budgets: worker.Budgets{
			Transient: r.Transient, Missing: r.Missing, Conflict: r.Conflict,
			ThrottledFor: r.ThrottledFor, WaitingFor: r.WaitingFor,
		},
		SweepEvery: a.Config.Sweep.Every, Ended: a.Metrics.Attempt, Now: a.faults.now(), Logger: a.Log,
	})
	if err != nil {
		return nil, err
	}
	rdb.AddHook(a.Metrics.RedisHook()) // inside of the worker's own, which wait
	a.Metrics.Worker(w.Repairs, engine)
	return w, nil
}

func (a *App) steps() (worker.Steps, *thumb.Engine, error) {
	opt := a.engineOptions()
	thumb.LimitMemory(opt.Budget)
	engine, err := thumb.New(opt)
	if err != nil {
		return worker.Steps{}, nil, fmt.Errorf("thumbnails: %w", err)
	}
	isolated, err := a.isolated(opt)
	if err != nil {
		return worker.Steps{}, nil, err
	}
	thumbnails, err := a.posters(a.faults.engine(engine))
	if err != nil {
		return worker.Steps{}, nil, err
	}
	alone, err := a.posters(isolated)
	if err != nil {
		return worker.Steps{}, nil, err
	}
	endpoints, err := hooks.NewSet(a.endpoints())
	if err != nil {
		return worker.Steps{}, nil, fmt.Errorf("hooks: %w", err)
	}
	a.closers = append(a.closers, endpoints.Close)
	for _, e := range a.Config.Hooks.All() {
		a.Metrics.Endpoint(e.Name)
	}
	s := worker.Steps{
		Rules:      a.rulesOf(""),
		ByBucket:   make(map[string]worker.Rules),
		Objects:    a.faults.objects(a.Objects),
		Probe:      probe.Detect,
		Visibility: a.visibility(),
		Thumbnails: thumbnails,
		Isolated:   alone,
		Attach:     pipeline.AttachOptions{Grace: a.Config.Retry.Grace, Gather: a.Config.Retry.Gather, KeepRejected: a.keepsRejected},
		URLs:       a.urls(),
		Cache:      a.Cache,
		Notifier:   a.faults.notifier(endpoints),
		Held:       endpoints.Hold,
	}
	for _, b := range a.Config.Buckets {
		s.ByBucket[b.Name] = a.rulesOf(b.Name)
	}
	if a.Orders != nil {
		s.Orders = a.faults.orders(a.Orders)
	}
	return s, engine, nil
}

// rulesOf are the rules by which a bucket's uploads are checked and shrunk.
func (a *App) rulesOf(bucket string) worker.Rules {
	c := a.bucket(bucket).Check
	return worker.Rules{
		Policy: pipeline.Policy{
			Types: c.Types, MaxImageBytes: int64(c.MaxImageBytes), MaxVideoBytes: int64(c.MaxVideoBytes),
			MaxPixels: c.MaxPixels, MaxFrames: c.MaxFrames,
			AnyExtension: c.Extension == "off", AllowForeign: c.Polyglots == "allow",
		},
		Thumbnail: a.thumbnailOptions(bucket),
	}
}

// keepsRejected tells whether an entry stays in its order when its file is rejected later.
func (a *App) keepsRejected(fileID string) bool {
	id, err := pipeline.ParseFileID(fileID)
	if err != nil {
		return !a.Config.Check.Withdraw
	}
	b, _, err := a.Buckets.Locate(id)
	if err != nil {
		return !a.Config.Check.Withdraw
	}
	return !a.bucket(b.Name).Check.Withdraw
}

// widest are the limits that no bucket's uploads are above: one engine makes the thumbnails
// of all, after the check of each bucket has judged.
func (a *App) widest() config.Check {
	most := a.Config.Check
	for _, b := range a.Config.Buckets {
		most.MaxPixels = max(most.MaxPixels, b.Check.MaxPixels)
		most.MaxImageBytes = max(most.MaxImageBytes, b.Check.MaxImageBytes)
		most.MaxVideoBytes = max(most.MaxVideoBytes, b.Check.MaxVideoBytes)
	}
	return most
}

func (a *App) engineOptions() thumb.Options {
	c, most := a.Config.Thumbnails, a.widest()
	return thumb.Options{
		MaxPixels: most.MaxPixels, Budget: int64(c.PixelBudget), MaxBytes: int64(most.MaxImageBytes),
		MinRows: float64(c.MinRows) / 100, Plain: c.Engine == "imaging",
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
