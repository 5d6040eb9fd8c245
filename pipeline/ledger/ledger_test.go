package ledger_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, url string, opt ledger.Options) *ledger.Ledger {
	t.Helper()
	db, err := sqldb.Create(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	opt.DB = db
	l, err := ledger.New(opt)
	require.NoError(t, err)
	require.NoError(t, l.Migrate(t.Context()))
	return l
}

func TestSQLite(t *testing.T) { suite(t, ledgertest.SQLite) }

func TestPostgres(t *testing.T) { suite(t, ledgertest.Postgres) }

func TestMariaDB(t *testing.T) { suite(t, sqldbtest.MariaDB) }

// suite runs the conformance suite on databases of one engine.
func suite(t *testing.T, database func(testing.TB) string) {
	t.Helper()
	t.Parallel()
	ledgertest.Run(t, func(t *testing.T, opt ledger.Options) *ledger.Ledger {
		t.Helper()
		return open(t, database(t), opt)
	})
}

func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := "sqlite://" + filepath.Join(t.TempDir(), "a folder", "ledger#1?.db")
	done := make(chan error, 4)
	for range cap(done) {
		go func() {
			db, err := sqldb.Create(t.Context(), url)
			if err == nil {
				var l *ledger.Ledger
				if l, err = ledger.New(ledger.Options{DB: db}); err == nil {
					err = l.Migrate(t.Context())
				}
				_ = db.Close()
			}
			done <- err
		}()
	}
	for range cap(done) {
		require.NoError(t, <-done)
	}
	require.NoError(t, open(t, url, ledger.Options{}).Ping(t.Context()))
}
