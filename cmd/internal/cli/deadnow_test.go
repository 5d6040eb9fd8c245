package cli

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

// stocked is a world whose bucket answers, with the check of one object dead.
func stocked(t *testing.T) (path string, app *wire.App, server *coslocal.Server) {
	t.Helper()
	_, app = world(t)
	cfg := *app.Config
	b := cfg.Buckets[0]
	server, err := coslocal.New(coslocal.Options{Dir: t.TempDir(), Bucket: bucket, Keys: map[string]string{b.SecretID: b.SecretKey.Reveal()}})
	require.NoError(t, err)
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		web.Close()
	})
	b.Endpoint = web.URL
	cfg.Buckets = []config.Bucket{b}
	app, err = wire.Open(t.Context(), &cfg, discard())
	require.NoError(t, err)
	t.Cleanup(func() { _ = app.Close() })
	die(t, app)
	return file(t, config.Encode(&cfg)), app, server
}

func stock(t *testing.T, app *wire.App) {
	t.Helper()
	_, err := app.Objects.Put(t.Context(), bucket, key, []byte("photo"), pipeline.PutOptions{})
	require.NoError(t, err)
}

// dead show says what the bucket and the ledger say now, and what follows.
func TestDeadShowNow(t *testing.T) {
	t.Parallel()
	path, app, _ := stocked(t)
	show := func() map[string]any { return do(t, "dead", "show", "1", "-o", "json", "-c", path).object(t) }
	v := show()
	require.Equal(t, map[string]any{"state": "gone"}, v["object"])
	require.Contains(t, v["fix"], "upload it again, or give up: afterput dead discard 1")
	ledger, ok := v["ledger"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, "in flight", ledger["upload"], "its outcome is still to be notified")
	require.Equal(t, map[string]any{"step": "check", "state": "dead", "gen": 1.0}, pick(ledger["step"].(map[string]any), "step", "state", "gen")) //nolint:forcetypeassert // a test

	stock(t, app)
	v = show()
	require.Equal(t, "the object is in the bucket now: afterput dead replay 1", v["fix"])
	object, ok := v["object"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, map[string]any{"state": "there", "size": 5.0}, pick(object, "state", "size"))

	require.Equal(t, exitOK, do(t, "dead", "replay", "1", "-c", path).code)
	require.Contains(t, show()["fix"], "wait: it was replayed")

	// A bucket that does not answer is no reason to show nothing.
	away, app := world(t)
	die(t, app)
	v = do(t, "dead", "show", "1", "-o", "json", "-c", away).object(t)
	require.Equal(t, "unknown", v["object"].(map[string]any)["state"]) //nolint:forcetypeassert // a test
	require.Contains(t, v["fix"], "check that the object is in the bucket")
}

// discard --keep-object=false asks however few they are, and deletes.
func TestDeadDiscardDeletes(t *testing.T) {
	t.Parallel()
	path, app, server := stocked(t)
	stock(t, app)
	args := []string{"dead", "discard", "1", "--keep-object=false", "--note", "spam", "-o", "json", "-c", path}
	dry := do(t, append(args, "--dry-run")...)
	require.Equal(t, exitOK, dry.code, dry.err)
	require.Contains(t, dry.err, "would discard 1 letters and delete their objects for ever")
	r := do(t, args...)
	require.Equal(t, exitUsage, r.code)
	require.Equal(t, "confirmation_required", r.failure(t)["code"])
	require.Equal(t, map[pipeline.LetterState]int{pipeline.LetterOpen: 1}, states(t, app))
	require.Equal(t, []string{key}, server.Keys())

	r = do(t, append(args, "-y")...)
	require.Equal(t, exitOK, r.code, r.err)
	require.Equal(t, map[string]any{"discarded": 1.0, "deleted": 1.0, "kept": 0.0}, pick(r.object(t), "discarded", "deleted", "kept"))
	require.Empty(t, server.Keys())
}

// An object that cannot be deleted is told, and the exit code is 3.
func TestDeadDiscardKeeps(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	die(t, app)
	r := do(t, "dead", "discard", "1", "--keep-object=false", "--note", "spam", "-y", "-o", "json", "-c", path)
	require.Equal(t, exitPartial, r.code, r.err)
	require.Equal(t, 1.0, r.object(t)["kept"])
	require.Contains(t, r.err, "letter 1: "+key+": the object stays in the bucket")
	require.Equal(t, map[pipeline.LetterState]int{pipeline.LetterDiscarded: 1}, states(t, app))
}
