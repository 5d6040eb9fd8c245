package wire_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// redisOf opens an App on a Redis.
func redisOf(t *testing.T, c config.Redis) *wire.App {
	t.Helper()
	cfg := valid(t)
	cfg.Redis = c
	require.NoError(t, cfg.Validate())
	return open(t, cfg)
}

// enqueues queues a task and sees it, by the producer's client.
func enqueues(t *testing.T, app *wire.App) {
	t.Helper()
	require.NoError(t, app.PingRedis(t.Context()))
	_, err := app.Queue.Enqueue(t.Context(), pipeline.Wish{
		Run: pipeline.Run{UploadID: strings.Repeat("a", 32), Step: pipeline.StepCheck, Gen: 1}, Bucket: "photos-1250000000",
	})
	require.NoError(t, err)
	stats, err := app.Desk.Stats(t.Context(), tasks.QueueChecks)
	require.NoError(t, err)
	require.Equal(t, 1, stats.Pending)
}

func TestRedisOverTLS(t *testing.T) {
	t.Parallel()
	server, files := redistest.StartTLS(t)
	whole := config.RedisTLS{CAFile: files.CA, CertFile: files.Cert, KeyFile: files.Key, ServerName: "redis.test"}
	enqueues(t, redisOf(t, config.Redis{URL: config.URL(server.URL), TLS: whole}))
	byName := whole
	byName.ServerName = ""
	local := config.URL(strings.Replace(server.URL, "127.0.0.1", "localhost", 1))
	require.NoError(t, redisOf(t, config.Redis{URL: local, TLS: byName}).PingRedis(t.Context()), "the certificate names the host that is called")

	for name, drop := range map[string]func(*config.RedisTLS){
		"another authority": func(c *config.RedisTLS) { c.CAFile = "" },
		"another name":      func(c *config.RedisTLS) { c.ServerName = "else.test" },
		"no name":           func(c *config.RedisTLS) { c.ServerName = "" },
		"no certificate":    func(c *config.RedisTLS) { c.CertFile, c.KeyFile = "", "" },
	} {
		c := whole
		drop(&c)
		require.Error(t, redisOf(t, config.Redis{URL: config.URL(server.URL), TLS: c}).PingRedis(t.Context()), name)
	}
	plain := strings.Replace(server.URL, "rediss://", "redis://", 1)
	require.Error(t, redisOf(t, config.Redis{URL: config.URL(plain)}).PingRedis(t.Context()))
}

// rights reads what deploy/docs/redis.md has a user be given.
func rights(t *testing.T) []any {
	t.Helper()
	b, err := os.ReadFile("../../../deploy/docs/redis.md")
	require.NoError(t, err)
	line := regexp.MustCompile(`(?m)^ACL SETUSER afterput .*$`).FindString(string(b))
	require.NotEmpty(t, line)
	var args []any
	for field := range strings.FieldsSeq(line) {
		args = append(args, field)
	}
	return args
}

// as gives a URL with a user.
func as(t *testing.T, address, user, password string) config.URL {
	t.Helper()
	scheme, rest, ok := strings.Cut(address, "://")
	require.True(t, ok)
	return config.URL(scheme + "://" + url.UserPassword(user, password).String() + "@" + rest)
}

func TestRedisUser(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	admin := server.Client()
	require.NoError(t, admin.Do(t.Context(), rights(t)...).Err())
	require.NoError(t, admin.Do(t.Context(), "ACL", "SETUSER", "afterput", "resetpass", ">p@ss:w/rd").Err())
	require.NoError(t, admin.Do(t.Context(), "ACL", "SETUSER", "default", "resetpass", ">other").Err())

	app := redisOf(t, config.Redis{URL: as(t, server.URL, "afterput", "p@ss:w/rd")})
	enqueues(t, app)
	who, err := app.Redis.Do(t.Context(), "CLIENT", "INFO").Text()
	require.NoError(t, err)
	require.Contains(t, who, " user=afterput ")
	require.ErrorContains(t, app.Redis.FlushAll(t.Context()).Err(), "NOPERM")
	require.ErrorContains(t, app.Redis.Get(t.Context(), "else").Err(), "NOPERM")
	err = redisOf(t, config.Redis{URL: as(t, server.URL, "afterput", "hunter2")}).PingRedis(t.Context())
	require.ErrorContains(t, err, "WRONGPASS")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestRedisBySocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "redis") // a socket's path must be short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	redistest.StartSocket(t, path)
	enqueues(t, redisOf(t, config.Redis{URL: config.URL("unix://" + path + "?db=2")}))
}

func TestRedisBySentinels(t *testing.T) {
	t.Parallel()
	const word = "hush:w@rd"
	watched := redistest.StartSentinel(t, word)
	for _, s := range []*redistest.Server{watched.Master, watched.Replica} {
		require.NoError(t, s.Client().Do(t.Context(), rights(t)...).Err())
	}
	c := config.Redis{URL: as(t, watched.URL, "afterput", "password"), Sentinel: config.RedisSentinel{Password: word}}
	app := redisOf(t, c)
	enqueues(t, app)
	require.Equal(t, watched.Master.Addr(), address(t, app.Redis))

	watched.Master.Kill()
	watched.Promoted()
	require.Eventually(t, func() bool { return app.PingRedis(t.Context()) == nil }, hang, 50*time.Millisecond)
	require.Equal(t, watched.Replica.Addr(), address(t, app.Redis))

	stranger := redisOf(t, config.Redis{URL: c.URL})
	require.Error(t, stranger.PingRedis(t.Context()), "the sentinels want their own password")
}

