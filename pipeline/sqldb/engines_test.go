package sqldb_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

func openURL(t *testing.T, url string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Create(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// counters has a row for each of names.
func counters(t *testing.T, db *sqldb.DB, names ...string) {
	t.Helper()
	_, err := db.SQL().ExecContext(t.Context(), "CREATE TABLE counters (name VARCHAR(40) PRIMARY KEY, n INTEGER NOT NULL)")
	require.NoError(t, err)
	for _, name := range names {
		_, err := db.NewRaw("INSERT INTO counters (name, n) VALUES (?, 0)", name).Exec(t.Context())
		require.NoError(t, err)
	}
}

type counter struct {
	bun.BaseModel `bun:"table:counters,alias:c"`

	Name string `bun:"name,pk"`
	N    int    `bun:"n"`
}

func add(ctx context.Context, db *sqldb.DB, tx bun.Tx, name string) error {
	row := new(counter)
	if err := db.ForUpdate(tx.NewSelect().Model(row).Where("name = ?", name)).Scan(ctx); err != nil {
		return err
	}
	row.N++
	_, err := tx.NewUpdate().Model(row).WherePK().Exec(ctx)
	return err
}

func counted(t *testing.T, db *sqldb.DB, name string) (n int) {
	t.Helper()
	require.NoError(t, db.NewRaw("SELECT n FROM counters WHERE name = ?", name).Scan(t.Context(), &n))
	return n
}

func TestWrite(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, url string) {
		db := openURL(t, url)
		counters(t, db, "one")
		stop := errors.New("stop")
		err := db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
			return errors.Join(add(ctx, db, tx, "one"), stop)
		})
		require.ErrorIs(t, err, stop)
		require.Zero(t, counted(t, db, "one"), "rolled back")

		ctx, cancel := context.WithCancel(t.Context())
		err = db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
			defer cancel()
			return add(ctx, db, tx, "one")
		})
		require.Error(t, err)
		require.Zero(t, counted(t, db, "one"), "rolled back")

		upsert := "INSERT INTO counters (name, n) VALUES ('one', 7)" + db.Upsert([]string{"name"}, []string{"n"})
		for range 2 {
			res, err := db.NewRaw(upsert).Exec(t.Context())
			require.NoError(t, err)
			_, err = res.RowsAffected()
			require.NoError(t, err)
		}
		require.Equal(t, 7, counted(t, db, "one"))
		res, err := db.NewRaw("UPDATE counters SET n = 7 WHERE name = 'one'").Exec(t.Context())
		require.NoError(t, err)
		n, err := res.RowsAffected()
		require.NoError(t, err)
		require.EqualValues(t, 1, n, "the row was found, though nothing changed")
	})
}

// What transactions lose against each other they do again: locks taken crosswise, and the
// race to insert a row that none of them saw.
func TestWriteRunsAgain(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, url string) {
		db := openURL(t, url)
		counters(t, db, "one", "two")
		const writers = 20
		errs := make([]error, writers)
		var group sync.WaitGroup
		for i := range writers {
			group.Go(func() {
				order := []string{"one", "two"}
				if i%2 == 1 {
					order = []string{"two", "one"}
				}
				errs[i] = db.Write(t.Context(), func(ctx context.Context, tx bun.Tx) error {
					for _, name := range order {
						if err := add(ctx, db, tx, name); err != nil {
							return err
						}
					}
					var n int
					if err := tx.NewRaw("SELECT COUNT(*) FROM counters WHERE name = 'three'").Scan(ctx, &n); err != nil {
						return err
					}
					if n == 0 {
						_, err := tx.NewRaw("INSERT INTO counters (name, n) VALUES ('three', 0)").Exec(ctx)
						return err
					}
					return nil
				})
			})
		}
		group.Wait()
		require.NoError(t, errors.Join(errs...))
		require.Equal(t, writers, counted(t, db, "one"))
		require.Equal(t, writers, counted(t, db, "two"))
		require.Zero(t, counted(t, db, "three"))
	})
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, url string) {
		files := fstest.MapFS{"0001_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE a (n INTEGER);\nINSERT INTO a VALUES (1);\n")}}
		var group sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			group.Go(func() {
				db, err := sqldb.Create(t.Context(), url)
				if err == nil {
					err = errors.Join(db.Migrate(t.Context(), files), db.Close())
				}
				errs[i] = err
			})
		}
		group.Wait()
		require.NoError(t, errors.Join(errs...))
		var n int
		require.NoError(t, openURL(t, url).NewRaw("SELECT COUNT(*) FROM a").Scan(t.Context(), &n))
		require.Equal(t, 1, n)
	})
}

func TestBackupIsForSQLite(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, openURL(t, sqldbtest.Postgres(t)).Backup(t.Context(), t.TempDir()+"/b"), errors.ErrUnsupported)
}
