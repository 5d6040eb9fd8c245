package demo

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// taken expects a *TakenError.
func taken(t *testing.T, err error, ours bool, says string) {
	t.Helper()
	var e *TakenError
	require.ErrorAs(t, err, &e)
	require.Equal(t, ours, e.Ours, err)
	require.ErrorContains(t, err, says)
}

func pool(t *testing.T, rawURL string) *sql.DB {
	t.Helper()
	db, err := sqldb.Create(t.Context(), rawURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db.SQL()
}

func TestRoom(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, rawURL string) {
		ctx := t.Context()
		r, err := roomIn(rawURL)
		require.NoError(t, err)
		if r.engine != sqldb.SQLite {
			_, err = pool(t, rawURL).ExecContext(ctx, "CREATE TABLE orders (id INTEGER)")
			require.NoError(t, err)
		}
		require.NoError(t, r.clean(ctx), "nothing is there")
		require.NoError(t, r.claim(ctx, `the "demo's"`))
		taken(t, r.claim(ctx, "another"), true, "of the ")
		_, err = pool(t, r.url).ExecContext(ctx, "CREATE TABLE orders (id INTEGER)")
		require.NoError(t, err, "the room is apart")

		again, err := roomIn(rawURL)
		require.NoError(t, err)
		require.NoError(t, again.clean(ctx), "by another process")
		require.NoError(t, r.clean(ctx))
		there, made, err := r.look(ctx)
		require.NoError(t, err)
		require.False(t, there)
		require.Empty(t, made)
		if r.engine == sqldb.SQLite {
			require.NoFileExists(t, r.path)
			require.NoFileExists(t, r.path+markFile)
		} else {
			_, err = pool(t, rawURL).ExecContext(ctx, "INSERT INTO orders VALUES (1)")
			require.NoError(t, err, "what was there is there")
		}
		require.NoError(t, r.claim(ctx, "the next"))
		require.NoError(t, r.clean(ctx))
	})
}

// A room without a mark is nobody's but its owner's.
func TestRoomOfSomebodyElse(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]struct {
		url       func(testing.TB) string
		statement string
	}{
		"sqlite":   {sqldbtest.SQLite, "CREATE TABLE orders (id INTEGER)"},
		"postgres": {sqldbtest.Postgres, "CREATE SCHEMA afterput_demo"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := make.url(t)
			_, err := pool(t, raw).ExecContext(t.Context(), make.statement)
			require.NoError(t, err)
			r, err := roomIn(raw)
			require.NoError(t, err)
			taken(t, r.claim(t.Context(), "m"), false, "no demo made it")
			taken(t, r.clean(t.Context()), false, "no demo made it")
		})
	}
}

func TestRoomNeedsTheRight(t *testing.T) {
	t.Parallel()
	raw := sqldbtest.Postgres(t)
	db := pool(t, raw)
	role := "guest_of_demo"
	for _, s := range []string{"DROP ROLE IF EXISTS " + role, "CREATE ROLE " + role + " LOGIN"} {
		_, err := db.ExecContext(t.Context(), s)
		require.NoError(t, err)
	}
	t.Cleanup(func() { _, _ = db.ExecContext(context.WithoutCancel(t.Context()), "DROP ROLE "+role) })
	u, err := url.Parse(raw)
	require.NoError(t, err)
	u.User = url.User(role)
	r, err := roomIn(u.String())
	require.NoError(t, err)
	require.ErrorContains(t, r.claim(t.Context(), "m"), "GRANT CREATE ON DATABASE")
}

func TestRoomHidesPasswords(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"postgres://u:hunter2@127.0.0.1:1/d?sslmode=disable", "mysql://u:hunter2@127.0.0.1:1/d"} {
		r, err := roomIn(raw)
		require.NoError(t, err)
		err = r.claim(t.Context(), "m")
		require.Error(t, err)
		require.NotContains(t, err.Error()+r.name, "hunter2")
		require.Contains(t, r.url, "u:hunter2@127.0.0.1:1", "the room is opened by the same user")
	}
	_, err := roomIn("redis://u:hunter2@h/0")
	require.ErrorContains(t, err, "want sqlite://")
	require.NotContains(t, err.Error(), "hunter2")
}

func newLine(t *testing.T, rawURL string) *line {
	t.Helper()
	l, err := lineOf(config.Redis{URL: config.URL(rawURL)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.rdb.Close() })
	return l
}

func keys(t *testing.T, rdb redis.UniversalClient) []string {
	t.Helper()
	list, err := rdb.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	return list
}

