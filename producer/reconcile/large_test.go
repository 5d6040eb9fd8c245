package reconcile_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/events"
	"github.com/afterput/afterput/producer/reconcile"
)

// endless is a bucket and a ledger that are made up page by page: n photos, each with a
// thumbnail, of which the ledger does not know every 1000th.
type endless struct {
	n    int
	then time.Time
}

func (e endless) key(i int) string { return fmt.Sprintf("users/o%03d/%08d.jpg", i/1000, i) }

// number is the first photo whose key comes after one.
func (e endless) number(after string) int {
	digits := strings.TrimSuffix(after[strings.LastIndexByte(after, '/')+1:], ".jpg")
	n, err := strconv.Atoi(strings.TrimSuffix(digits, ".jpg"))
	if err != nil {
		return 0
	}
	return n + 1
}

func (e endless) List(_ context.Context, _, prefix, marker string, limit int) ([]reconcile.Object, string, error) {
	dir, tail := "", ""
	if strings.HasPrefix(prefix, "thumbs/") {
		dir, tail = "thumbs/small/", ".jpg"
	}
	var page []reconcile.Object
	for i := e.number(marker); i < e.n && len(page) < limit; i++ {
		page = append(page, reconcile.Object{Key: dir + e.key(i) + tail, ETag: "e1", Size: 1, LastModified: e.then})
	}
	if len(page) < limit {
		return page, "", nil
	}
	return page, page[len(page)-1].Key, nil
}

func (e endless) UploadsByKey(_ context.Context, r ledger.KeyRange) ([]ledger.KeyedUpload, error) {
	var page []ledger.KeyedUpload
	for i := e.number(r.After); i < e.n && len(page) < r.Limit; i++ {
		if i%1000 == 999 {
			continue
		}
		u := ledger.KeyedUpload{Upload: pipeline.Upload{ID: e.key(i), Key: e.key(i), CheckedAt: e.then}}
		u.Content.ETag, u.Content.Type = "e1", "image/jpeg"
		u.Steps = []pipeline.StepRecord{{Step: pipeline.StepThumbnail, State: pipeline.Done, UpdatedAt: e.then}}
		page = append(page, u)
	}
	return page, nil
}

func (endless) Reconsider(context.Context, pipeline.Run) ([]pipeline.Wish, error) { return nil, nil }
func (endless) Unqueued(context.Context, []pipeline.Wish) error                   { return nil }
func (endless) EnqueueAll(context.Context, []pipeline.Wish) error                 { return nil }

func (endless) Admit(a pipeline.Announcement) (pipeline.Announcement, error) { return a, nil }

func (endless) AcceptObject(context.Context, pipeline.Announcement, events.Event) (producer.Receipt, error) {
	return producer.Receipt{}, nil
}

// TestConstantMemory compares 100,000 keys; AFTERPUT_RECONCILE_KEYS says another number.
// It does not run beside other tests, because it looks at the heap.
func TestConstantMemory(t *testing.T) { //nolint:paralleltest // see above
	e := endless{n: 100_000, then: time.Now().Add(-24 * time.Hour)}
	if n, err := strconv.Atoi(os.Getenv("AFTERPUT_RECONCILE_KEYS")); err == nil {
		e.n = n
	}
	w, err := reconcile.New(reconcile.Options{
		Objects: e, Ledger: e, Door: e, Queue: e, Thumbnails: func(string) pipeline.ThumbnailOptions {
			return pipeline.ThumbnailOptions{Presets: []pipeline.Preset{{Name: "small"}}}
		},
	})
	require.NoError(t, err)
	var live []uint64
	look := func(reconcile.Finding) error {
		if len(live)*5000 < e.n/10 { // a few times
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			live = append(live, m.HeapAlloc)
		}
		return nil
	}
	report, err := w.Run(t.Context(), reconcile.Plan{Bucket: bucket, Apply: true}, reconcile.Controls{Found: look})
	require.NoError(t, err)
	require.Equal(t, reconcile.Report{
		Scanned: int64(e.n), Matched: int64(e.n - e.n/1000), Missing: int64(e.n / 1000), Healed: int64(e.n / 1000),
	}, report)
	require.Less(t, slices.Max(live)-slices.Min(live), uint64(8<<20), "%v", live)
}
