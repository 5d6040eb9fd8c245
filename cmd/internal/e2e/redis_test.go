package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/tasks/redistest"
)

func TestE2EFlushAll(t *testing.T) {
	redis := redistest.Start(t)
	breakRedis(t, redis, func() { require.NoError(t, redis.Client().FlushAll(t.Context()).Err()) })
}

func TestE2EKillRedis(t *testing.T) {
	redis := redistest.Start(t)
	breakRedis(t, redis, func() {
		redis.Kill()
		redis.Run()
	})
}

// breakRedis does something to Redis in the middle of a run, under serve and worker
// that go on.
func breakRedis(t *testing.T, redis *redistest.Server, harm func()) {
	t.Helper()
	w := newWorld(t, redis.URL)
	srv, worker := w.serve(), w.run("worker")
	orders := w.plan(t, photos)
	finish := w.middle(orders)

	harm()
	began := time.Now()
	w.stillOpen()
	finish()
	w.settled(t, orders, hang)
	t.Logf("%.1f s from the harm until everything was done", time.Since(began).Seconds())

	w.judge(t, orders)
	w.judgeWebhooks(orders)
	worker.stop()
	srv.stop()
}
