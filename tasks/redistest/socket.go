package redistest

import "testing"

// StartSocket is Start of a server that listens at a Unix socket too.
func StartSocket(t testing.TB, path string) *Server {
	t.Helper()
	s := newServer(t)
	s.args = []string{"--unixsocket", path, "--unixsocketperm", "700"}
	return s.start(func() int { return freePort(t) })
}
