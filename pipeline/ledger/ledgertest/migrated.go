package ledgertest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

// SQLite gives the URL of an empty ledger with all of its tables, in a folder of the test.
// They are made once for the process, and copied: most tests of a ledger take less time than
// its migrations.
func SQLite(t testing.TB) string {
	t.Helper()
	file, err := empty()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "ledger.db")
	require.NoError(t, os.WriteFile(path, file, 0o600))
	return "sqlite://" + path
}

// empty is the file of an empty ledger.
var empty = sync.OnceValues(func() (file []byte, err error) { //nolint:gochecknoglobals // one per test process by its nature
	dir, err := os.MkdirTemp("", "afterput-ledger-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "ledger.db")
	if err := migrate(context.Background(), "sqlite://"+path); err != nil { // and all of it is in the one file
		return nil, err
	}
	return os.ReadFile(path)
})

// Postgres is SQLite on a PostgreSQL.
func Postgres(t testing.TB) string {
	t.Helper()
	return template.Postgres(t)
}

var template = sqldbtest.Template{Prepare: migrate} //nolint:gochecknoglobals // one per test process by its nature

// migrate makes the tables of a ledger.
func migrate(ctx context.Context, url string) (err error) {
	db, err := sqldb.Create(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	l, err := ledger.New(ledger.Options{DB: db})
	if err != nil {
		return err
	}
	return l.Migrate(ctx)
}
