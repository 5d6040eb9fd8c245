package chaos

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Options choose what the battery runs.
type Options struct {
	// Binary is afterput, built with the tag chaos. Required.
	Binary string
	// Dir keeps what was sent and counted, a folder for each run. Required.
	Dir string
	// On is what every row stands on that can; empty parts leave it to the rows.
	On Backends
	// Rows narrows it to rows by ID; empty is all, or all of the short form.
	Rows []string
	// Long runs every row, not only those of the short form.
	Long bool
	// Seeds is how many runs each row gets. Default 1, or 3 in the long form.
	Seeds int
	// Files overrides how many files each run sends.
	Files int
	// Parallel is how many runs go on at once. Default 1.
	Parallel int
	// Settle is how long a run may take to come to rest after the fault. Default 3
	// minutes, or 10 in the long form.
	Settle time.Duration
	// Progress gets a line for each run that ended. Required.
	Progress io.Writer
}

// ErrNoRow says that a row was asked for that does not exist.
var ErrNoRow = errors.New("there is no such row")

func (o Options) withDefaults() Options {
	if o.Long {
		o.Seeds, o.Settle = cmp.Or(o.Seeds, 3), cmp.Or(o.Settle, 10*time.Minute)
	}
	o.Seeds, o.Settle = cmp.Or(o.Seeds, 1), cmp.Or(o.Settle, 3*time.Minute)
	o.Parallel = max(o.Parallel, 1)
	return o
}

// chosen gives the rows that o asks for.
func (o Options) chosen() ([]Row, error) {
	all := Rows()
	for _, id := range o.Rows {
		if !slices.ContainsFunc(all, func(r Row) bool { return r.ID == id }) {
			return nil, fmt.Errorf("row %q: %w", id, ErrNoRow)
		}
	}
	return slices.DeleteFunc(all, func(r Row) bool {
		if len(o.Rows) > 0 {
			return !slices.Contains(o.Rows, r.ID)
		}
		return !o.Long && !r.Short
	}), nil
}

// Run runs the battery and gives a result for each run, in the order of rows and seeds.
func Run(ctx context.Context, opt Options) ([]Result, error) {
	opt = opt.withDefaults()
	rows, err := opt.chosen()
	if err != nil {
		return nil, err
	}
	if err := opt.On.check(); err != nil {
		return nil, err
	}
	// Servers that the runs start have folders of their own to work in.
	if opt.Dir, err = filepath.Abs(opt.Dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(opt.Dir, 0o750); err != nil {
		return nil, err
	}
	results := make([]Result, len(rows)*opt.Seeds)
	var (
		wg    sync.WaitGroup
		say   sync.Mutex
		slots = make(chan struct{}, opt.Parallel)
	)
	for i, row := range rows {
		for seed := range opt.Seeds {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				r := &results[i*opt.Seeds+seed]
				*r = once(ctx, opt, row, uint64(seed)+1)
				say.Lock()
				defer say.Unlock()
				_, _ = fmt.Fprintln(opt.Progress, r.line())
			})
		}
	}
	wg.Wait()
	return results, ctx.Err()
}

// once makes one run of a row.
func once(ctx context.Context, opt Options, row Row, seed uint64) Result {
	r := Result{Row: row, On: row.on(opt.On), Seed: seed}
	began := time.Now()
	b, err := newBench(ctx, opt, row, seed, filepath.Join(opt.Dir, fmt.Sprintf("%s-%d", row.ID, seed)))
	if err != nil {
		r.Err = err
		return r
	}
	defer b.close()
	err = row.Break(ctx, b)
	if err == nil {
		err = b.rest(ctx, opt.Settle, &r)
	}
	if err == nil {
		err = b.judge(ctx, &r)
	}
	r.Err, r.Fired = err, b.hits()
	r.PeakRSS = b.peak()
	r.Took = time.Since(began)
	return r
}
