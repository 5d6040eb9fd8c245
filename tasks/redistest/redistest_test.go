package redistest

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
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
	require.False(t, second.Running())
	second.Run()
	require.EqualValues(t, 1, second.Client().Exists(t.Context(), "mine").Val(), "on the same port and data")
	second.Kill()
	second.Forget()
	second.Run()
	require.Zero(t, second.Client().Exists(t.Context(), "mine").Val(), "it has forgotten")
}

func TestStartTLS(t *testing.T) {
	t.Parallel()
	s, _ := StartTLS(t)
	require.NoError(t, s.Client().Ping(t.Context()).Err())
	plain := Client(t, "redis://"+s.Addr()+"/0")
	require.Error(t, plain.Ping(t.Context()).Err(), "it speaks nothing else")
}

func TestStartSentinel(t *testing.T) {
	t.Parallel()
	w := StartSentinel(t, "hush", "--user", "app", "on", ">word", "~*", "+@all")
	for _, s := range []*Server{w.Master, w.Replica} {
		require.NoError(t, Client(t, "redis://app:word@"+s.Addr()+"/0").Ping(t.Context()).Err())
	}
	require.Error(t, Client(t, "redis://"+w.Sentinels[0].Addr()).Ping(t.Context()).Err(), "it wants its password")
	w.Master.Kill()
	w.Promoted()
	require.Eventually(t, func() bool {
		return w.Replica.Client().Set(t.Context(), "k", 1, 0).Err() == nil
	}, 30*time.Second, 50*time.Millisecond, "the new master takes writes")
}

func TestStartCluster(t *testing.T) {
	t.Parallel()
	c := StartCluster(t)
	const key = "{checks}"
	rdb, ok := Universal(t, c.URL).(*redis.ClusterClient)
	require.True(t, ok)
	require.NoError(t, rdb.Set(t.Context(), key, "before", 0).Err())
	holder, err := rdb.MasterForKey(t.Context(), key)
	require.NoError(t, err)
	master := c.Master(key)
	require.Equal(t, holder.Options().Addr, master.Addr())
	require.NoError(t, master.Client().Do(t.Context(), "WAIT", 1, 10_000).Err())
	replica := c.Replica(master)
	master.Kill()
	require.Same(t, replica, c.Promoted(master, key))
	require.Equal(t, "before", replica.Client().Get(t.Context(), key).Val())
	master.Run()
	require.Eventually(t, func() bool {
		info, err := master.Client().Info(t.Context(), "replication").Result()
		return err == nil && strings.Contains(info, "master_link_status:up")
	}, patience, pollEvery, "it comes back as a replica")
}

func TestShared(t *testing.T) {
	t.Parallel()
	for range 2 {
		t.Run("turn", func(t *testing.T) {
			t.Parallel()
			rdb := Universal(t, Shared(t))
			for _, key := range []string{"{checks}", "{urls}", "{hooks}"} {
				require.Zero(t, rdb.Exists(t.Context(), key).Val(), "what another test left")
				require.NoError(t, rdb.Set(t.Context(), key, 1, 0).Err())
			}
			Wipe(t, rdb)
			require.Zero(t, rdb.Exists(t.Context(), "{checks}").Val()+rdb.Exists(t.Context(), "{urls}").Val()+rdb.Exists(t.Context(), "{hooks}").Val())
		})
	}
}
