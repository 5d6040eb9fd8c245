package sqldb_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline/sqldb"
)

func create(t *testing.T, path string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Create(t.Context(), "sqlite://"+path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// pair writes two rows in one transaction.
func pair(ctx context.Context, db *sqldb.DB) error {
	return db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewRaw("INSERT INTO pairs (side) VALUES ('left')").Exec(ctx); err != nil {
			return err
		}
		_, err := tx.NewRaw("INSERT INTO pairs (side) VALUES ('right')").Exec(ctx)
		return err
	})
}

func count(t *testing.T, db *sqldb.DB, side string) (n int) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM pairs WHERE side = ?", side).Scan(&n))
	return n
}

// A backup beside a writer holds whole transactions, all that were committed before it.
func TestBackupBesideWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := create(t, filepath.Join(dir, "ledger.db"))
	_, err := db.SQL().ExecContext(t.Context(), "CREATE TABLE pairs (side TEXT)")
	require.NoError(t, err)
	for range 20 {
		require.NoError(t, pair(t.Context(), db)) // in the WAL: the file itself is empty still
	}
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			if err := pair(context.WithoutCancel(t.Context()), db); err != nil {
				done <- err
				return
			}
		}
	}()
	path := filepath.Join(dir, "it's a backup?.db")
	err = db.Backup(t.Context(), path)
	close(stop)
	require.NoError(t, <-done)
	require.NoError(t, err)

	st, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), st.Mode().Perm())
	require.NoFileExists(t, path+".part")
	back := create(t, path)
	require.GreaterOrEqual(t, count(t, back, "left"), 20)
	require.Equal(t, count(t, back, "left"), count(t, back, "right"))
}

func TestBackupKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := create(t, filepath.Join(dir, "ledger.db"))
	path := filepath.Join(dir, "backup.db")
	require.NoError(t, os.WriteFile(path, []byte("the backup of yesterday"), 0o600))
	require.ErrorIs(t, db.Backup(t.Context(), path), fs.ErrExist)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "the backup of yesterday", string(b))

	require.ErrorIs(t, db.Backup(t.Context(), filepath.Join(dir, "nowhere", "backup.db")), fs.ErrNotExist)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path = filepath.Join(dir, "cut.db")
	require.ErrorIs(t, db.Backup(ctx, path), context.Canceled)
	require.NoFileExists(t, path)
	require.NoFileExists(t, path+".part")
}
