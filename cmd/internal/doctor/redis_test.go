package doctor_test

import (
	"context"
	"errors"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/doctor"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/tasks/redistest"
)

// look runs the check on a Redis as the command does.
func look(t *testing.T, c config.Redis) []doctor.Finding {
	t.Helper()
	return redisOf(t, c).Run(t.Context())
}

func redisOf(t *testing.T, c config.Redis) doctor.Redis {
	t.Helper()
	at, err := c.Address()
	require.NoError(t, err)
	return doctor.Redis{
		Open: func() (redis.UniversalClient, error) { return wire.Redis(c, 3*time.Second) },
		User: at.URL.User.Username(), Master: at.Master,
	}
}

// about gives the one finding whose text has a word in it.
func about(t *testing.T, findings []doctor.Finding, word string) doctor.Finding {
	t.Helper()
	var found []doctor.Finding
	for _, f := range findings {
		if strings.Contains(f.What, word) {
			found = append(found, f)
		}
	}
	require.Len(t, found, 1, "%q in %v", word, findings)
	return found[0]
}

func wants(t *testing.T, findings []doctor.Finding, level doctor.Level, what, mend string) {
	t.Helper()
	f := about(t, findings, what)
	require.Equal(t, level, f.Level, f.What)
	require.Contains(t, f.Mend, mend)
	if level == doctor.OK {
		require.Empty(t, f.Mend)
	} else {
		require.NotEmpty(t, f.Mend)
	}
}

func TestRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	c := config.Redis{URL: config.URL(server.URL)}
	ctx, admin := t.Context(), server.Client()
	set := func(name, value string) {
		t.Helper()
		require.NoError(t, admin.ConfigSet(ctx, name, value).Err())
	}

	set("maxmemory", "1gb")
	findings := look(t, c)
	for _, f := range findings {
		require.Equal(t, doctor.OK, f.Level, f.What)
		require.Empty(t, f.Mend)
	}
	require.Len(t, findings, 7)
	wants(t, findings, doctor.OK, "it is a master, with 0 replicas", "")
	wants(t, findings, doctor.OK, "appendfsync is everysec", "")
	wants(t, findings, doctor.OK, "the clock of Redis agrees", "")
	require.Zero(t, admin.DBSize(ctx).Val(), "nothing was written")

	for _, tt := range []struct {
		name, value, back string
		level             doctor.Level
		what, mend        string
	}{
		{"maxmemory-policy", "allkeys-lru", "noeviction", doctor.Fail, "maxmemory-policy is allkeys-lru", "CONFIG SET maxmemory-policy noeviction"},
		{"maxmemory-policy", "volatile-ttl", "noeviction", doctor.Warn, "maxmemory-policy is volatile-ttl", "CONFIG SET maxmemory-policy noeviction"},
		{"maxmemory", "0", "1gb", doctor.Warn, "there is no maxmemory", "CONFIG SET maxmemory"},
		{"maxmemory", "100kb", "1gb", doctor.Fail, "takes no more writes", "raise maxmemory"},
		{"appendfsync", "no", "everysec", doctor.Warn, "appendfsync is no", "CONFIG SET appendfsync everysec"},
		{"appendonly", "no", "yes", doctor.Warn, "there is no append-only file", "CONFIG SET appendonly yes"},
	} {
		set(tt.name, tt.value)
		wants(t, look(t, c), tt.level, tt.what, tt.mend)
		set(tt.name, tt.back)
	}

	require.NoError(t, admin.Do(ctx, "REPLICAOF", "127.0.0.1", "1").Err())
	wants(t, look(t, c), doctor.Fail, "it is a slave, which takes no writes", "let redis.url name the master")
	rewritten(t, admin)
}

// rewritten waits until Redis has begun its append-only file anew, which a child of its own
// does: one that outlives the server would write into a folder that is being removed.
func rewritten(t *testing.T, rdb *redis.Client) {
	t.Helper()
	require.Eventually(t, func() bool {
		info := rdb.Info(t.Context(), "persistence").Val()
		return strings.Contains(info, "aof_rewrite_in_progress:0") && strings.Contains(info, "aof_rewrite_scheduled:0")
	}, 30*time.Second, 10*time.Millisecond)
}

// A share of maxmemory that a burst may not leave is worth a word.
func TestRedisNearlyFull(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	admin := server.Client()
	require.NoError(t, admin.Set(t.Context(), "ballast", strings.Repeat("x", 80<<20), 0).Err())
	require.NoError(t, admin.ConfigSet(t.Context(), "maxmemory", "100mb").Err())
	wants(t, look(t, config.Redis{URL: config.URL(server.URL)}), doctor.Warn, "% of maxmemory are used", "raise maxmemory")
}

