package devworld_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

func begin(t *testing.T, dir string) *devworld.World {
	t.Helper()
	w, err := devworld.Start(t.Context(), devworld.Options{Dir: dir, Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return w
}

func TestWorldKeepsItsIdentity(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "world")
	first := begin(t, dir)
	phone := first.Phone()
	first.Close()

	second := begin(t, dir)
	defer second.Close()
	again := second.Phone()
	again.API = phone.API // takes any port that is free
	require.Equal(t, phone, again)
}

func TestWorldLeavesItsConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := begin(t, dir)
	defer w.Close()
	path := filepath.Join(dir, devworld.ConfigFile)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it holds secrets")
	cfg, err := config.Load(config.Options{Path: path})
	require.NoError(t, err)
	require.NoError(t, cfg.RequireServe())
	require.NoError(t, cfg.RequireWorker())
	require.Equal(t, config.Encode(w.Config), config.Encode(cfg))
	require.Equal(t, w.Listener.Addr().String(), cfg.HTTP.Listen)
	require.Equal(t, []string{"none", devworld.DevOwner}, []string{cfg.Sign.Auth, cfg.Sign.DevOwner})
}

// Whoever lets others reach a dev world has to have its key.
func TestWorldForOthersAsksForTheKey(t *testing.T) {
	t.Parallel()
	w, err := devworld.Start(t.Context(), devworld.Options{Dir: t.TempDir(), Listen: "0.0.0.0:0", Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	defer w.Close()
	require.Equal(t, "key", w.Config.Sign.Auth)
	require.NoError(t, w.Config.Validate())
}

// A bucket's port that somebody has taken meanwhile moves, and the world still starts.
func TestWorldMovesItsBucket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := begin(t, dir)
	addr := w.COSURL()[len("http://"):]
	w.Close()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", addr)
	require.NoError(t, err)
	defer func() { _ = ln.Close() }()
	again := begin(t, dir)
	defer again.Close()
	require.NotEqual(t, addr, again.COSURL()[len("http://"):])
}

func TestWorldRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "identity.json"), []byte("{"), 0o600))
	_, err := devworld.Start(t.Context(), devworld.Options{Dir: dir, Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	require.ErrorContains(t, err, "to begin anew")

	w := begin(t, t.TempDir())
	defer w.Close()
	_, err = devworld.Start(t.Context(), devworld.Options{
		Dir: t.TempDir(), Listen: w.Listener.Addr().String(), Logger: slog.New(slog.DiscardHandler),
	})
	require.ErrorContains(t, err, "address already in use")
}

func TestSink(t *testing.T) {
	t.Parallel()
	w := begin(t, t.TempDir())
	defer w.Close()
	sign, err := standardwebhooks.NewWebhook(w.Config.Hooks.Secrets[0].Reveal())
	require.NoError(t, err)
	body := []byte(`{"type":"upload.done","data":{"uploadId":"u1","revision":1,"state":"done"}}`)
	now := time.Now()
	signature, err := sign.Sign("u1.1", now, body)
	require.NoError(t, err)
	post := func(signature string, body []byte) int {
		req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", bytes.NewReader(body))
		req.Header.Set(standardwebhooks.HeaderWebhookID, "u1.1")
		req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, timestamp(now))
		req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
		rec := httptest.NewRecorder()
		w.Hooks.ServeHTTP(rec, req)
		return rec.Code
	}
	require.Equal(t, http.StatusNoContent, post(signature, body))
	require.Equal(t, http.StatusNoContent, post(signature, body), "delivered again")
	require.Equal(t, http.StatusUnauthorized, post(signature, bytes.Replace(body, []byte("done"), []byte("gone"), 1)))
	require.Len(t, w.Hooks.Received(), 1, "one for each webhook-id")
	require.Equal(t, "u1.1", w.Hooks.Received()[0].ID)
	require.Equal(t, 1, w.Hooks.Forged())
}

func timestamp(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// A world on servers takes orders like the one on files, and leaves none of their passwords.
func TestWorldOnDatabases(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, url string) {
		dir := t.TempDir()
		start := func() *devworld.World {
			w, err := devworld.Start(t.Context(), devworld.Options{
				Dir: dir, Listen: "127.0.0.1:0", LedgerURL: url, OrdersURL: url, NoFile: true, Logger: slog.New(slog.DiscardHandler),
			})
			require.NoError(t, err)
			t.Cleanup(w.Close)
			return w
		}
		w := start()
		require.Equal(t, []string{url, url}, []string{w.Config.Ledger.URL.Reveal(), w.Config.Orders.URL.Reveal()})
		require.NoFileExists(t, filepath.Join(dir, devworld.ConfigFile))
		found, err := wire.InspectOrders(t.Context(), w.Config.Orders.OrderTable, w.Config)
		require.NoError(t, err)
		require.True(t, found.KeyUnique)
		app, err := wire.Open(t.Context(), w.Config, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		t.Cleanup(func() { _ = app.Close() })
		db, err := sqldb.Open(t.Context(), url)
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		_, err = db.SQL().ExecContext(t.Context(), "INSERT INTO orders (id, openid) VALUES ('a', 'o')")
		require.NoError(t, err)
		was, err := app.Orders.ReadOrder(t.Context(), "a")
		require.NoError(t, err)
		require.NoError(t, app.Orders.WriteImages(t.Context(), was, []string{"cos://b/1.jpg"}))
		start() // the tables are there already
		is, err := app.Orders.ReadOrder(t.Context(), "a")
		require.NoError(t, err)
		require.Equal(t, []string{"cos://b/1.jpg"}, is.Images)
	})
}
