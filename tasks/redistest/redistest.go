package redistest

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"
)

// Mini starts an embedded Redis and gives its URL.
func Mini(t testing.TB) string {
	t.Helper()
	return "redis://" + miniredis.RunT(t).Addr() + "/0"
}

// Away gives a client of a Redis that does not answer. A port that was free a moment ago
// would not do: the next Redis of another test may get it. Nobody listens on port 1.
func Away(t testing.TB) *redis.Client {
	t.Helper()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// Server is a real redis-server with an append-only file.
type Server struct {
	// URL is redis://127.0.0.1:port/0, or rediss:// where it speaks TLS.
	URL string

	t    testing.TB
	dir  string
	port int
	// cluster says that it is a node of one, and bus is its port for the others.
	cluster bool
	bus     int
	speaks  *tls.Config  // nil for plain TCP
	word    string       // the password that it wants; "" for none
	args    []string     // of redis-server, after those that every server has
	conf    func() error // writes what args name, before each start; may be nil
	cmd     *exec.Cmd
	exited  chan struct{} // closed when cmd has ended
}

// ports is how many ports Start tries: somebody else may take a free one before the
// server does.
const ports = 10

// Start starts a redis-server. Where none is installed the test is skipped, or fails
// when AFTERPUT_TEST_REQUIRE names redis.
func Start(t testing.TB) *Server {
	t.Helper()
	return startOn(t, func() int { return freePort(t) })
}

// startOn is Start with the ports to try.
func startOn(t testing.TB, port func() int) *Server {
	t.Helper()
	return newServer(t).start(port)
}

// newServer makes a Server that does not run yet.
func newServer(t testing.TB) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		missing(t, "redis", "redis-server is not installed: apt-get install redis-server, or make test")
	}
	s := &Server{t: t, dir: t.TempDir()}
	t.Cleanup(s.Kill)
	return s
}

// start starts the server on the first port that works.
func (s *Server) start(port func() int) *Server {
	t := s.t
	t.Helper()
	for range ports {
		s.port = port()
		if s.cluster {
			s.bus = freePort(t)
		}
		if s.launch() {
			s.URL = s.url()
			return s
		}
	}
	t.Fatalf("redis-server does not start on any of %d ports: see %s", ports, filepath.Join(s.dir, "log"))
	return nil
}

// missing skips the test, or fails it where the thing is required.
func missing(t testing.TB, name, hint string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("AFTERPUT_TEST_REQUIRE"), ","), name) {
		t.Fatal(hint)
	}
	t.Skip(hint)
}

// Run starts the server again after Kill, on the same port and data.
func (s *Server) Run() {
	s.t.Helper()
	// A client of another test may hold the port for a moment as its own end.
	require.Eventually(s.t, s.launch, 20*time.Second, 100*time.Millisecond, "redis-server does not start again on its port")
}

// launch starts the server and waits until it answers; false where it ended instead,
// because its port is taken for example.
func (s *Server) launch() bool {
	ctx := context.WithoutCancel(s.t.Context())
	if s.conf != nil {
		if err := s.conf(); err != nil {
			s.t.Errorf("redis-server: %v", err)
			return false
		}
	}
	s.cmd = exec.CommandContext(ctx, "redis-server", s.command()...) //nolint:gosec // a test starts what it names
	if err := s.cmd.Start(); err != nil {
		s.t.Errorf("redis-server: %v", err)
		return false
	}
	cmd, exited := s.cmd, make(chan struct{})
	s.exited = exited
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	rdb := redis.NewClient(s.options())
	defer func() { _ = rdb.Close() }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1000 { // at least 20 seconds
		select {
		case <-exited:
			s.cmd = nil
			return false
		case <-tick.C:
		}
		// Whoever took the port may be a Redis as well.
		if info, err := rdb.Info(ctx, "server").Result(); err == nil {
			return strings.Contains(info, "process_id:"+strconv.Itoa(cmd.Process.Pid)+"\r\n") || s.stop()
		}
	}
	return s.stop()
}

// stop ends a server that did not come up as it should, and gives false.
func (s *Server) stop() bool {
	s.Kill()
	return false
}

// command is what redis-server is called with.
func (s *Server) command() []string {
	port := "--port"
	if s.speaks != nil {
		port = "--tls-port"
	}
	common := []string{port, strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir, "--logfile", filepath.Join(s.dir, "log")}
	if s.conf != nil { // a sentinel: it keeps no data, and its file comes first
		return slices.Concat(s.args, common)
	}
	if s.cluster {
		common = append(common, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(s.bus))
	}
	return slices.Concat(common, []string{"--save", "", "--appendonly", "yes", "--appendfsync", "everysec"}, s.args)
}

// Addr is 127.0.0.1:port.
func (s *Server) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.port) }

func (s *Server) url() string {
	if s.speaks != nil {
		return "rediss://" + s.Addr() + "/0"
	}
	return "redis://" + s.Addr() + "/0"
}

func (s *Server) options() *redis.Options {
	return &redis.Options{Addr: s.Addr(), Password: s.word, TLSConfig: s.speaks, MaintNotificationsConfig: withoutNotices()}
}

// withoutNotices is what the clients of afterput do as well: a panic or a failure in the
// middle of the question for notices leaves go-redis with a lock that nobody opens.
func withoutNotices() *maintnotifications.Config {
	return &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
}

// Client gives a client that closes with the test.
func (s *Server) Client() *redis.Client {
	s.t.Helper()
	rdb := redis.NewClient(s.options())
	s.t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// Client gives a client for the URL of one server that closes with the test.
func Client(t testing.TB, url string) *redis.Client {
	t.Helper()
	opt, err := redis.ParseURL(url)
	require.NoError(t, err)
	opt.MaintNotificationsConfig = withoutNotices()
	rdb := redis.NewClient(opt)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// Universal gives a client for a URL of one server or of a cluster that closes with the
// test.
func Universal(t testing.TB, url string) redis.UniversalClient {
	t.Helper()
	nodes, ok := strings.CutPrefix(url, "redis-cluster://")
	if !ok {
		return Client(t, url)
	}
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: strings.Split(nodes, ","), MaintNotificationsConfig: withoutNotices()})
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// Kill ends the server as kill -9 does.
func (s *Server) Kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		<-s.exited
		s.cmd = nil
	}
}

// Running tells whether it was started and not killed.
func (s *Server) Running() bool { return s.cmd != nil }

// Forget removes what a killed server has kept.
func (s *Server) Forget() {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "appendonly*"))
	require.NoError(s.t, err)
	for _, f := range append(files, filepath.Join(s.dir, "dump.rdb")) {
		require.NoError(s.t, os.RemoveAll(f))
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	free, err := freePorts(t.Context(), 1)
	require.NoError(t, err)
	return free[0]
}

// freePorts gives n ports on which nobody listens.
func freePorts(ctx context.Context, n int) ([]int, error) {
	free := make([]int, 0, n)
	for range n {
		ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = ln.Close() }()
		_, port, _ := strings.Cut(ln.Addr().String(), ":")
		number, err := strconv.Atoi(port)
		if err != nil {
			return nil, err
		}
		free = append(free, number)
	}
	return free, nil
}