// address is where a client's commands go.
func address(t *testing.T, rdb redis.UniversalClient) string {
	t.Helper()
	info, err := rdb.Info(t.Context(), "server").Result()
	require.NoError(t, err)
	m := regexp.MustCompile(`tcp_port:(\d+)`).FindStringSubmatch(info)
	require.Len(t, m, 2)
	return "127.0.0.1:" + m[1]
}

func TestRedisCluster(t *testing.T) {
	t.Parallel()
	nodes := redistest.StartCluster(t)
	for _, s := range nodes.Nodes {
		require.NoError(t, s.Client().Do(t.Context(), rights(t)...).Err())
	}
	app := redisOf(t, config.Redis{URL: as(t, nodes.URL, "afterput", "password")})
	enqueues(t, app)
	require.ErrorContains(t, app.Redis.Get(t.Context(), "else").Err(), "NOPERM")

	_, err := app.Redis.ClusterInfo(t.Context()).Result() // what the monitor shows of a cluster
	require.NoError(t, err)
	_, err = app.Redis.ClusterNodes(t.Context()).Result()
	require.NoError(t, err)
	_, err = app.Redis.ClusterKeySlot(t.Context(), "asynq:{checks}").Result()
	require.NoError(t, err)
	heard, err := app.Desk.Cancel(t.Context(), "check:u1:1")
	require.NoError(t, err)
	require.Zero(t, heard)

	var urls []pipeline.TempURL
	var ids []string
	for i := range 20 {
		ids = append(ids, fmt.Sprint("cos://photos-1250000000/", i, ".jpg"))
		urls = append(urls, pipeline.TempURL{FileID: ids[i], URL: "https://h/" + ids[i]})
	}
	require.NoError(t, app.Cache.SetAll(t.Context(), time.Now(), urls))
	got, err := app.Cache.Get(t.Context(), ids...)
	require.NoError(t, err)
	require.Len(t, got, 20)
	require.NoError(t, app.Cache.Delete(t.Context(), ids...))
	got, err = app.Cache.Get(t.Context(), ids...)
	require.NoError(t, err)
	require.Empty(t, got)

	master := nodes.Master("asynq:{checks}:pending")
	require.NoError(t, master.Client().Do(t.Context(), "WAIT", 1, 10_000).Err())
	master.Kill()
	nodes.Promoted(master, "asynq:{checks}:pending")
	require.Eventually(t, func() bool {
		stats, err := app.Desk.Stats(t.Context(), tasks.QueueChecks)
		return err == nil && stats.Pending == 1
	}, hang, 50*time.Millisecond, "the replica has the task")
}

func TestRedisClusterOverTLS(t *testing.T) {
	t.Parallel()
	nodes, files := redistest.StartClusterTLS(t)
	c := config.Redis{
		URL: config.URL(nodes.URL),
		TLS: config.RedisTLS{CAFile: files.CA, CertFile: files.Cert, KeyFile: files.Key, ServerName: "redis.test"},
	}
	enqueues(t, redisOf(t, c))
	c.TLS.ServerName = "else.test"
	require.Error(t, redisOf(t, c).PingRedis(t.Context()))
}

func TestRedisRefuses(t *testing.T) {
	t.Parallel()
	junk := filepath.Join(t.TempDir(), "junk")
	require.NoError(t, os.WriteFile(junk, []byte("junk"), 0o600))
	for want, c := range map[string]config.Redis{
		"an option that is none: pol_size":    {URL: "redis://u:hunter2@h?pol_size=3"},
		"an option that is none: poll_size":   {URL: "redis-sentinel://u:hunter2@h?poll_size=3&master=m"},
		"an option that is none: skip_verify": {URL: "rediss-cluster://u:hunter2@a,b?skip_verify=true"},
		"has replicas answer":                 {URL: "redis-cluster://u:hunter2@a,b?read_only=true"},
		"with a number as the database":       {URL: "redis://u:hunter2@h/x"},
		"redis.tls.caFile cannot be read":     {URL: "rediss://h", TLS: config.RedisTLS{CAFile: junk + "s"}},
		"redis.tls.caFile " + junk + " holds": {URL: "rediss://h", TLS: config.RedisTLS{CAFile: junk}},
		"redis.tls: ":                         {URL: "rediss://h", TLS: config.RedisTLS{CertFile: junk, KeyFile: junk}},
	} {
		_, err := wire.Redis(c, 0)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hunter2")
	}
	cfg := valid(t)
	cfg.Redis = config.Redis{URL: "redis://u:hunter2@h/x"}
	_, err := wire.Open(context.Background(), cfg, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "redis: redis.url cannot be read")
}

// TestRedisWithoutNotices: no client asks its connections for notices of maintenance.
func TestRedisWithoutNotices(t *testing.T) {
	t.Parallel()
	for _, soon := range []time.Duration{0, time.Second} {
		one, err := wire.Redis(config.Redis{URL: "redis://127.0.0.1:1/0"}, soon)
		require.NoError(t, err)
		t.Cleanup(func() { _ = one.Close() })
		require.Equal(t, maintnotifications.ModeDisabled, one.(*redis.Client).Options().MaintNotificationsConfig.Mode)
		many, err := wire.Redis(config.Redis{URL: "redis-cluster://127.0.0.1:1,127.0.0.1:1"}, soon)
		require.NoError(t, err)
		t.Cleanup(func() { _ = many.Close() })
		require.Equal(t, maintnotifications.ModeDisabled, many.(*redis.ClusterClient).Options().MaintNotificationsConfig.Mode)
	}
}