func TestRedisClock(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	check := redisOf(t, config.Redis{URL: config.URL(server.URL)})
	for _, tt := range []struct {
		off   time.Duration
		level doctor.Level
		what  string
	}{
		{0, doctor.OK, "agrees with ours"},
		{-10 * time.Second, doctor.Warn, "behind that of Redis"},
		{10 * time.Second, doctor.Warn, "ahead of that of Redis"},
		{-time.Minute, doctor.Fail, "workers start only within 20s"},
		{time.Hour, doctor.Fail, "workers start only within 20s"},
	} {
		check.Now = func() time.Time { return time.Now().Add(tt.off) }
		mend := "by NTP"
		if tt.level == doctor.OK {
			mend = ""
		}
		wants(t, check.Run(t.Context()), tt.level, tt.what, mend)
	}
}

// documented reads what deploy/docs/redis.md has a user be given.
func documented(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("../../../deploy/docs/redis.md")
	require.NoError(t, err)
	line := regexp.MustCompile(`(?m)^ACL SETUSER afterput .*$`).FindString(string(b))
	require.NotEmpty(t, line)
	return strings.Fields(line)
}

func do(t *testing.T, rdb *redis.Client, fields ...string) {
	t.Helper()
	args := make([]any, len(fields))
	for i, f := range fields {
		args[i] = f
	}
	require.NoError(t, rdb.Do(t.Context(), args...).Err(), fields)
}

func TestRedisRights(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	admin := server.Client()
	do(t, admin, documented(t)...)
	at := func(user string) config.Redis {
		return config.Redis{URL: config.URL(strings.Replace(server.URL, "redis://", "redis://"+user+":password@", 1))}
	}
	c := at("afterput")
	findings := look(t, c)
	wants(t, findings, doctor.OK, "the user afterput may run all", "")
	wants(t, findings, doctor.Skip, "its appendfsync cannot be told", "everysec")

	for _, tt := range []struct{ take, give string }{
		{"-evalsha", "+evalsha"},
		{"-time", "+time"},
		{"-info", "+info"},
		{"-memory|usage", "+memory|usage"},
		{"-script|load", "+script|load"},
		{"-exec", "+exec"},
		{"-discard", "+discard"},
		{"-publish", "+publish"},
		{"-zrevrange", "+zrevrange"},
		{"resetchannels", "&asynq:cancel"},
	} {
		do(t, admin, "ACL", "SETUSER", "afterput", tt.take)
		f := about(t, look(t, c), "lacks rights")
		require.Equal(t, doctor.Finding{
			Level: doctor.Fail, What: "the user afterput lacks rights: " + tt.give,
			Mend: "ACL SETUSER afterput " + tt.give + "; see deploy/docs/redis.md for the whole of it",
		}, f)
		do(t, admin, "ACL", "SETUSER", "afterput", tt.give)
		wants(t, look(t, c), doctor.OK, "the user afterput may run all", "")
	}
	for _, tt := range []struct{ keep, lacks string }{{"~asynq:*", "~afterput:*"}, {"~afterput:*", "~asynq:*"}} {
		do(t, admin, "ACL", "SETUSER", "afterput", "resetkeys", tt.keep)
		wants(t, look(t, c), doctor.Fail, "the user afterput lacks rights: "+tt.lacks, "ACL SETUSER afterput "+tt.lacks)
	}

	// Who has no right at all gets there by doing what the mend says.
	do(t, admin, "ACL", "SETUSER", "nobody", "on", ">password")
	for range 3 {
		f := about(t, look(t, at("nobody")), "the user nobody")
		if f.Level == doctor.OK {
			break
		}
		command, _, _ := strings.Cut(f.Mend, ";")
		do(t, admin, strings.Fields(command)...)
	}
	findings = look(t, at("nobody"))
	wants(t, findings, doctor.OK, "the user nobody may run all", "")
	require.Zero(t, admin.DBSize(t.Context()).Val(), "nothing was written")
}

