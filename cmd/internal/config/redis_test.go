package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
)

func TestRedisAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in, url string
		want    config.RedisAddress
	}{
		{"redis://h", "redis://h:6379", config.RedisAddress{Shape: config.RedisSingle, Hosts: []string{"h:6379"}}},
		{
			"redis://u:p%40@[::1]:7/3?pool_size=5", "redis://u:p%40@[::1]:7/3?pool_size=5",
			config.RedisAddress{Shape: config.RedisSingle, Hosts: []string{"[::1]:7"}},
		},
		{"rediss://:p@h/0", "rediss://:p@h:6379/0", config.RedisAddress{Shape: config.RedisSingle, TLS: true, Hosts: []string{"h:6379"}}},
		{"unix://u:p@/run/r.sock?db=2", "unix://u:p@/run/r.sock?db=2", config.RedisAddress{Shape: config.RedisSingle}},
		{
			"redis-sentinel://u:p@a,b:1,[::1]/2?master=m&pool_size=5", "redis://u:p@a:26379/2?pool_size=5",
			config.RedisAddress{Shape: config.RedisSentinels, Hosts: []string{"a:26379", "b:1", "[::1]:26379"}, Master: "m"},
		},
		{
			"rediss-sentinel://a/0?master=m", "rediss://a:26379/0",
			config.RedisAddress{Shape: config.RedisSentinels, TLS: true, Hosts: []string{"a:26379"}, Master: "m"},
		},
		{
			"redis-cluster://u:p@a,b:7000,[::1]?pool_size=5", "redis://u:p@a:6379?pool_size=5",
			config.RedisAddress{Shape: config.RedisCluster, Hosts: []string{"a:6379", "b:7000", "[::1]:6379"}},
		},
		{"rediss-cluster://a/0", "rediss://a:6379/0", config.RedisAddress{Shape: config.RedisCluster, TLS: true, Hosts: []string{"a:6379"}}},
	} {
		got, err := config.Redis{URL: config.URL(tt.in)}.Address()
		require.NoError(t, err, tt.in)
		require.Equal(t, tt.url, got.URL.String(), tt.in)
		got.URL = nil
		require.Equal(t, tt.want, got, tt.in)
	}
}
