package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/tasks/redistest"
)

// photos is how many photos a run has; enough that something breaks in its middle.
const photos = 40

// hang is when a test gives up on a run. It takes a quarter of this on a quiet machine.
const hang = 90 * time.Second

// middle sends the orders and returns in the middle of the run: some thumbnails are
// there, others are not. finish waits until all is sent.
func (w *world) middle(orders []order) (finish func()) {
	w.t.Helper()
	sent := make(chan error, 1)
	go func() { sent <- w.send(w.t.Context(), orders) }()
	presets := len(w.cfg.Thumbnails.Presets)
	require.Eventually(w.t, func() bool { return w.thumbnails() >= 5*presets }, 60*time.Second, 5*time.Millisecond, "no thumbnails")
	return func() {
		w.t.Helper()
		require.NoError(w.t, <-sent)
	}
}

// stillOpen proves that it was the middle.
func (w *world) stillOpen() {
	w.t.Helper()
	n := w.thumbnails()
	w.t.Logf("%d of %d thumbnails were there", n, photos*len(w.cfg.Thumbnails.Presets))
	require.Less(w.t, n, photos*len(w.cfg.Thumbnails.Presets), "the run was over already")
}

func TestE2EKillWorker(t *testing.T) {
	t.Parallel() // with the other test that kills a worker: most of it is waiting
	w := newWorld(t, redistest.Start(t).URL)
	srv := w.serve()
	first := w.run("worker")
	orders := w.plan(t, photos)
	finish := w.middle(orders)

	first.kill()
	began := time.Now()
	w.stillOpen()
	second := w.run("worker")
	finish()
	w.settled(t, orders, hang)
	t.Logf("%.1f s from the kill until everything was done", time.Since(began).Seconds())

	w.judge(t, orders)
	w.judgeWebhooks(orders)
	second.stop()
	srv.stop()
}
