package sqldb_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, url string) {
		db := openURL(t, url)
		h, err := db.Health(t.Context())
		require.NoError(t, err)
		require.Regexp(t, `^\d+\.\d+`, h.Version)
		switch db.Engine { // the servers of the tests are made to forget
		case sqldb.Postgres:
			require.Equal(t, []string{"fsync=off", "full_page_writes=off"}, h.Lax)
		case sqldb.MySQL:
			require.Equal(t, []string{"innodb_flush_log_at_trx_commit=0", "innodb_doublewrite=OFF"}, h.Lax)
		case sqldb.SQLite:
			require.Empty(t, h.Lax)
			require.Equal(t, "wal", h.Journal)
			require.Equal(t, "sqlite://"+h.Path, url)
		}
		before := time.Now()
		now, err := db.Clock(t.Context())
		require.NoError(t, err)
		require.WithinRange(t, now, before.Add(-time.Second), time.Now().Add(time.Second), "one machine has one clock")
	})
}

// To look at a database leaves nothing in it, and shows what a newer program has done.
func TestMigrationsRead(t *testing.T) {
	t.Parallel()
	const up = "-- +goose Up\n"
	one := fstest.MapFS{"0001_a.sql": {Data: []byte(up + "CREATE TABLE a (n INTEGER);")}}
	two := fstest.MapFS{"0001_a.sql": one["0001_a.sql"], "0002_b.sql": {Data: []byte(up + "CREATE TABLE b (n INTEGER);")}}
	sqldbtest.Each(t, func(t *testing.T, url string) {
		db := openURL(t, url)
		for range 2 {
			list, err := db.Migrations(t.Context(), two)
			require.NoError(t, err)
			require.Equal(t, []sqldb.Migration{{Version: 1, File: "0001_a.sql"}, {Version: 2, File: "0002_b.sql"}}, list)
		}
		_, err := db.SQL().ExecContext(t.Context(), "SELECT 1 FROM goose_db_version")
		require.Error(t, err, "nobody made it")

		require.NoError(t, db.Migrate(t.Context(), two))
		list, err := db.Migrations(t.Context(), one)
		require.NoError(t, err)
		require.Len(t, list, 2)
		require.Equal(t, []string{"0001_a.sql", ""}, []string{list[0].File, list[1].File})
		require.Equal(t, int64(2), list[1].Version)
		for _, m := range list {
			require.WithinDuration(t, time.Now(), m.AppliedAt, time.Hour)
		}
	})
}
