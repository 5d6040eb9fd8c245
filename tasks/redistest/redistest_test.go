package redistest

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// A port that somebody else took meanwhile, also with a Redis, is left to them.
func TestStartTriesAnotherPort(t *testing.T) {
	t.Parallel()
	first := Start(t)
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	deaf, ok := ln.Addr().(*net.TCPAddr)
	require.True(t, ok)

	var tried []int
	second := startOn(t, func() int {
		tried = append(tried, map[int]int{0: first.port, 1: deaf.Port}[len(tried)])
		if len(tried) > 2 {
			tried[len(tried)-1] = freePort(t)
		}
		return tried[len(tried)-1]
	})
	require.GreaterOrEqual(t, len(tried), 3)
	require.NotEqual(t, first.URL, second.URL)
	require.NoError(t, second.Client().Set(t.Context(), "mine", 1, 0).Err())
	require.Zero(t, first.Client().Exists(t.Context(), "mine").Val())

	second.Kill()
	require.Error(t, second.Client().Ping(t.Context()).Err())
	second.Run()
	require.NoError(t, second.Client().Ping(t.Context()).Err(), "on the same port")
}
