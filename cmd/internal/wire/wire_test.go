package wire_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/orders/orderstest"
	"github.com/afterput/afterput/pipeline/tempurl"
	"github.com/afterput/afterput/tasks/redistest"
)

const (
	announcer = "announcer-0123456789"
	watcher   = "watcher-0123456789"
)

// valid is a configuration that opens.
func valid(t *testing.T) *config.Config {
	t.Helper()
	dir := t.TempDir()
	cfg := config.Default()
	cfg.Redis.URL = config.URL(redistest.Mini(t))
	cfg.Ledger.URL = config.URL("sqlite://" + filepath.Join(dir, "ledger.db"))
	cfg.Orders.URL = config.URL(orderstest.Shop(t))
	cfg.Buckets = []config.Bucket{{
		Name: "photos-1250000000", Region: "ap-guangzhou", Visibility: "probe", SecretID: "AKIDEXAMPLE", SecretKey: "example",
	}}
	cfg.Auth.Keys = []config.Key{
		{Name: "backend", Secret: announcer, Scopes: []string{"announce"}},
		{Name: "screen", Secret: watcher, Scopes: []string{"monitor"}},
	}
	return cfg
}

func open(t *testing.T, cfg *config.Config) *wire.App {
	t.Helper()
	app, err := wire.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = app.Close() })
	return app
}

// What mints URLs of private objects takes the store as it is.
func TestStorePresignsForTempURL(t *testing.T) {
	t.Parallel()
	app := open(t, valid(t))
	now := time.Unix(1_800_000_000, 0)
	u, err := tempurl.Presign(t.Context(), app.Objects, pipeline.FileID{Bucket: "photos-1250000000", Path: "users/o1/1.jpg"}, time.Minute, now)
	require.NoError(t, err)
	require.Contains(t, u.URL, "q-signature=")
	require.Equal(t, now.Add(time.Minute), u.Expires)
}

func TestOpenNamesThePart(t *testing.T) {
	t.Parallel()
	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	for name, c := range map[string]struct {
		spoil func(*config.Config)
		want  wire.Part
	}{
		"ledger":  {func(c *config.Config) { c.Ledger.URL = config.URL("sqlite://" + blocked + "/l.db") }, wire.PartLedger},
		"redis":   {func(c *config.Config) { c.Redis.URL = "redis://h:port/x" }, wire.PartRedis},
		"storage": {func(c *config.Config) { c.Buckets[0].Endpoint = "://" }, wire.PartStorage},
		"orders":  {func(c *config.Config) { c.Orders.URL = config.URL("sqlite://" + blocked + "/o.db") }, wire.PartOrders},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := valid(t)
			c.spoil(cfg)
			_, err := wire.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
			var e *wire.OpenError
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.want, e.Part, err.Error())
		})
	}
}

func TestRedisPasswordIsNotTold(t *testing.T) {
	t.Parallel()
	cfg := valid(t)
	cfg.Redis.URL = "redis://app:hunter2hunter2@127.0.0.1:1/0"
	err := open(t, cfg).PingRedis(t.Context())
	var e *wire.OpenError
	require.ErrorAs(t, err, &e)
	require.Equal(t, wire.PartRedis, e.Part)
	require.NotContains(t, err.Error(), "hunter2")
	require.Contains(t, err.Error(), "127.0.0.1:1")
}

func TestHandler(t *testing.T) {
	t.Parallel()
	h, err := open(t, valid(t)).Handler()
	require.NoError(t, err)
	for _, c := range []struct {
		name, method, path, key string
		want                    int
	}{
		{"alive", "GET", "/healthz", "", http.StatusOK},
		{"ready", "GET", "/readyz", "", http.StatusOK},
		{"metrics without a key", "GET", "/metrics", "", http.StatusUnauthorized},
		{"metrics without the scope", "GET", "/metrics", announcer, http.StatusForbidden},
		{"metrics", "GET", "/metrics", watcher, http.StatusOK},
		{"monitor without a key", "GET", "/monitor/", "", http.StatusUnauthorized},
		{"monitor with a wrong key", "GET", "/monitor/", "wrong-0123456789", http.StatusUnauthorized},
		{"monitor without the scope", "GET", "/monitor/", announcer, http.StatusForbidden},
		{"monitor", "GET", "/monitor/", watcher, http.StatusOK},
		{"monitor's data", "GET", "/monitor/api/queues", watcher, http.StatusOK},
		{"monitor's data without a key", "GET", "/monitor/api/queues", "", http.StatusUnauthorized},
		{"monitor is read-only", "POST", "/monitor/api/queues/checks:pause", watcher, http.StatusMethodNotAllowed},
		{"API without a key", "POST", "/v1/uploads", "", http.StatusUnauthorized},
		{"API without the scope", "POST", "/v1/uploads", watcher, http.StatusForbidden},
		{"reading without the scope", "GET", "/v1/uploads/x", announcer, http.StatusForbidden},
		{"no such page", "GET", "/nothing", "", http.StatusNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, c.want, ask(h, c.method, c.path, c.key).Code)
		})
	}
}

func ask(h http.Handler, method, path, key string) *httptest.ResponseRecorder {
	req := httptest.NewRequestWithContext(context.Background(), method, path, nil)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

func TestMonitorOff(t *testing.T) {
	t.Parallel()
	cfg := valid(t)
	cfg.Monitor.Enabled = false
	h, err := open(t, cfg).Handler()
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, ask(h, "GET", "/monitor/", watcher).Code)
}

func TestWorkerPools(t *testing.T) {
	t.Parallel()
	app := open(t, valid(t))
	_, err := app.Worker(t.Context(), []string{"thumbnails"})
	require.NoError(t, err)
	_, err = app.Worker(t.Context(), []string{"thumbs"})
	require.ErrorContains(t, err, `there is no pool "thumbs"`)
}

func TestOrdersHaveToExist(t *testing.T) {
	t.Parallel()
	cfg := valid(t)
	cfg.Orders.Table = "bestellungen"
	_, err := open(t, cfg).Worker(t.Context(), nil)
	require.ErrorContains(t, err, "bestellungen")
	part(t, err, wire.PartOrders)
	cfg = valid(t)
	cfg.Orders.URL = config.URL("sqlite://" + filepath.Join(t.TempDir(), "typo.db"))
	_, err = wire.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	part(t, err, wire.PartOrders)
	require.NoFileExists(t, cfg.Orders.URL.Reveal()[len("sqlite://"):])
}

func part(t *testing.T, err error, want wire.Part) {
	t.Helper()
	var open *wire.OpenError
	require.ErrorAs(t, err, &open)
	require.Equal(t, want, open.Part)
}

// A phone waits while Redis hangs: nothing of the producer's client may take longer than
// half a second, the wait for a connection of its pool included.
func TestRedisGivesUpSoon(t *testing.T) {
	t.Parallel()
	rdb, ok := open(t, valid(t)).Redis.(*redis.Client)
	require.True(t, ok)
	opt := rdb.Options()
	for name, d := range map[string]time.Duration{
		"dial": opt.DialTimeout, "read": opt.ReadTimeout, "write": opt.WriteTimeout, "pool": opt.PoolTimeout,
	} {
		require.LessOrEqual(t, d, 500*time.Millisecond, name)
	}
	require.LessOrEqual(t, opt.MaxRetries, 0)
}
