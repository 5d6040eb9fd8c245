package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/tasks/redistest"

	"github.com/afterput/afterput/cmd/internal/devworld"
)

// The same announcement 50 times at once, while the event of the object arrives twice:
// one row, one entry, one write of each thumbnail, one webhook-id.
func TestE2EFiftyAnnouncements(t *testing.T) {
	w := newWorld(t, redistest.Mini(t))
	srv := w.serve("--with-worker")
	require.NoError(t, w.COS.Faults().Set(coslocal.Fault{Kind: coslocal.EventDouble}))
	orders := w.plan(t, 1)
	o := orders[0]

	var g errgroup.Group
	g.Go(func() error { return w.put(t.Context(), o.id, 0, o.keys[0], o.bodies[0]) })
	for range 50 {
		g.Go(func() error { return w.announce(t.Context(), o) })
	}
	require.NoError(t, g.Wait())
	w.COS.FlushEvents()
	w.settled(t, orders, 30*time.Second)

	w.judge(t, orders) // one entry: the array is compared as a whole
	w.judgeWebhooks(orders)
	u, err := w.app.Ledger.Upload(t.Context(), pipeline.UploadID(devworld.Bucket, o.keys[0]))
	require.NoError(t, err)
	require.Equal(t, 52, u.Announcements)
	require.Equal(t, 1, u.Revision)
	for _, p := range w.cfg.Thumbnails.Presets {
		require.Equal(t, 1, w.COS.Writes(w.app.ThumbnailKey(devworld.Bucket, p.Name, o.keys[0])), p.Name)
	}
	srv.stop()
}
