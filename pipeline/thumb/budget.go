package thumb

import (
	"context"

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
	of   *semaphore.Weighted
	most int64
}

func newShare(most int64) share {
	most = max(most, 1)
	return share{of: semaphore.NewWeighted(most), most: most}
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
	if err := s.of.Acquire(ctx, n); err != nil {
		return nil, transient("thumb.wait", err)
	}
	return func() { s.of.Release(n) }, nil
}
