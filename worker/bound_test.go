package worker

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// crowded makes a sweeper over n pending checks whose tasks are in the queue and whose
// sweep times are ahead, and makes its first round, which is a full one.
func crowded(t testing.TB, rdb *redis.Client, n int) *sweeper {
	t.Helper()
	ctx := t.Context()
	db, err := sqldb.Create(ctx, ledgertest.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	l, err := ledger.New(ledger.Options{DB: db})
	require.NoError(t, err)
	inspect := asynq.NewInspectorFromRedisClient(rdb)
	s := &sweeper{
		ledger: l, queue: tasks.NewEnqueuer(rdb, nil, nil), desk: tasks.NewDesk(rdb), rdb: rdb, inspect: inspect,
		repairs: newRepairCounts(), now: time.Now, log: slog.New(slog.DiscardHandler),
	}
	_, err = s.sweep(ctx)
	require.NoError(t, err)

	const series = "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM i WHERE n < ?) "
	_, err = db.SQL().ExecContext(ctx, series+`INSERT INTO uploads (id, bucket, object_key, file_id, created_at, updated_at)
		SELECT printf('%040x', n), 'photos-1250000000', 'users/o1/' || n || '.jpg', 'f' || n, 0, 0 FROM i`, n)
	require.NoError(t, err)
	_, err = db.SQL().ExecContext(ctx, series+`INSERT INTO upload_steps (upload_id, step, gen, state, sweep_after, updated_at)
		SELECT printf('%040x', n), 'check', 1, 'pending', ? + n, 0 FROM i`, n, time.Now().Add(time.Hour).UnixMicro())
	require.NoError(t, err)
	for from := 1; from <= n; from += 10_000 {
		_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := from; i <= min(n, from+9_999); i++ {
				id := tasks.ID(pipeline.Run{UploadID: fmt.Sprintf("%040x", i), Step: pipeline.StepCheck, Gen: 1})
				p.HSet(ctx, checksHash+id, "msg", "as long as the message of a check is, more or less: about a hundred and eighty bytes", "state", "pending")
				p.LPush(ctx, checksPending, id)
			}
			return nil
		})
		require.NoError(t, err)
	}
	return s
}

// TestSweepIsBounded: what a round asks of Redis does not grow with the queue.
func TestSweepIsBounded(t *testing.T) {
	t.Parallel()
	const most = 1200 // a look at 100 tasks and the rest of the round are about 600; the first one asks twice
	for _, n := range []int{1000, 20_000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			rdb := redistest.Start(t).Client()
			s := crowded(t, rdb, n)
			require.EqualValues(t, n, rdb.LLen(t.Context(), checksPending).Val())
			for range 3 {
				before := commands(t.Context(), t, rdb)
				requeued, err := s.sweep(t.Context())
				require.NoError(t, err)
				require.Zero(t, requeued)
				require.Less(t, commands(t.Context(), t, rdb)-before, most)
			}
		})
	}
}

// A round over more due steps than it may look at goes on in the next one.
func TestDueStepsTakeTurns(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	const n = duePages*sweepPage + 700
	s := crowded(t, rdb, n)
	require.NoError(t, rdb.FlushDB(t.Context()).Err())
	require.NoError(t, s.ledger.Unqueued(t.Context(), allPending(t, s.ledger)))
	done := tally{}
	for _, want := range []int{duePages * sweepPage, 700, 0} {
		requeued, err := s.pass(t.Context(), false, done)
		require.NoError(t, err)
		require.Equal(t, want, requeued)
	}
	require.Equal(t, tally{RepairTaskMissing: n}, done)
	require.EqualValues(t, n, rdb.LLen(t.Context(), checksPending).Val())
}

func allPending(t testing.TB, l *ledger.Ledger) []pipeline.Wish {
	t.Helper()
	all, err := l.Due(t.Context(), true, ledger.Cursor{}, 1_000_000)
	require.NoError(t, err)
	return all.Wishes
}

// BenchmarkSweep is a round over a queue of 1,000,000 tasks: time, memory and commands.
func BenchmarkSweep(b *testing.B) {
	rdb := redistest.Start(b).Client()
	require.NoError(b, rdb.ConfigSet(b.Context(), "appendonly", "no").Err())
	s := crowded(b, rdb, 1_000_000)
	ctx := context.WithoutCancel(b.Context())
	before := commands(ctx, b, rdb)
	b.ReportAllocs()
	for b.Loop() {
		requeued, err := s.sweep(ctx)
		require.NoError(b, err)
		require.Zero(b, requeued)
	}
	b.ReportMetric(float64(commands(ctx, b, rdb)-before)/float64(b.N), "commands/op")
}
