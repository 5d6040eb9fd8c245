package pipeline_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// TestAttachGathers: an attach waits a little for the files that were announced with its
// own and are still to be checked, so that they are written at once.
func TestAttachGathers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		links string
		// age is how long ago the links were announced.
		age time.Duration
		// checked is when the second file is checked, from the beginning of the attach.
		checked time.Duration
		images  string
		waits   time.Duration // at least; and at most a poll more
	}{
		{name: "checked in time", links: "a:0 b:1/U", checked: 300 * time.Millisecond, images: "a b", waits: 300 * time.Millisecond},
		{name: "announced before", links: "a:0 b:1/U", age: 700 * time.Millisecond, checked: 200 * time.Millisecond, images: "a b", waits: 200 * time.Millisecond},
		{name: "too late", links: "a:0 b:1/U", checked: time.Hour, images: "a", waits: time.Second},
		{name: "long ago", links: "a:0 b:1/U", age: time.Second, checked: time.Hour, images: "a"},
		{name: "another clock is ahead", links: "a:0 b:1/U", age: -20 * time.Second, checked: time.Hour, images: "a", waits: time.Second},
		{name: "nothing to add", links: "a:0/AW b:1/U", checked: time.Hour, images: ""},
		{name: "all checked", links: "a:0 b:1", images: "a b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newAttachWorld(linksOf(t, tt.links)...)
				w.opt.Gather = time.Second
				start := time.Now()
				w.now = start
				for i := range w.book.state.Links {
					w.book.state.Links[i].CreatedAt = start.Add(-tt.age)
				}
				w.hook = func(point string) error {
					if b := &w.book.state.Links[1]; point == "before lock" && tt.checked > 0 && time.Since(start) >= tt.checked {
						b.Unchecked, b.Live = false, true
					}
					return nil
				}
				_, err := w.attach(t, "a")
				require.NoError(t, err)
				require.Equal(t, tt.images, w.images())
				require.GreaterOrEqual(t, time.Since(start), tt.waits)
				require.Less(t, time.Since(start), tt.waits+50*time.Millisecond)
				require.Empty(t, w.book.holder)
			})
		})
	}
}

// TestAttachGathersUntilItEnds: a worker that stops does not wait.
func TestAttachGathersUntilItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newAttachWorld(linksOf(t, "a:0 b:1/U")...)
		w.opt.Gather, w.now = time.Minute, checkedAt
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := pipeline.Attach(ctx, w.book, w.orders, w.opt, w.now, "o", "run", accepted("a"))
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Empty(t, w.book.holder)
		require.Zero(t, w.orders.writes)
	})
}
