package e2e

import (
	"cmp"
	"flag"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/demo"
	"github.com/afterput/afterput/cmd/internal/doctor"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
	"github.com/afterput/afterput/tasks/redistest"
)

var everyServer = flag.Bool("demo.servers", false, "run the demo on every kind of server")

// servers are what the environment names for a demo.
type servers struct {
	database, redis string
}

func (s servers) environ() []string {
	return []string{"AFTERPUT_DATABASE_URL=" + s.database, "AFTERPUT_REDIS_URL=" + s.redis}
}

// left lists what a demo left on servers.
func (s servers) left(t *testing.T) (names []string) {
	t.Helper()
	rdb, err := wire.Redis(config.Redis{URL: config.URL(s.redis)}, 0)
	require.NoError(t, err)
	defer func() { _ = rdb.Close() }()
	for keys := rdb.Scan(t.Context(), 0, "*", 1000).Iterator(); keys.Next(t.Context()); {
		names = append(names, keys.Val())
	}
	if path, ok := strings.CutPrefix(s.database, "sqlite://"); ok {
		files, err := filepath.Glob(path + "*")
		require.NoError(t, err)
		return append(names, files...)
	}
	db, err := sqldb.Open(t.Context(), s.database)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	var rooms []string
	require.NoError(t, db.NewRaw("SELECT schema_name FROM information_schema.schemata WHERE schema_name = 'afterput_demo'").Scan(t.Context(), &rooms))
	return append(names, rooms...)
}

// counted is what of a report does not depend on which tries went wrong.
func counted(rep demo.Report) demo.Report {
	rep.Webhooks, rep.Duplicates, rep.Retries, rep.Disturbed, rep.Seconds, rep.Dir = 0, 0, 0, nil, 0, ""
	rep.Rejections = slices.SortedFunc(slices.Values(rep.Rejections), func(a, b demo.Rejection) int { return cmp.Compare(a.Key, b.Key) })
	rep.CachedURLs = make([]string, len(rep.CachedURLs)) // the port of the bucket is in them
	return rep
}

// leastRedis is a Redis with a user who may do what doctor wants, and nothing else.
func leastRedis(t testing.TB) string {
	t.Helper()
	server := redistest.Start(t)
	admin := server.Client()
	require.NoError(t, admin.Do(t.Context(), "ACL", "SETUSER", "least", "on", ">word", "resetkeys", "resetchannels", "-@all").Err())
	at := strings.Replace(server.URL, "redis://", "redis://least:word@", 1)
	for range 3 {
		check := doctor.Redis{User: "least", Open: func() (redis.UniversalClient, error) {
			return wire.Redis(config.Redis{URL: config.URL(at)}, 0)
		}}
		for _, f := range check.Run(t.Context()) {
			command, _, _ := strings.Cut(f.Mend, ";")
			if !strings.HasPrefix(command, "ACL SETUSER least ") {
				continue
			}
			var args []any
			for field := range strings.FieldsSeq(command) {
				args = append(args, field)
			}
			require.NoError(t, admin.Do(t.Context(), args...).Err(), command)
		}
	}
	return at
}

// On servers the demo gives the report that it gives in the embedded world, and it leaves
// nothing there.
func TestE2EDemoOnServers(t *testing.T) {
	_, embedded := embeddedDemo(t)
	for _, on := range []struct {
		name     string
		always   bool
		database func(testing.TB) string
		redis    func(testing.TB) string
	}{
		{"postgres and redis", true, sqldbtest.Postgres, leastRedis},
		{"mariadb and sentinels", false, sqldbtest.MariaDB, func(t testing.TB) string { return redistest.StartSentinel(t, "").URL }},
		{"sqlite and redis", false, sqldbtest.SQLite, func(t testing.TB) string { return redistest.Start(t).URL }},
	} {
		if !on.always && !*everyServer {
			continue
		}
		t.Run(on.name, func(t *testing.T) {
			s := servers{on.database(t), on.redis(t)}
			dir := filepath.Join(t.TempDir(), "demo")
			code, rep := runDemoOn(t, s.environ(), "demo", "--dir", dir, "--count", demoCount, "--keep", "-o", "json")
			require.Zero(t, code, rep.Problems)
			require.Equal(t, counted(embedded), counted(rep))

			code, again := runDemoOn(t, s.environ(), "demo", "--verify", "--dir", dir, "-o", "json")
			require.Zero(t, code, again.Problems)
			require.Equal(t, rep.Orders, again.Orders)
			require.Equal(t, rep.Thumbnails, again.Thumbnails)

			cmd := command(t, t.TempDir(), "demo")
			cmd.Env = append(cmd.Env, s.environ()...)
			out, err := cmd.CombinedOutput()
			require.Error(t, err, "what is kept is in use")
			require.Contains(t, string(out), "afterput demo --clean")
			require.Eventually(t, func() bool {
				cmd := command(t, t.TempDir(), "demo", "--clean")
				cmd.Env = append(cmd.Env, s.environ()...)
				return cmd.Run() == nil
			}, hang, 100*time.Millisecond, "workers that ended are not listed for long")
			require.Empty(t, s.left(t))
		})
	}
}

// Whoever interrupts a demo on servers finds them as they were.
func TestE2EDemoInterrupted(t *testing.T) {
	s := servers{sqldbtest.Postgres(t), redistest.Start(t).URL}
	p := startWith(t, s.environ(), t.TempDir(), "demo", "--count", demoCount, "--dir", filepath.Join(t.TempDir(), "demo"))
	rdb := redistest.Client(t, s.redis)
	require.Eventually(t, func() bool {
		n, err := rdb.ZCount(t.Context(), "asynq:servers", "0", "+inf").Result()
		return err == nil && n > 0
	}, hang, 10*time.Millisecond, "it has begun")
	require.Contains(t, s.left(t), "afterput_demo")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGINT))
	select {
	case <-p.done:
	case <-time.After(hang):
		t.Fatal("the demo goes on")
	}
	require.Equal(t, 130, p.cmd.ProcessState.ExitCode(), tail(p.log))
	require.Empty(t, s.left(t))
}
