package redistest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// SentinelMaster is the name by which the sentinels of StartSentinel know their master.
const SentinelMaster = "afterput-test"

// Watched is a master and a replica under the eyes of three sentinels.
type Watched struct {
	// URL is redis-sentinel://host:port,host:port,host:port/0?master=name.
	URL string
	// Master and Replica are as they were at the start.
	Master, Replica *Server
	// Sentinels want the password of StartSentinel.
	Sentinels []*Server

	t testing.TB
}

// StartSentinel starts a master, a replica and three sentinels, and waits until every
// sentinel knows all of them. The sentinels want a password of their own, unless it is "".
// A master that is away for a second is replaced. args are options of redis-server for
// master and replica.
func StartSentinel(t testing.TB, password string, args ...string) *Watched {
	t.Helper()
	w := &Watched{t: t, Master: newServer(t), Replica: newServer(t)}
	w.Master.args = args
	w.Master.start(func() int { return freePort(t) })
	host, port, err := net.SplitHostPort(w.Master.Addr())
	require.NoError(t, err)
	w.Replica.args = append([]string{"--replicaof", host, port}, args...)
	w.Replica.start(func() int { return freePort(t) })
	var addrs []string
	for range 3 {
		s := newServer(t)
		path := filepath.Join(s.dir, "sentinel.conf")
		s.word, s.args = password, []string{path, "--sentinel"}
		s.conf = func() error { return os.WriteFile(path, []byte(sentinelConf(host, port, password)), 0o600) }
		s.start(func() int { return freePort(t) })
		w.Sentinels, addrs = append(w.Sentinels, s), append(addrs, s.Addr())
	}
	w.URL = "redis-sentinel://" + strings.Join(addrs, ",") + "/0?master=" + SentinelMaster
	for _, s := range w.Sentinels {
		c := w.ask(s)
		require.Eventually(t, func() bool {
			m, err := c.Master(t.Context(), SentinelMaster).Result()
			return err == nil && m["num-slaves"] == "1" && m["num-other-sentinels"] == "2"
		}, 60*time.Second, 50*time.Millisecond, "the sentinels do not find each other")
	}
	require.Eventually(t, func() bool {
		info, err := w.Replica.Client().Info(t.Context(), "replication").Result()
		return err == nil && strings.Contains(info, "master_link_status:up")
	}, 60*time.Second, 50*time.Millisecond, "the replica does not follow")
	return w
}

// sentinelConf is the file of a sentinel.
func sentinelConf(host, port, password string) string {
	lines := []string{
		fmt.Sprintf("sentinel monitor %s %s %s 2", SentinelMaster, host, port),
		fmt.Sprintf("sentinel down-after-milliseconds %s 1000", SentinelMaster),
		fmt.Sprintf("sentinel failover-timeout %s 5000", SentinelMaster),
	}
	if password != "" {
		lines = append(lines, "requirepass "+password, "sentinel sentinel-pass "+password)
	}
	return strings.Join(lines, "\n") + "\n"
}

// ask gives a client of one sentinel.
func (w *Watched) ask(s *Server) *redis.SentinelClient {
	c := redis.NewSentinelClient(s.options())
	w.t.Cleanup(func() { _ = c.Close() })
	return c
}

// Promoted waits until the sentinels name the replica as the master.
func (w *Watched) Promoted() {
	w.t.Helper()
	want := strconv.Itoa(w.Replica.port)
	c := w.ask(w.Sentinels[0])
	require.Eventually(w.t, func() bool {
		addr, err := c.GetMasterAddrByName(w.t.Context(), SentinelMaster).Result()
		return err == nil && len(addr) == 2 && addr[1] == want
	}, 60*time.Second, 50*time.Millisecond, "no failover")
}
