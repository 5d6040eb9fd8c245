package tempurl

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// KeeperOptions configure a Keeper.
type KeeperOptions struct {
	// Cache is what is kept. Required.
	Cache *Cache
	// Visible asks whether a file still is public. Required. A file that is not there is
	// an error of class Missing, one that cannot be meant here of class Invalid.
	Visible func(ctx context.Context, fileID string) (pipeline.Visibility, error)
	// Concurrency is how many files are asked for at once. Defaults to 8.
	Concurrency int
	// Logger gets a line for each file that turned private. Nil: none.
	Logger *slog.Logger
}

// Keeper looks again at cached URLs, so that those of public files stay for their time
// and those of files that turned private go. Nothing goes wrong without one, or when it is
// late: an entry that nobody looked at for Unchecked goes by itself. Several may run.
type Keeper struct{ opt KeeperOptions }

// NewKeeper makes a Keeper.
func NewKeeper(opt KeeperOptions) (*Keeper, error) {
	if opt.Cache == nil || opt.Visible == nil {
		return nil, errors.New("tempurl: a Keeper needs Cache and Visible")
	}
	if opt.Concurrency <= 0 {
		opt.Concurrency = 8
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	return &Keeper{opt}, nil
}

// Rounds come five times in Unchecked, and an entry is due after three fifths of it: two
// rounds may fail before anything is lost.
const (
	keeperEvery = Unchecked / 5
	keeperDue   = Unchecked * 3 / 5
)

// Loop does a round now and then until ctx ends.
func (k *Keeper) Loop(ctx context.Context) {
	tick := time.NewTicker(keeperEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := k.Round(ctx); err != nil && ctx.Err() == nil {
			k.opt.Logger.WarnContext(ctx, "could not look again at all cached URLs", "error", err)
		}
	}
}

// Round looks once at every entry that is due. One that cannot be asked about is left to
// the next round; the error is the last of them.
func (k *Keeper) Round(ctx context.Context) error {
	since := k.opt.Cache.opt.Now().Add(-keeperDue)
	var last error
	for left := 0; ; {
		ids, err := k.opt.Cache.unchecked(ctx, since, left, chunk)
		if err != nil || len(ids) == 0 {
			return errors.Join(last, err)
		}
		entries, err := k.opt.Cache.Entries(ctx, ids...)
		if err != nil {
			return err
		}
		failed, err := k.look(ctx, ids, entries)
		if err != nil {
			last = err
		}
		left += failed
	}
}

// look asks about entries and counts those that are left in their place.
func (k *Keeper) look(ctx context.Context, ids []string, entries map[string]Entry) (failed int, last error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	slots := make(chan struct{}, k.opt.Concurrency)
	for _, id := range ids {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			e, ok := entries[id]
			if err := k.one(ctx, id, e, ok); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed, last = failed+1, err
			}
		})
	}
	wg.Wait()
	return failed, last
}

func (k *Keeper) one(ctx context.Context, id string, e Entry, cached bool) error {
	now := k.opt.Cache.opt.Now()
	if !cached || e.ttl(now) <= 0 {
		return k.opt.Cache.forget(ctx, id)
	}
	v, err := k.opt.Visible(ctx, id)
	class := pipeline.ClassOf(err)
	switch {
	case err == nil && v == pipeline.Public:
		if !e.KeepUntil.After(e.CheckedAt.Add(Unchecked)) {
			return k.opt.Cache.forget(ctx, id) // it goes by itself
		}
		return k.opt.Cache.extend(ctx, e, now)
	case err == nil, class == pipeline.Missing, class == pipeline.Invalid:
		k.opt.Logger.InfoContext(ctx, "a cached URL goes: the file is not public any more", "fileID", id, "error", err)
		return k.opt.Cache.Delete(ctx, id)
	}
	return err
}
