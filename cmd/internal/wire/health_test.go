package wire_test

import (
	"encoding/json"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/health"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/tasks/redistest"
)

// ready asks /readyz.
func ready(t *testing.T, h http.Handler) (status int, r health.Report, reasons map[string]string) {
	t.Helper()
	rec := ask(h, "GET", "/readyz", "")
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &r), rec.Body.String())
	reasons = make(map[string]string)
	for _, c := range r.Checks {
		if c.Reason != "" {
			reasons[c.Name] = c.Reason
		}
	}
	return rec.Code, r, reasons
}

// storage is a configuration whose bucket answers; the door that it comes in by tells the
// bucket's server.
func storage(t *testing.T, secret string) *config.Config {
	t.Helper()
	cfg := valid(t)
	server, err := coslocal.New(coslocal.Options{
		Dir: t.TempDir(), Bucket: cfg.Buckets[0].Name, Keys: map[string]string{cfg.Buckets[0].SecretID: secret},
	})
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	web := &http.Server{Handler: server, ReadHeaderTimeout: time.Second}
	go func() { _ = web.Serve(ln) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = web.Close()
	})
	cfg.Buckets[0].Endpoint = "http://" + ln.Addr().String()
	return cfg
}

// serve takes announcements while everything but the ledger is away, and tells what is.
func TestReady(t *testing.T) {
	t.Parallel()
	app := open(t, storage(t, "example"))
	h, err := app.Handler()
	require.NoError(t, err)
	status, r, reasons := ready(t, h)
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, reasons)
	require.Equal(t, health.Ready, r.State)
	require.Len(t, r.Checks, 5)

	cfg := storage(t, "another secret")
	cfg.Redis.URL = config.URL("redis://" + redistest.Away(t).Options().Addr)
	app = open(t, cfg)
	h, err = app.Handler()
	require.NoError(t, err)
	status, r, reasons = ready(t, h)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, health.Degraded, r.State)
	require.Equal(t, map[string]string{
		"redis": "redis does not answer: tasks wait in the ledger", "storage": "photos-1250000000 refuses the key",
	}, reasons)

	require.NoError(t, app.Close())
	h, err = app.Handler() // whose prober has found nothing yet
	require.NoError(t, err)
	status, _, reasons = ready(t, h)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "ledger: not reachable", reasons["ledger"])
	require.Equal(t, http.StatusOK, ask(h, "GET", "/healthz", "").Code)
}

// A worker needs Redis too, and is ready while it runs.
func TestWorkerHandler(t *testing.T) {
	t.Parallel()
	loopback, everywhere := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4zero}
	app := open(t, storage(t, "example"))
	w, err := app.Worker(t.Context(), []string{"hooks"})
	require.NoError(t, err)
	at := func(addr net.Addr) http.Handler {
		t.Helper()
		h, err := app.WorkerHandler(addr, w)
		require.NoError(t, err)
		return h
	}
	status, _, reasons := ready(t, at(loopback))
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, map[string]string{"worker": "it starts or stops"}, reasons)
	require.NoError(t, w.Start(t.Context()))
	status, _, reasons = ready(t, at(loopback))
	require.Equal(t, http.StatusOK, status, reasons)
	require.Equal(t, http.StatusOK, ask(at(loopback), "GET", "/healthz", "").Code)
	require.Equal(t, http.StatusOK, ask(at(loopback), "GET", "/metrics", "").Code)
	require.Equal(t, http.StatusUnauthorized, ask(at(everywhere), "GET", "/metrics", "").Code)
	require.Equal(t, http.StatusForbidden, ask(at(everywhere), "GET", "/metrics", announcer).Code)
	require.Equal(t, http.StatusOK, ask(at(everywhere), "GET", "/metrics", watcher).Code)
	require.Equal(t, http.StatusNotFound, ask(at(loopback), "POST", "/v1/uploads", announcer).Code)
	w.Shutdown()
	status, _, _ = ready(t, at(loopback))
	require.Equal(t, http.StatusServiceUnavailable, status)

	cfg := valid(t)
	cfg.Redis.URL = config.URL("redis://" + redistest.Away(t).Options().Addr)
	app = open(t, cfg)
	w, err = app.Worker(t.Context(), nil)
	require.NoError(t, err)
	h, err := app.WorkerHandler(loopback, w)
	require.NoError(t, err)
	_, r, _ := ready(t, h)
	require.Equal(t, health.Unready, r.Checks[1].State, r.Checks[1].Name)
}
