package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// A task that a live worker works on gets a lease again and is not run twice.
func TestLeaseOfALiveWorkerIsMended(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		run, lease, list := b.active(leaseLength)
		require.NoError(t, b.ledger.Heartbeat(t.Context(), "w9", ""))
		_, err := b.ledger.Begin(t.Context(), run, "w9", beginHold)
		require.NoError(t, err)
		require.NoError(t, b.rdb.Del(t.Context(), lease).Err())
		r := b.recoverer()
		r.round(t.Context())
		require.Empty(t, b.counts(), "it has to be seen twice")
		r.round(t.Context())
		require.Equal(t, map[Repair]int64{RepairLease: 1}, b.counts())
		require.Greater(t, b.rdb.ZScore(t.Context(), lease, tasks.ID(run)).Val(), float64(time.Now().Unix()))
		require.Equal(t, []string{tasks.ID(run)}, b.rdb.LRange(t.Context(), list, 0, -1).Val())
		require.Contains(t, b.log.String(), "took up active tasks that had no lease")
	})
}

// The net: a step whose sweep time a wrong clock has put off is found all the same.
func TestRollFindsWhatIsNotDue(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	b.swept()
	id := b.pending(0)
	_, err := b.db.SQL().ExecContext(t.Context(), "UPDATE upload_steps SET sweep_after = ?", clock.Now().Add(24*time.Hour).UnixMicro())
	require.NoError(t, err)
	require.NoError(t, b.rdb.Del(t.Context(), checksPending, checksHash+id).Err())
	require.Zero(t, b.swept(), "it has just been wished for")
	clock.Add(2 * time.Minute)
	require.Equal(t, 1, b.swept())
	b.whole([]string{id})
}

func TestRollTakesItsTurns(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	b.swept()
	var ids []string
	for i := range rollPage + 20 {
		ids = append(ids, b.pending(i))
	}
	_, err := b.db.SQL().ExecContext(t.Context(), "UPDATE upload_steps SET sweep_after = ?", clock.Now().Add(24*time.Hour).UnixMicro())
	require.NoError(t, err)
	clock.Add(2 * time.Minute)
	s := b.sweeper()
	for range 2 {
		for _, id := range ids {
			require.NoError(t, b.rdb.Del(t.Context(), checksPending, checksHash+id).Err())
		}
		for _, want := range []int{rollPage, 20} {
			n, err := s.sweep(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, n)
		}
	}
}
