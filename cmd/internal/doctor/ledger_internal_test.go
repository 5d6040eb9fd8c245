package doctor

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/sqldb"
)

func TestLedgerVersion(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		engine  sqldb.Dialect
		version string
		level   Level
		what    string
	}{
		{sqldb.Postgres, "15.6 (Debian 15.6-1)", OK, "PostgreSQL 15.6 (Debian 15.6-1)"},
		{sqldb.Postgres, "13devel", OK, "PostgreSQL 13devel"},
		{sqldb.Postgres, "12.22", Fail, "PostgreSQL 12.22 is too old"},
		{sqldb.MySQL, "10.11.6-MariaDB-1", OK, "MariaDB 10.11.6-1"},
		{sqldb.MySQL, "5.5.5-10.5.23-MariaDB", OK, "MariaDB 10.5.23"},
		{sqldb.MySQL, "10.4.34-MariaDB", Fail, "MariaDB 10.4.34 is too old"},
		{sqldb.MySQL, "8.0.36-txsql", OK, "MySQL 8.0.36-txsql"},
		{sqldb.MySQL, "8.0.12", Fail, "MySQL 8.0.12 is too old"},
		{sqldb.MySQL, "5.7.44", Fail, "MySQL 5.7.44 is too old"},
		{sqldb.SQLite, "3.50.4", OK, "SQLite 3.50.4"},
	} {
		f := ledgerVersion(tt.engine, tt.version)
		require.Equal(t, []any{tt.level, tt.what}, []any{f.Level, f.What})
	}
}

func TestLedgerFile(t *testing.T) {
	t.Parallel()
	for free, want := range map[uint64]Level{0: Fail, noDisk - 1: Fail, noDisk: Warn, littleDisk - 1: Warn, littleDisk: OK} {
		require.Equal(t, want, diskSpace(free).Level, free)
	}
	require.Equal(t, OK, journal("wal").Level)
	require.Equal(t, Fail, journal("delete").Level)
	for _, tt := range []struct {
		file, folder os.FileMode
		want         Level
	}{
		{0o600, 0o755, OK},
		{0o640, 0o755, OK},
		{0o644, 0o755, Warn},
		{0o646, 0o751, Warn},
		{0o644, 0o750, OK},
	} {
		f := readers("/var/lib/afterput/ledger.db", tt.file, tt.folder)
		require.Equal(t, tt.want, f.Level, "%o in %o", tt.file, tt.folder)
		if tt.want == Warn {
			require.Equal(t, "chmod o-rwx /var/lib/afterput/ledger.db", f.Mend)
		}
	}
	_, err := freeBytes("/nowhere")
	require.Error(t, err)
}
