package e2e

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/tasks/redistest"
)

func TestE2EFlushAll(t *testing.T) {
	redis := redistest.Start(t)
	breakRedis(t, redis.URL, func() { require.NoError(t, redis.Client().FlushAll(t.Context()).Err()) })
}

func TestE2EKillRedis(t *testing.T) {
	redis := redistest.Start(t)
	breakRedis(t, redis.URL, func() {
		redis.Kill()
		redis.Run()
	})
}

// A master dies with all that it took since its replica fell silent, and does not come
// back. The sweep sees another server and queues what that one does not know.
func TestE2EFailover(t *testing.T) {
	redis := redistest.StartSentinel(t, "")
	breakRedis(t, redis.URL, func() {
		redis.Replica.Pause()
		written := offset(t, redis.Master)
		require.Eventually(t, func() bool { return offset(t, redis.Master) > written+lost }, hang, 10*time.Millisecond)
		redis.Master.Kill()
		redis.Replica.Resume()
		redis.Promoted()
	})
	info, err := redis.Replica.Client().Info(t.Context(), "server").Result()
	require.NoError(t, err)
	epoch, err := redis.Replica.Client().Get(t.Context(), "afterput:epoch").Result()
	require.NoError(t, err)
	require.Contains(t, info, "run_id:"+epoch+"\r\n", "every pending step was looked at")
}

// lost is how many bytes of writes a failover loses: some fifty tasks.
const lost = 50_000

// offset is how much a master has written, in bytes.
func offset(t *testing.T, s *redistest.Server) (n int) {
	t.Helper()
	info, err := s.Client().Info(t.Context(), "replication").Result()
	require.NoError(t, err)
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "master_repl_offset:"); ok {
			n, err = strconv.Atoi(value)
			require.NoError(t, err)
		}
	}
	return n
}

// breakRedis does something to Redis in the middle of a run, under serve and worker
// that go on.
func breakRedis(t *testing.T, redisURL string, harm func()) {
	t.Helper()
	w := newWorld(t, redisURL)
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
