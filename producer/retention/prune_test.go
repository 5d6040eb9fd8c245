package retention_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/producer/retention"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T) (*ledger.Ledger, *ledgertest.Clock) {
	t.Helper()
	db, err := sqldb.Create(t.Context(), ledgertest.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	clock := ledgertest.NewClock()
	l, err := ledger.New(ledger.Options{DB: db, Now: clock.Now})
	require.NoError(t, err)
	return l, clock
}

func TestPrune(t *testing.T) {
	t.Parallel()
	l, clock := open(t)
	for i := range 1203 { // more than two pages
		_, err := l.Announce(t.Context(), fmt.Sprint("msg-", i), []pipeline.Announcement{{Bucket: "b-1", Key: "users/o1/1.jpg", FileID: "cos://b-1/users/o1/1.jpg"}})
		require.NoError(t, err)
	}
	clock.Add(24 * time.Hour)
	before := clock.Now().Add(-time.Hour)
	would, err := retention.Prunable(t.Context(), l, before)
	require.NoError(t, err)
	require.Equal(t, 1203, would.Total())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = retention.Prune(ctx, l, before, "tester", "cut off")
	require.Error(t, err)

	done, err := retention.Prune(t.Context(), l, before, "tester", "yearly")
	require.NoError(t, err)
	require.Equal(t, would, done)
	op, err := l.Operation(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, []string{"tester", "prune", "yearly"}, []string{op.Who, op.What, op.Note})
	require.JSONEq(t, `{"attempts":0,"inboundIds":1203,"letters":0,"operations":0,"removals":0,"signedKeys":0,"workers":0}`, op.Counts)
	again, err := retention.Prune(t.Context(), l, before, "tester", "again")
	require.NoError(t, err)
	require.Zero(t, again.Total())
}
