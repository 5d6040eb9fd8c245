package cli

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline"
)

func TestLedgerBackup(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	die(t, app)
	backup := filepath.Join(t.TempDir(), "ledger-backup.db")
	r := do(t, "ledger", "backup", backup, "-o", "json", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	require.Contains(t, r.out, `"file":`)
	require.FileExists(t, backup)

	cfg := *app.Config
	cfg.Ledger.URL = config.URL("sqlite://" + backup)
	restored := file(t, config.Encode(&cfg))
	require.Contains(t, do(t, "explain", key, "-c", restored).out, pipeline.UploadID(bucket, key))

	again := do(t, "ledger", "backup", backup, "-o", "json", "-c", path)
	require.Equal(t, exitConflict, again.code)
	require.Equal(t, "exists", again.failure(t)["code"])

	// Neither Redis nor the orders are asked for, and a ledger that is not there is not made.
	cfg.Redis.URL, cfg.Orders.URL = "redis://127.0.0.1:1/0", config.URL("sqlite://"+path+"/x.db")
	require.Equal(t, exitOK, do(t, "ledger", "backup", backup+".2", "-c", file(t, config.Encode(&cfg))).code)
	gone := filepath.Join(t.TempDir(), "gone.db")
	cfg.Ledger.URL = config.URL("sqlite://" + gone)
	r = do(t, "ledger", "backup", backup+".3", "-o", "json", "-c", file(t, config.Encode(&cfg)))
	require.Equal(t, exitFailed, r.code)
	require.Equal(t, "ledger_unreachable", r.failure(t)["code"])
	require.NoFileExists(t, gone)
}
