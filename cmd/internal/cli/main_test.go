package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/orders/orderstest"
	"github.com/afterput/afterput/tasks/redistest"
)

// result is what a command line left behind.
type result struct {
	code     int
	out, err string
}

// do runs one command line in process.
func do(t *testing.T, args ...string) result {
	t.Helper()
	return doWith(t, nil, "", args...)
}

func doWith(t *testing.T, environ []string, stdin string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(context.WithoutCancel(t.Context()), args, environ, strings.NewReader(stdin), &out, &errs)
	return result{code, out.String(), errs.String()}
}

// object reads the JSON object that a command printed.
func (r result) object(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.out), &v), r.out+r.err)
	return v
}

// item reads one item of the JSON table that a command printed.
func (r result) item(t *testing.T, i int) map[string]any {
	t.Helper()
	items, ok := r.object(t)["items"].([]any)
	require.True(t, ok, r.out)
	require.Greater(t, len(items), i, r.out)
	item, ok := items[i].(map[string]any)
	require.True(t, ok, r.out)
	return item
}

// failure reads the JSON error that a command printed.
func (r result) failure(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	lines := strings.Split(strings.TrimSpace(r.err), "\n")
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &v), r.err)
	return v
}

// file writes a configuration and gives its path.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), config.FileName)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

const bucket = "photos-1250000000"

// world is a configuration that every command can work on, without a worker: an
// embedded Redis and a ledger in a folder of the test.
func world(t *testing.T) (path string, app *wire.App) {
	t.Helper()
	cfg := config.Default()
	cfg.Redis.URL = config.URL(redistest.Mini(t))
	cfg.Ledger.URL = config.URL("sqlite://" + filepath.Join(t.TempDir(), "ledger.db"))
	cfg.Orders.URL = config.URL(orderstest.Shop(t))
	cfg.Buckets = []config.Bucket{{
		Name: bucket, Region: "ap-guangzhou", Visibility: "private", SecretID: "AKIDEXAMPLE", SecretKey: "example",
		Endpoint: "http://127.0.0.1:1",
	}}
	app, err := wire.Open(t.Context(), cfg, discard())
	require.NoError(t, err)
	t.Cleanup(func() { _ = app.Close() })
	return file(t, config.Encode(cfg)), app
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
