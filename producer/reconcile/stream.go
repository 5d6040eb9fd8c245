package reconcile

import (
	"context"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// stream gives the items of a paged source one by one, in the order of their keys.
type stream[T any] struct {
	// fetch gives the page after a key; last says that none follows.
	fetch func(ctx context.Context, after string) (page []T, last bool, err error)
	key   func(T) string

	page  []T
	after string
	last  bool
}

// peek gives the next item without taking it; ok is false at the end.
func (s *stream[T]) peek(ctx context.Context) (item T, ok bool, err error) {
	for len(s.page) == 0 {
		if s.last {
			return item, false, nil
		}
		page, last, err := s.fetch(ctx, s.after)
		if err != nil {
			return item, false, err
		}
		if len(page) == 0 && !last {
			return item, false, pipeline.Errorf(pipeline.Transient, "reconcile", s.after, "an empty page that is not the last")
		}
		for _, it := range page {
			// A merge over another order would tell nonsense, and healing would act on it.
			if k := s.key(it); k <= s.after && s.after != "" {
				return item, false, pipeline.Errorf(pipeline.Invalid, "reconcile", k, "came after %q: not in the order of bytes", s.after)
			}
			s.after = s.key(it)
		}
		s.page, s.last = page, last
	}
	return s.page[0], true, nil
}

// next drops the item that peek gave.
func (s *stream[T]) next() { s.page = s.page[1:] }

const pageSize = 1000

// listing streams the objects of a bucket. Those under skip, a folder with plain names
// such as our thumbnails, are jumped over; "" skips nothing.
func (r *Reconciler) listing(bucket, prefix, after, skip string) *stream[Object] {
	marker := after
	return &stream[Object]{
		after: after, key: func(o Object) string { return o.Key },
		fetch: func(ctx context.Context, _ string) ([]Object, bool, error) {
			for {
				page, next, err := r.list(ctx, bucket, prefix, marker)
				if err != nil {
					return nil, false, err
				}
				last := next == ""
				marker = next
				if end := skip + "~"; skip != "" && strings.HasPrefix(next, skip) && next < end {
					marker = end // names of presets have no byte above z
				}
				if len(page) > 0 || last {
					return page, last, nil
				}
			}
		},
	}
}

// list asks for a page, a few times where that can help.
func (r *Reconciler) list(ctx context.Context, bucket, prefix, marker string) ([]Object, string, error) {
	const tries = 4
	pause := 200 * time.Millisecond
	for n := 1; ; n++ {
		page, next, err := r.opt.Objects.List(ctx, bucket, prefix, marker, pageSize)
		class := pipeline.ClassOf(err)
		if err == nil || n == tries || ctx.Err() != nil || (class != pipeline.Transient && class != pipeline.Throttled) {
			return page, next, err
		}
		if class == pipeline.Throttled {
			pause = max(pause, time.Second)
		}
		if err := r.opt.Pause(ctx, max(pause, pipeline.RetryAfterOf(err))); err != nil {
			return nil, "", err
		}
		pause *= 2
	}
}

// uploads streams what the ledger knows of a bucket.
func (r *Reconciler) uploads(bucket, prefix, after string) *stream[ledger.KeyedUpload] {
	return &stream[ledger.KeyedUpload]{
		after: after, key: func(u ledger.KeyedUpload) string { return u.Key },
		fetch: func(ctx context.Context, after string) ([]ledger.KeyedUpload, bool, error) {
			page, err := r.opt.Ledger.UploadsByKey(ctx, ledger.KeyRange{Bucket: bucket, Prefix: prefix, After: after, Limit: pageSize})
			return page, len(page) < pageSize, err
		},
	}
}
