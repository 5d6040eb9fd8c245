package thumb

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// budget bounds the bytes that images take at a time: a quarter of them is for files as
// they were read, the rest for what becomes of them. Files come first and wait for nothing
// else, so that images which hold their files cannot wait for each other. Both are fair:
// who comes first is served first, also a large one. What needs more than there is at all
// runs alone.
type budget struct {
	files, pixels share
}

type share struct {
	of      *semaphore.Weighted
	most    int64
	used    *atomic.Int64 // bytes
	waiting *atomic.Int64 // images
}

func newShare(most int64) share {
	most = max(most, 1)
	return share{of: semaphore.NewWeighted(most), most: most, used: new(atomic.Int64), waiting: new(atomic.Int64)}
}

func newBudget(bytes int64) budget {
	return budget{files: newShare(bytes / 4), pixels: newShare(bytes - bytes/4)}
}

// try takes n bytes if they are there, and nobody waits for them; never fewer than none.
func (s share) try(n int64) (release func(), ok bool) {
	if n < 0 || n > 0 && !s.of.TryAcquire(n) {
		return nil, false
	}
	return func() { s.of.Release(n) }, true
}

// take waits for n bytes and gives what lets go of them.
func (s share) take(ctx context.Context, n int64) (release func(), err error) {
	n = min(max(n, 1), s.most)
	s.waiting.Add(1)
	err = s.of.Acquire(ctx, n)
	s.waiting.Add(-1)
	if err != nil {
		return nil, transient("thumb.wait", err)
	}
	s.used.Add(n)
	return func() { s.used.Add(-n); s.of.Release(n) }, nil
}

// Use is how much of a budget is taken now.
type Use struct {
	// Bytes are taken, of Limit.
	Bytes, Limit int64
	// Waiting counts the images that wait for their share.
	Waiting int64
}

func (s share) use() Use { return Use{Bytes: s.used.Load(), Limit: s.most, Waiting: s.waiting.Load()} }

// Budget tells how much memory images take now: files as they were read, and what becomes
// of them.
func (e *Engine) Budget() (files, pixels Use) { return e.budget.files.use(), e.budget.pixels.use() }
