package ledgertest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/sqldb"
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
	ctx := context.Background()
	db, err := sqldb.Create(ctx, "sqlite://"+path)
	if err != nil {
		return nil, err
	}
	l, err := ledger.New(ledger.Options{DB: db})
	if err == nil {
		err = l.Migrate(ctx)
	}
	if cerr := db.Close(); err == nil { // which moves everything into the one file
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
