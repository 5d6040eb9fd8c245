package e2e

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/tasks"
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
		failover(t, redis.Master, redis.Replica, 50_000)
		redis.Promoted()
		strand(t, redis.Replica)
	})
	requireSeen(t, redis.Replica)
}

// The same with the server of one queue in a cluster; those of the others stay.
func TestE2EClusterFailover(t *testing.T) {
	nodes := redistest.StartCluster(t)
	master := nodes.Master("{thumbnails}")
	replica := nodes.Replica(master)
	breakRedis(t, nodes.URL, func() {
		failover(t, master, replica, 5000)
		require.Same(t, replica, nodes.Promoted(master, "{thumbnails}"))
		strand(t, replica)
	})
	requireSeen(t, replica)
}

// failover kills a master once its replica lacks so many bytes of what was written: a
// thousand are about one task.
func failover(t *testing.T, master, replica *redistest.Server, lost int) {
	t.Helper()
	replica.Pause()
	written := offset(t, master)
	require.Eventually(t, func() bool { return offset(t, master) > written+lost }, hang, 10*time.Millisecond)
	master.Kill()
	replica.Resume()
}

// strand leaves the worst of a failover: a task that a worker took, whose lease is lost and
// whose worker does not know of it any more. asynq never takes it back.
func strand(t *testing.T, s *redistest.Server) {
	t.Helper()
	rdb, prefix := s.Client(), "asynq:{thumbnails}:"
	var id string
	require.Eventually(t, func() bool {
		var err error
		id, err = rdb.LMove(t.Context(), prefix+"pending", prefix+"active", "RIGHT", "LEFT").Result()
		return err == nil
	}, hang, time.Millisecond, "nothing is pending")
	require.NoError(t, rdb.HSet(t.Context(), prefix+"t:"+id, "state", "active").Err())
}

// requireSeen: every pending step was looked at because of this server.
func requireSeen(t *testing.T, s *redistest.Server) {
	t.Helper()
	info, err := s.Client().Info(t.Context(), "server").Result()
	require.NoError(t, err)
	epoch, err := s.Client().Get(t.Context(), "afterput:{thumbnails}:epoch").Result()
	require.NoError(t, err)
	require.Contains(t, info, "run_id:"+epoch+"\r\n")
}

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
	w.atRest(t)
	worker.stop()
	srv.stop()
}

// atRest waits until no task is left in Redis, not even one that is active without a lease
// or has a lease and is not active.
func (c *client) atRest(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, q := range tasks.Queues() {
			stats, err := c.app.Desk.Stats(t.Context(), q)
			leases, lerr := c.app.Redis.ZCard(t.Context(), "asynq:{"+q+"}:lease").Result()
			if err != nil || lerr != nil || stats.Open() > 0 || leases > 0 {
				return false
			}
		}
		return true
	}, hang, 100*time.Millisecond, "tasks are left")
}
