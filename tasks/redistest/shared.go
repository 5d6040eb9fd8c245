package redistest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Each runs a test on each shape of Redis: the embedded one, a real one, and a cluster.
func Each(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Parallel()
	for name, url := range map[string]func(testing.TB) string{
		"miniredis": Mini,
		"redis":     func(t testing.TB) string { return Start(t).URL },
		"cluster":   Shared,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, url(t))
		})
	}
}

// shared is the cluster of the test process.
var shared struct { //nolint:gochecknoglobals // one per test process by its nature
	turn sync.Mutex // held by the test that uses it
	once sync.Once
	err  error
	url  string
	hold io.Closer // ends the cluster; it is not closed, but ends with the process
}

// Shared gives the URL of a cluster of three masters that all tests of the process share.
// One test has it at a time, and finds it empty.
func Shared(t testing.TB) string {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		missing(t, "redis", "redis-server is not installed: apt-get install redis-server, or make test")
	}
	shared.turn.Lock()
	t.Cleanup(shared.turn.Unlock)
	shared.once.Do(func() { shared.err = startShared(context.WithoutCancel(t.Context())) })
	require.NoError(t, shared.err)
	Wipe(t, Universal(t, shared.url))
	return shared.url
}

// supervise runs three nodes until its own standard input ends, which it does when the
// test process ends in whatever way, and then removes the folder. It is called with the
// folder and, for each node, its two ports.
const supervise = `cd "$1" || exit 1
dir=$1
shift
while [ $# -gt 0 ]; do
  mkdir "$1"
  redis-server --port "$1" --cluster-port "$2" --cluster-enabled yes --bind 127.0.0.1 --dir "$dir/$1" --logfile log \
    --save "" --appendonly no >/dev/null &
  pids="$pids $!"
  shift 2
done
cat >/dev/null
kill -s KILL $pids
wait
cd / && rm -rf "$dir"`

// startShared starts the cluster of the process.
func startShared(ctx context.Context) (err error) {
	for range ports {
		if err = tryShared(ctx); err == nil {
			return nil
		}
	}
	return fmt.Errorf("no cluster on any of %d tries: %w", ports, err)
}

// tryShared starts it on ports that are free now.
func tryShared(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "afterput-cluster-")
	if err != nil {
		return err
	}
	free, err := freePorts(ctx, 2*clusterMasters)
	if err != nil {
		return err
	}
	args := []string{"-c", supervise, "sh", dir}
	for _, p := range free {
		args = append(args, strconv.Itoa(p))
	}
	cmd := exec.CommandContext(ctx, "sh", args...) //nolint:gosec // a test starts what it names
	hold, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var nodes []*redis.Client
	var buses []int
	var addrs []string
	for i := 0; i < len(free); i += 2 {
		addr := "127.0.0.1:" + strconv.Itoa(free[i])
		n := redis.NewClient(&redis.Options{Addr: addr})
		defer func() { _ = n.Close() }()
		nodes, buses, addrs = append(nodes, n), append(buses, free[i+1]), append(addrs, addr)
	}
	if err = ours(ctx, dir, nodes); err == nil {
		err = form(ctx, nodes, buses)
	}
	if err != nil {
		_ = hold.Close()
		return errors.Join(err, cmd.Wait())
	}
	shared.url, shared.hold = "redis-cluster://"+strings.Join(addrs, ","), hold
	return nil
}

// ours waits until the nodes answer, and fails where somebody else does.
func ours(ctx context.Context, dir string, nodes []*redis.Client) error {
	var stranger error
	err := agree(ctx, nodes, func(n *redis.Client) bool {
		got, err := n.ConfigGet(ctx, "dir").Result()
		if err != nil {
			return false
		}
		if filepath.Dir(got["dir"]) != dir {
			stranger = fmt.Errorf("another Redis answers at %s", n.Options().Addr)
		}
		return true
	})
	return errors.Join(err, stranger)
}

// Wipe has a Redis of whatever shape lose all that it holds.
func Wipe(t testing.TB, rdb redis.UniversalClient) {
	t.Helper()
	require.NoError(t, Flush(t.Context(), rdb))
}

// Flush is Wipe where a test cannot fail.
func Flush(ctx context.Context, rdb redis.UniversalClient) error {
	if c, ok := rdb.(*redis.ClusterClient); ok {
		return c.ForEachMaster(ctx, func(ctx context.Context, n *redis.Client) error { return n.FlushAll(ctx).Err() })
	}
	return rdb.FlushAll(ctx).Err()
}