func TestLine(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	ctx, rdb := t.Context(), server.Client()
	l, other := newLine(t, server.URL), newLine(t, strings.TrimSuffix(server.URL, "0")+"1")
	require.NoError(t, l.clean(ctx), "nothing is there")
	require.NoError(t, rdb.Set(ctx, "cart:1", "x", 0).Err())
	require.NoError(t, l.claim(ctx, "the demo"))
	taken(t, l.claim(ctx, "another"), true, "by the demo")
	require.NoError(t, other.claim(ctx, "in another database"))

	pipe := rdb.Pipeline()
	for i := range 3 * scanPage {
		pipe.Set(ctx, "asynq:{checks}:t:"+strconv.Itoa(i), "x", 0)
	}
	pipe.Set(ctx, "afterput:epoch", "x", 0)
	_, err := pipe.Exec(ctx)
	require.NoError(t, err)
	require.NoError(t, l.clean(ctx))
	require.Equal(t, []string{"cart:1"}, keys(t, rdb), "what was there is there, and nothing else")
	require.Equal(t, []string{lineMark}, keys(t, other.rdb))

	for _, key := range []string{"asynq:queues", "afterput:url:cos://b/k"} {
		require.NoError(t, rdb.Set(ctx, key, "x", 0).Err())
		taken(t, l.claim(ctx, "m"), false, strconv.Quote(key))
		taken(t, l.clean(ctx), false, "no demo made it")
		require.ElementsMatch(t, []string{"cart:1", key}, keys(t, rdb))
		require.NoError(t, rdb.Del(ctx, key).Err())
	}
}

// The keys of a cluster lie on several masters.
func TestLineOfACluster(t *testing.T) {
	t.Parallel()
	ctx, l := t.Context(), newLine(t, redistest.StartCluster(t).URL)
	require.NoError(t, l.claim(ctx, "the demo"))
	for i := range 30 {
		require.NoError(t, l.rdb.Set(ctx, "asynq:{q"+strconv.Itoa(i)+"}:t", "x", 0).Err())
		require.NoError(t, l.rdb.Set(ctx, "cart:"+strconv.Itoa(i), "x", 0).Err())
	}
	require.NoError(t, l.clean(ctx))
	none := func(keys []string) error { t.Errorf("left: %v", keys); return nil }
	require.NoError(t, l.scan(ctx, none))
	for i := range 30 {
		require.NoError(t, l.rdb.Get(ctx, "cart:"+strconv.Itoa(i)).Err(), "what was there is there")
	}
	require.NoError(t, l.rdb.Set(ctx, "asynq:{q7}:t", "x", 0).Err())
	taken(t, l.claim(ctx, "m"), false, "asynq:{q7}:t")
}

// What workers use is not removed from under them.
func TestCleanWhileWorkersRun(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	ctx, rdb := t.Context(), server.Client()
	l := newLine(t, server.URL)
	require.NoError(t, l.claim(ctx, "m"))
	opt := Options{Servers: Servers{Redis: config.Redis{URL: config.URL(server.URL)}}}
	alive := float64(time.Now().Add(time.Hour).Unix())
	require.NoError(t, rdb.ZAdd(ctx, "asynq:servers", redis.Z{Score: alive, Member: "a"}).Err())
	taken(t, Clean(ctx, opt), false, "workers that run")
	require.Len(t, keys(t, rdb), 2)
	require.NoError(t, rdb.ZAdd(ctx, "asynq:servers", redis.Z{Score: 1, Member: "a"}).Err())
	require.NoError(t, Clean(ctx, opt))
	require.Empty(t, keys(t, rdb))
}

// A demo that gets one of two servers leaves both as they were.
func TestClaimIsAllOrNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	require.NoError(t, server.Client().Set(t.Context(), "asynq:queues", "x", 0).Err())
	path := t.TempDir() + "/demo.db"
	g, err := visit(Servers{Database: config.URL("sqlite://" + path), Redis: config.Redis{URL: config.URL(server.URL)}})
	require.NoError(t, err)
	defer g.close()
	taken(t, g.claim(t.Context(), "m"), false, "asynq:queues")
	require.NoFileExists(t, path+markFile)
	require.Equal(t, []string{"asynq:queues"}, keys(t, server.Client()))

	require.NoError(t, server.Client().Del(t.Context(), "asynq:queues").Err())
	ctx, cancel := context.WithCancel(t.Context())
	require.NoError(t, g.claim(ctx, "m"))
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	cancel()
	require.NoError(t, g.clean(ctx), "an interrupted demo cleans up too")
	require.NoFileExists(t, path)
	require.Empty(t, keys(t, server.Client()))
}
