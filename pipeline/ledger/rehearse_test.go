package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

func TestRehearse(t *testing.T) {
	t.Parallel()
	sqldbtest.Each(t, func(t *testing.T, url string) {
		db, err := sqldb.Create(t.Context(), url)
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		l, err := ledger.New(ledger.Options{DB: db})
		require.NoError(t, err)
		err = l.Rehearse(t.Context())
		require.Error(t, err, "there is no table")
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))

		require.NoError(t, l.Migrate(t.Context()))
		require.NoError(t, l.Rehearse(t.Context()))
		var rows int
		require.NoError(t, db.NewRaw("SELECT COUNT(*) FROM leases").Scan(t.Context(), &rows))
		require.Zero(t, rows, "what it wrote was taken back")
		require.NoError(t, l.Ping(t.Context()))
	})
}