func TestRedisConnects(t *testing.T) {
	t.Parallel()
	require.Equal(t, doctor.Skip, doctor.Redis{}.Run(t.Context())[0].Level)

	plain := redistest.Start(t)
	secure, files := redistest.StartTLS(t)
	do(t, plain.Client(), "ACL", "SETUSER", "default", "resetpass", ">hunter2")
	own := config.RedisTLS{CAFile: files.CA, CertFile: files.Cert, KeyFile: files.Key, ServerName: "redis.test"}
	findings := look(t, config.Redis{URL: config.URL(secure.URL), TLS: own})
	wants(t, findings, doctor.OK, "it is a master", "")

	other := own
	other.ServerName = "else.test"
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = ln.Close() }() // it takes connections, and says nothing
	for name, tt := range map[string]struct {
		c    config.Redis
		mend string
	}{
		"password":       {config.Redis{URL: config.URL(strings.Replace(plain.URL, "redis://", "redis://default:hunter3@", 1))}, "correct user and password"},
		"no password":    {config.Redis{URL: config.URL(plain.URL)}, "put user and password"},
		"plain for TLS":  {config.Redis{URL: config.URL(strings.Replace(secure.URL, "rediss", "redis", 1))}, "begin redis.url with rediss://"},
		"TLS for plain":  {config.Redis{URL: config.URL(strings.Replace(plain.URL, "redis", "rediss", 1)), TLS: own}, "does the server speak TLS"},
		"another name":   {config.Redis{URL: config.URL(secure.URL), TLS: other}, "correct redis.tls"},
		"nobody listens": {config.Redis{URL: "redis://127.0.0.1:1/0"}, "is it up"},
		"silence":        {config.Redis{URL: config.URL("redis://" + ln.Addr().String() + "/0")}, "is it up"},
	} {
		findings := look(t, tt.c)
		require.Len(t, findings, 1, name)
		require.Equal(t, doctor.Fail, findings[0].Level, name)
		require.Contains(t, findings[0].Mend, tt.mend, name+": "+findings[0].What)
		require.NotContains(t, findings[0].What+findings[0].Mend, "hunter", name)
	}
	failing := doctor.Redis{Open: func() (redis.UniversalClient, error) { return nil, errors.New("redis.tls.caFile cannot be read") }}
	require.Equal(t, doctor.Fail, failing.Run(t.Context())[0].Level)
}

func TestRedisSentinels(t *testing.T) {
	t.Parallel()
	const word = "hush"
	watched := redistest.StartSentinel(t, word)
	run := func(c config.Redis) []doctor.Finding {
		check := redisOf(t, c)
		at, err := c.Address()
		require.NoError(t, err)
		check.Sentinels = func() ([]doctor.Sentinel, error) {
			clients, err := wire.Sentinels(c, 3*time.Second)
			var list []doctor.Sentinel
			for i, client := range clients {
				list = append(list, doctor.Sentinel{Addr: at.Hosts[i], Client: client})
			}
			return list, err
		}
		return check.Run(t.Context())
	}
	c := config.Redis{URL: config.URL(watched.URL), Sentinel: config.RedisSentinel{Password: word}}
	findings := run(c)
	wants(t, findings, doctor.OK, "all 3 sentinels name the master "+watched.Master.Addr()+", with 1 replica", "")
	wants(t, findings, doctor.OK, "it is a master, with 1 replica", "")

	wants(t, run(config.Redis{URL: c.URL}), doctor.Fail, "no sentinel names the master", "redis.sentinel")
	other := config.URL(strings.Replace(watched.URL, redistest.SentinelMaster, "else", 1))
	wants(t, run(config.Redis{URL: other, Sentinel: c.Sentinel}), doctor.Fail, "knows no such master", "?master=name")

	// A sentinel in the place of a Redis.
	direct := "redis://:" + word + "@" + watched.Sentinels[0].Addr() + "/0"
	wants(t, look(t, config.Redis{URL: config.URL(direct)}), doctor.Fail, "it is a sentinel", "redis-sentinel://")

	watched.Sentinels[2].Kill()
	findings = run(c)
	wants(t, findings, doctor.Warn, "the sentinel "+watched.Sentinels[2].Addr(), "start it")
	wants(t, findings, doctor.OK, "it is a master", "")

	watched.Master.Kill()
	watched.Promoted()
	require.Eventually(t, func() bool {
		for _, f := range run(c) {
			if strings.HasPrefix(f.What, "it is a master") {
				return true
			}
		}
		return false
	}, time.Minute, 50*time.Millisecond)
}

