package cli

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

func TestReconcile(t *testing.T) {
	t.Parallel()
	_, app := world(t)
	cfg := *app.Config
	cos, err := coslocal.New(coslocal.Options{Dir: t.TempDir(), Bucket: bucket, Keys: map[string]string{"AKIDEXAMPLE": "example"}})
	require.NoError(t, err)
	web := httptest.NewServer(cos)
	t.Cleanup(web.Close)
	t.Cleanup(func() { _ = cos.Close() })
	cfg.Owners.Required = true
	cfg.Buckets = []config.Bucket{cfg.Buckets[0]}
	cfg.Buckets[0].Endpoint = web.URL
	path := file(t, config.Encode(&cfg))
	uploaded, err := wire.Open(t.Context(), &cfg, discard())
	require.NoError(t, err)
	t.Cleanup(func() { _ = uploaded.Close() })
	for _, key := range []string{"stray.jpg", "users/o1/中 文+1%.jpg", "users/o1/2.jpg"} {
		_, err := uploaded.Objects.Put(t.Context(), bucket, key, []byte("x"), pipeline.PutOptions{})
		require.NoError(t, err)
	}
	run := func(args ...string) result { return do(t, append([]string{"reconcile", "-q", "-c", path}, args...)...) }

	young := run()
	require.Equal(t, exitOK, young.code, young.err)
	require.Equal(t, "SCANNED\tMATCHED\tMISSING\tORPHANS\tSTALE\tUNATTACHED\tTHUMBNAILS\tHEALED\tREFUSED\tSETTLING\n"+
		"3\t0\t0\t0\t0\t0\t0\t0\t0\t3\n", young.out)

	dry := run("--min-age", "0s")
	require.Equal(t, exitPartial, dry.code)
	require.Contains(t, dry.out, "missing\trefused\tOWNER_MISSING\tstray.jpg\t")
	require.Contains(t, dry.out, "missing\tfound\t\tusers/o1/中 文+1%.jpg\t")
	require.Contains(t, dry.err, "heal them with --apply")
	require.Equal(t, 1, strings.Count(run("--min-age", "0s", "--fields", "key", "--no-headers", "--prefix", "stray").out, "stray.jpg\n"))

	checkpoint := filepath.Join(t.TempDir(), "reconcile.json")
	first := run("--min-age", "0s", "--apply", "--since", "24h", "--limit", "2", "--checkpoint", checkpoint, "-o", "jsonl")
	require.Equal(t, exitPartial, first.code, "stray.jpg is refused")
	require.Equal(t, 3, strings.Count(first.out, "\n"), first.out)
	other := run("--min-age", "0s", "--apply", "--since", "23h", "--checkpoint", checkpoint, "-o", "json")
	require.Equal(t, exitUsage, other.code)
	require.Contains(t, other.failure(t)["message"], "a run with other flags")
	second := run("--min-age", "0s", "--apply", "--since", "24h", "--checkpoint", checkpoint, "-o", "json").object(t)
	require.Equal(t, map[string]any{
		"schema": "afterput.reconcile.v1", "scanned": 3.0, "missing": 3.0, "healed": 2.0, "refused": 1.0, "limited": false,
	}, pick(second, "schema", "scanned", "missing", "healed", "refused", "limited"))
	require.Len(t, second["items"], 1, "the first run told the others")
	require.NoFileExists(t, checkpoint)

	healed := run("--min-age", "0s", "--apply", "--prefix", "users/")
	require.Equal(t, exitOK, healed.code, healed.err)
	uploads, err := app.Ledger.Find(t.Context(), "users/o1/中 文+1%.jpg", 1)
	require.NoError(t, err)
	require.Equal(t, "reconcile", uploads[0].Source)

	require.NoError(t, cos.Close())
	away := run("-o", "json")
	require.Equal(t, exitStorage, away.code, away.err)
	require.Equal(t, "storage_unreachable", away.failure(t)["code"])
	require.Empty(t, away.out)
}

func TestReconcileUsage(t *testing.T) {
	t.Parallel()
	path, _ := world(t)
	broken := filepath.Join(t.TempDir(), "broken.json")
	require.NoError(t, os.WriteFile(broken, []byte("{"), 0o600))
	for want, args := range map[string][]string{
		`--mode "mismatch"`:                  {"--mode", "mismatch"},
		`--since "yesterday"`:                {"--since", "yesterday"},
		`--until "1"`:                        {"--until", "1"},
		`--rate "50/d"`:                      {"--rate", "50/d"},
		"--limit -1":                         {"--limit", "-1"},
		"--min-age and --older-than":         {"--min-age", "-1s"},
		"is no checkpoint":                   {"--checkpoint", broken},
		"--apply and --dry-run: want":        {"--apply", "--dry-run"},
		`--bucket "other-1" is not`:          {"--bucket", "other-1", "-c", path},
		`unknown field "x"`:                  {"--fields", "x", "-c", path},
		`unknown command "x" for "afterput `: {"x"},
	} {
		r := do(t, append([]string{"reconcile"}, args...)...)
		require.Equal(t, exitUsage, r.code, "%v: %s", args, r.err)
		require.Contains(t, r.err, want)
	}
}
