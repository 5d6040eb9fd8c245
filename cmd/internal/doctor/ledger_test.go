package doctor_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/doctor"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

func ledgerOf(rawURL string) doctor.Ledger {
	cfg := config.Default()
	cfg.Ledger.URL = config.URL(rawURL)
	return doctor.Ledger{Open: func(ctx context.Context) (*sqldb.DB, *ledger.Ledger, error) { return wire.OpenLedger(ctx, cfg) }}
}

// statements runs them on a database, which is made where it is a file.
func statements(t *testing.T, rawURL string, list ...string) {
	t.Helper()
	db, err := sqldb.Create(t.Context(), rawURL)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	for _, s := range list {
		_, err := db.SQL().ExecContext(t.Context(), s)
		require.NoError(t, err, s)
	}
}

func migrated(t *testing.T, rawURL string) {
	t.Helper()
	cfg := config.Default()
	cfg.Ledger.URL = config.URL(rawURL)
	_, err := wire.MigrateLedger(t.Context(), cfg)
	require.NoError(t, err)
}

func TestLedger(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, rawURL string) {
		engine, err := sqldb.EngineOf(rawURL)
		require.NoError(t, err)
		check := ledgerOf(rawURL)
		if engine == sqldb.SQLite {
			wants(t, check.Run(t.Context()), doctor.Fail, "there is no ledger", "afterput migrate up")
			statements(t, rawURL)
		}
		wants(t, check.Run(t.Context()), doctor.Fail, "migrations are pending: 000", "afterput migrate up")
		migrated(t, rawURL)
		findings := check.Run(t.Context())
		name := map[sqldb.Dialect]string{sqldb.SQLite: "SQLite 3.", sqldb.Postgres: "PostgreSQL ", sqldb.MySQL: "MariaDB "}[engine]
		wants(t, findings, doctor.OK, name, "")
		wants(t, findings, doctor.OK, "the schema is that of version ", "")
		wants(t, findings, doctor.OK, "it takes writes", "")
		if engine == sqldb.SQLite {
			wants(t, findings, doctor.OK, "it runs in WAL mode", "")
			about(t, findings, "of its disk are free")
			path := strings.TrimPrefix(rawURL, "sqlite://")
			require.NoError(t, os.Chmod(filepath.Dir(path), 0o755))
			require.NoError(t, os.Chmod(path, 0o644))
			wants(t, check.Run(t.Context()), doctor.Warn, "every account of this machine may open it", "chmod o-rwx "+path)
			require.NoError(t, os.Chmod(path, 0o600))
			wants(t, check.Run(t.Context()), doctor.OK, "others cannot read it", "")
		} else {
			wants(t, findings, doctor.Warn, "may be lost when its machine fails: ", "set them back")
			wants(t, findings, doctor.OK, "the clock of the database agrees", "")
			check.Now = func() time.Time { return time.Now().Add(-time.Hour) }
			wants(t, check.Run(t.Context()), doctor.Warn, "behind that of the database", "by NTP")
		}

		statements(t, rawURL, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9001, "+
			map[bool]string{true: "TRUE", false: "1"}[engine == sqldb.Postgres]+")")
		wants(t, check.Run(t.Context()), doctor.Warn, "a newer afterput has changed the schema: 9001", "the same version")
	})
}

func TestLedgerTakesNoWrites(t *testing.T) {
	t.Parallel()
	t.Run("read-only", func(t *testing.T) {
		t.Parallel()
		raw := sqldbtest.Postgres(t)
		migrated(t, raw)
		u, err := url.Parse(raw)
		require.NoError(t, err)
		statements(t, raw, "ALTER DATABASE "+strings.TrimPrefix(u.Path, "/")+" SET default_transaction_read_only = on")
		wants(t, ledgerOf(raw).Run(t.Context()), doctor.Fail, "the ledger takes no writes", "the primary and no replica")
	})
	t.Run("no right", func(t *testing.T) {
		t.Parallel()
		raw := sqldbtest.MariaDB(t)
		migrated(t, raw)
		u, err := url.Parse(raw)
		require.NoError(t, err)
		statements(t, raw, "CREATE OR REPLACE USER reader@'%' IDENTIFIED BY 'hunter2'", "GRANT SELECT ON "+strings.TrimPrefix(u.Path, "/")+".* TO reader@'%'")
		u.User = url.UserPassword("reader", "hunter2")
		findings := ledgerOf(u.String()).Run(t.Context())
		wants(t, findings, doctor.Fail, "the ledger takes no writes", "grant the user its tables")
		require.NotContains(t, fmt.Sprint(findings), "hunter2")
	})
	t.Run("no right to look", func(t *testing.T) {
		t.Parallel()
		raw := sqldbtest.Postgres(t)
		migrated(t, raw)
		statements(t, raw, "DROP ROLE IF EXISTS looker", "CREATE ROLE looker LOGIN")
		t.Cleanup(func() {
			db, err := sqldb.Open(context.WithoutCancel(t.Context()), raw)
			require.NoError(t, err)
			defer func() { _ = db.Close() }()
			_, err = db.SQL().ExecContext(context.WithoutCancel(t.Context()), "DROP ROLE looker")
			require.NoError(t, err)
		})
		findings := ledgerOf(strings.Replace(raw, "postgres@", "looker@", 1)).Run(t.Context())
		wants(t, findings, doctor.Fail, "goose_db_version", "let the user read")
	})
}

func TestLedgerAway(t *testing.T) {
	t.Parallel()
	junk := filepath.Join(t.TempDir(), "junk")
	require.NoError(t, os.WriteFile(junk, []byte(strings.Repeat("no database ", 1000)), 0o600))
	for _, raw := range []string{"postgres://u:hunter2@127.0.0.1:1/d", "mysql://u:hunter2@127.0.0.1:1/d", "sqlite://" + junk} {
		findings := ledgerOf(raw).Run(t.Context())
		require.Len(t, findings, 1, raw)
		require.Equal(t, doctor.Fail, findings[0].Level)
		require.Contains(t, findings[0].Mend, "is ledger.url right?")
		require.NotContains(t, fmt.Sprint(findings), "hunter2")
	}
}