// Each master of a cluster has settings and users of its own.
func TestRedisCluster(t *testing.T) {
	t.Parallel()
	nodes := redistest.StartCluster(t)
	one := nodes.Master("asynq:{checks}")
	admin := one.Client()
	findings := look(t, config.Redis{URL: config.URL(nodes.URL)})
	wants(t, findings, doctor.OK, "it is a cluster of 3 masters", "")
	wants(t, findings, doctor.OK, one.Addr()+": it is a master, with 1 replica", "")
	wants(t, findings, doctor.OK, one.Addr()+": the user default may run all", "")
	for _, f := range findings {
		require.NotEqual(t, doctor.Fail, f.Level, f.What)
	}
	require.NoError(t, admin.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-lru").Err())
	do(t, admin, "ACL", "SETUSER", "default", "-evalsha")
	findings = look(t, config.Redis{URL: config.URL(nodes.URL)})
	wants(t, findings, doctor.Fail, one.Addr()+": maxmemory-policy is allkeys-lru", "CONFIG SET")
	wants(t, findings, doctor.Fail, one.Addr()+": the user default lacks rights: +evalsha", "ACL SETUSER default +evalsha")

	single := config.URL("redis://" + one.Addr() + "/0")
	wants(t, look(t, config.Redis{URL: single}), doctor.Fail, "it is a node of a cluster", "redis-cluster://")
}

// fake answers INFO as some proxies do.
type fake struct {
	redis.Hook
	info   string
	config string
}

func (f fake) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		switch c := cmd.(type) {
		case *redis.StringCmd:
			if cmd.Name() == "info" {
				c.SetVal(f.info)
				return nil
			}
		case *redis.MapStringStringCmd:
			if f.config == "" {
				c.SetErr(errors.New("ERR unknown command 'CONFIG'"))
				return c.Err()
			}
			c.SetVal(map[string]string{cmd.Args()[2].(string): f.config})
			return nil
		}
		return next(ctx, cmd)
	}
}

func (fake) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (fake) DialHook(next redis.DialHook) redis.DialHook { return next }

// What a managed Redis hides cannot be told; what it tells otherwise counts.
func TestRedisInfo(t *testing.T) {
	t.Parallel()
	const good = "redis_version:7.2.4\r\nrole:master\r\nconnected_slaves:1\r\nused_memory:10\r\nmaxmemory:100\r\naof_enabled:1\r\nmaxmemory_policy:noeviction\r\n"
	url := redistest.Mini(t)
	for _, tt := range []struct {
		name, info, config string
		level              doctor.Level
		what               string
	}{
		{"old", strings.Replace(good, "7.2.4", "6.0.16", 1), "x", doctor.Fail, "Redis 6.0.16 is too old"},
		{"just new enough", strings.Replace(good, "7.2.4", "6.2.0", 1), "x", doctor.OK, "Redis 6.2.0"},
		{"two digits", strings.Replace(good, "7.2.4", "10.0.1", 1), "x", doctor.OK, "Redis 10.0.1"},
		{"another server", good + "server_name:valkey\r\nvalkey_version:8.0.1\r\n", "x", doctor.OK, "valkey 8.0.1, as Redis 7.2.4"},
		{"hides its version", strings.Replace(good, "redis_version:7.2.4", "", 1), "x", doctor.Skip, "the version cannot be told"},
		{"hides its role", strings.Replace(good, "role:master", "", 1), "x", doctor.Skip, "whether it is a master"},
		{"hides its memory", strings.Replace(good, "used_memory", "umem", 1), "x", doctor.Skip, "how full it is cannot be told"},
		{"hides its AOF", strings.Replace(good, "aof_enabled:1", "", 1), "x", doctor.Skip, "whether it keeps an append-only file"},
		{"policy by CONFIG", strings.Replace(good, "maxmemory_policy:noeviction", "", 1), "allkeys-lfu", doctor.Fail, "maxmemory-policy is allkeys-lfu"},
		{"hides its policy", strings.Replace(good, "maxmemory_policy:noeviction", "", 1), "", doctor.Skip, "maxmemory-policy cannot be told"},
		{"has no CONFIG", good, "", doctor.Skip, "its appendfsync cannot be told"},
		{"a cluster", good + "redis_mode:cluster\r\n", "x", doctor.Fail, "it is a node of a cluster"},
		{"a disk that fails", good + "aof_last_write_status:err\r\n", "x", doctor.Fail, "could not write to its disk"},
		{"buffers do not count", strings.Replace(good, "used_memory:10", "used_memory:90\r\nmem_not_counted_for_evict:80", 1), "x", doctor.OK, "10 % of maxmemory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check := doctor.Redis{Open: func() (redis.UniversalClient, error) {
				opt, err := redis.ParseURL(url)
				require.NoError(t, err)
				rdb := redis.NewClient(opt)
				rdb.AddHook(fake{info: tt.info, config: tt.config})
				return rdb, nil
			}}
			require.Equal(t, tt.level, about(t, check.Run(t.Context()), tt.what).Level)
		})
	}
}
