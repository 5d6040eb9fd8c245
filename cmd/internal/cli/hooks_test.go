package cli

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/tasks/redistest"
)

const hookKey = "whsec_aHVzaC1odXNoLWh1c2gtaHVzaC1odXNoLWh1c2g="

// hooked is a world with the endpoints default and crm at a server that answers with status.
func hooked(t *testing.T, status *atomic.Int32) (path string, app *wire.App) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(server.Close)
	cfg := config.Default()
	cfg.Redis.URL = config.URL(redistest.Mini(t))
	cfg.Ledger.URL = config.URL("sqlite://" + filepath.Join(t.TempDir(), "ledger.db"))
	cfg.Buckets = []config.Bucket{{Name: bucket, Region: "ap-guangzhou", Visibility: "private", Endpoint: "http://127.0.0.1:1", SecretID: "AKIDEXAMPLE", SecretKey: "example"}}
	withUser := strings.Replace(server.URL, "http://", "http://user:hush@", 1)
	cfg.Hooks.URL, cfg.Hooks.Secrets, cfg.Hooks.AllowPrivate = config.URL(withUser+"/hush?key=hush"), []config.Secret{hookKey}, true
	cfg.Hooks.Endpoints = []config.HookEndpoint{{
		Name: "crm", URL: config.URL(server.URL), Secrets: []config.Secret{hookKey}, Events: []string{"upload.done", "upload.gone"},
	}}
	app, err := wire.Open(t.Context(), cfg, discard())
	require.NoError(t, err)
	t.Cleanup(func() { _ = app.Close() })
	return file(t, config.Encode(cfg)), app
}

func TestHooks(t *testing.T) {
	t.Parallel()
	var status atomic.Int32
	status.Store(http.StatusNoContent)
	path, app := hooked(t, &status)
	list := do(t, "-c", path, "-o", "json", "hooks", "list")
	require.Equal(t, exitOK, list.code, list.err)
	require.Equal(t, map[string]any{"endpoint": "default", "state": "enabled", "events": "upload.*"}, pick(list.item(t, 0), "endpoint", "state", "events"))
	require.Equal(t, map[string]any{"endpoint": "crm", "state": "enabled", "events": "upload.done,upload.gone"}, pick(list.item(t, 1), "endpoint", "state", "events"))
	require.NotContains(t, list.out, "hush")

	tried := do(t, "-c", path, "-o", "json", "hooks", "test", "crm")
	require.Equal(t, exitOK, tried.code, tried.err)
	require.Equal(t, map[string]any{"endpoint": "crm", "ok": true, "status": 204.0}, pick(tried.item(t, 0), "endpoint", "ok", "status"))
	status.Store(http.StatusGone)
	tried = do(t, "-c", path, "-o", "json", "hooks", "test", "default")
	require.Equal(t, exitFailed, tried.code)
	require.Equal(t, map[string]any{"ok": false, "status": 410.0}, pick(tried.item(t, 0), "ok", "status"))
	require.Contains(t, tried.err, "410")
	require.NotContains(t, tried.out+tried.err, "hush")

	for _, name := range []string{"crm", "old"} {
		require.NoError(t, app.Ledger.DisableEndpoint(t.Context(), name, "it answered 410"))
	}
	list = do(t, "-c", path, "-o", "json", "hooks", "list")
	require.Equal(t, map[string]any{"endpoint": "crm", "state": "disabled", "why": "it answered 410"}, pick(list.item(t, 1), "endpoint", "state", "why"))
	require.Equal(t, map[string]any{"endpoint": "old", "state": "disabled, not configured"}, pick(list.item(t, 2), "endpoint", "state"))
	for _, changed := range []bool{true, false} {
		r := do(t, "-c", path, "-o", "json", "hooks", "enable", "crm", "--note", "moved")
		require.Equal(t, exitOK, r.code, r.err)
		require.Equal(t, map[string]any{"endpoint": "crm", "changed": changed}, pick(r.item(t, 0), "endpoint", "changed"))
	}
	require.Equal(t, exitOK, do(t, "-c", path, "hooks", "enable", "old").code, "one that left the configuration")

	for _, args := range [][]string{{"test", "nobody"}, {"enable", "nobody"}} {
		r := do(t, append([]string{"-c", path, "hooks"}, args...)...)
		require.Equal(t, exitNotFound, r.code)
		require.Contains(t, r.err, "afterput hooks list shows the endpoints")
	}
	for _, args := range [][]string{{"test"}, {"enable"}, {"list", "x"}, {"test", "a", "b"}} {
		require.Equal(t, exitUsage, do(t, append([]string{"-c", path, "hooks"}, args...)...).code, args)
	}
}
