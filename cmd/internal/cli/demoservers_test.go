package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/demo"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestDemoServers(t *testing.T) {
	t.Parallel()
	inFile := filepath.Join(t.TempDir(), "url")
	require.NoError(t, os.WriteFile(inFile, []byte("postgres://u:p@h/d\n"), 0o600))
	for name, tt := range map[string]struct {
		environ []string
		want    demo.Servers
	}{
		"none":     {nil, demo.Servers{}},
		"database": {[]string{"AFTERPUT_DATABASE_URL=mysql://u:p@h/d"}, demo.Servers{Database: "mysql://u:p@h/d"}},
		"file":     {[]string{"AFTERPUT_DATABASE_URL_FILE=" + inFile}, demo.Servers{Database: "postgres://u:p@h/d"}},
		"redis": {
			[]string{"AFTERPUT_REDIS_URL=redis-sentinel://h?master=m", "AFTERPUT_REDIS_SENTINEL_PASSWORD=p"},
			demo.Servers{Redis: config.Redis{URL: "redis-sentinel://h?master=m", Sentinel: config.RedisSentinel{Password: "p"}}},
		},
		"set but empty": {[]string{"AFTERPUT_DATABASE_URL=", "AFTERPUT_REDIS_URL="}, demo.Servers{}},
		"what other commands work on": {
			[]string{"AFTERPUT_LEDGER_URL=postgres://u:p@h/prod", "AFTERPUT_ORDERS_URL=postgres://u:p@h/shop", "AFTERPUT_CONFIG=/nowhere"}, demo.Servers{},
		},
	} {
		a := &app{environ: tt.environ}
		got, err := a.demoServers()
		require.NoError(t, err, name)
		require.Equal(t, tt.want, got, name)
	}
}

func TestDemoServersRefused(t *testing.T) {
	t.Parallel()
	r := doWith(t, []string{"AFTERPUT_DATABASE_URL=oracle://u:hunter2@h/d", "AFTERPUT_REDIS_URL=redis://u:hunter2@h?master=m"}, "", "demo")
	require.Equal(t, exitConfig, r.code)
	require.Contains(t, r.err, "env AFTERPUT_DATABASE_URL")
	require.Contains(t, r.err, "env AFTERPUT_REDIS_URL")
	require.NotContains(t, r.err, "hunter2")

	for _, flag := range []string{"--keep", "--clean"} {
		r = do(t, "demo", flag)
		require.Equal(t, exitUsage, r.code)
		require.Contains(t, r.err, "AFTERPUT_DATABASE_URL")
	}

	server := redistest.Start(t)
	require.NoError(t, server.Client().SAdd(t.Context(), "asynq:queues", "other").Err())
	env := []string{"AFTERPUT_REDIS_URL=" + server.URL}
	for _, args := range [][]string{{"demo", "-o", "json"}, {"demo", "--clean", "-o", "json"}} {
		r = doWith(t, env, "", args...)
		require.Equal(t, exitConflict, r.code, r.err)
		require.Equal(t, map[string]any{"code": "taken", "hint": "the demo mixes with nothing that is there: name another one"}, pick(r.failure(t), "code", "hint"))
	}
	require.NoError(t, server.Client().Set(t.Context(), "afterput:demo", "the demo in \"/d\"", 0).Err())
	r = doWith(t, env, "", "demo", "--dir", t.TempDir())
	require.Equal(t, exitConflict, r.code)
	require.Contains(t, r.err, "afterput demo --clean")
	require.Equal(t, exitOK, doWith(t, env, "", "demo", "--clean").code)
	require.Zero(t, server.Client().DBSize(t.Context()).Val())

	r = doWith(t, []string{"AFTERPUT_DATABASE_URL=" + sqldbtest.SQLite(t)}, "", "demo", "--verify", "--dir", demoDir(t))
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.err, "--verify wants one that ran with --keep")
}

// demoDir is the folder of a demo that sent nothing.
func demoDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, demo.SentFile), nil, 0o600))
	return dir
}
