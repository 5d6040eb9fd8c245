package redistest

import (
	"context"
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
	"github.com/stretchr/testify/require"
)

// Mini starts an embedded Redis and gives its URL.
func Mini(t testing.TB) string {
	t.Helper()
	return "redis://" + miniredis.RunT(t).Addr() + "/0"
}

// Server is a real redis-server with an append-only file.
type Server struct {
	// URL is redis://127.0.0.1:port/0.
	URL string

	t    testing.TB
	dir  string
	port int
	cmd  *exec.Cmd
}

// Start starts a redis-server. Where none is installed the test is skipped, or fails
// when AFTERPUT_TEST_REQUIRE names redis.
func Start(t testing.TB) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		missing(t, "redis", "redis-server is not installed: apt-get install redis-server, or make test")
	}
	s := &Server{t: t, dir: t.TempDir(), port: freePort(t)}
	s.URL = "redis://127.0.0.1:" + strconv.Itoa(s.port) + "/0"
	s.Run()
	t.Cleanup(s.Kill)
	return s
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
	s.cmd = exec.CommandContext(context.WithoutCancel(s.t.Context()), "redis-server", "--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", //nolint:gosec // a test starts what it names
		"--dir", s.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--logfile", filepath.Join(s.dir, "log"))
	require.NoError(s.t, s.cmd.Start())
	rdb := s.Client()
	require.Eventually(s.t, func() bool { return rdb.Ping(context.WithoutCancel(s.t.Context())).Err() == nil },
		20*time.Second, 20*time.Millisecond, "redis-server does not answer")
}

// Client gives a client that closes with the test.
func (s *Server) Client() *redis.Client {
	s.t.Helper()
	return Client(s.t, s.URL)
}

// Client gives a client for a URL that closes with the test.
func Client(t testing.TB, url string) *redis.Client {
	t.Helper()
	opt, err := redis.ParseURL(url)
	require.NoError(t, err)
	rdb := redis.NewClient(opt)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// Kill ends the server as kill -9 does.
func (s *Server) Kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	addr, ok := ln.Addr().(*net.TCPAddr)
	require.True(t, ok)
	return addr.Port
}
