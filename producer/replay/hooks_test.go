package replay_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/replay"
)

// told is a ledger with n deliveries, of which those in skip were told since.
type told struct {
	n, pages int
	skip     map[string]bool
	again    []string
	unqueued int
	ops      []ledger.Operation
}

func (l *told) Deliveries(_ context.Context, _ ledger.DeliveryFilter, after pipeline.Run, limit int) (page []ledger.Delivery, next *pipeline.Run, err error) {
	l.pages++
	for i := after.Gen + 1; i <= l.n; i++ {
		d := ledger.Delivery{Run: pipeline.Run{UploadID: string(rune('a' + i)), Step: pipeline.StepNotify, Gen: i}}
		if page = append(page, d); len(page) == limit {
			return page, &d.Run, nil
		}
	}
	return page, nil, nil
}

func (l *told) Retell(_ context.Context, d ledger.Delivery, note string) ([]pipeline.Wish, error) {
	if l.skip[d.UploadID] {
		return nil, ledger.ErrSuperseded
	}
	l.again = append(l.again, d.UploadID+note)
	return []pipeline.Wish{{Run: d.Run}}, nil
}

func (l *told) Unqueued(context.Context, []pipeline.Wish) error { l.unqueued++; return nil }

func (l *told) Record(_ context.Context, op ledger.Operation) (int64, error) {
	l.ops = append(l.ops, op)
	return 7, nil
}

// line is a queue that is away or takes everything.
type line struct {
	away  error
	taken int
}

func (q *line) EnqueueAll(_ context.Context, wishes []pipeline.Wish) error {
	if q.away == nil {
		q.taken += len(wishes)
	}
	return q.away
}

func TestHooks(t *testing.T) {
	t.Parallel()
	l, q := &told{n: 250, skip: map[string]bool{"c": true}}, &line{}
	seen := 0
	opt := replay.HookOptions{Who: "ann", Note: "!", Words: "--all", Each: func(_ ledger.Delivery, _ error) error { seen++; return nil }}
	dry := opt
	dry.DryRun = true
	sum, err := replay.Hooks(t.Context(), l, q, dry)
	require.NoError(t, err)
	require.Equal(t, replay.Summary{Matched: 250}, sum)
	require.Equal(t, 250, seen)
	require.Empty(t, l.ops, "a dry run leaves no trace")
	require.Empty(t, l.again)

	sum, err = replay.Hooks(t.Context(), l, q, opt)
	require.NoError(t, err)
	require.Equal(t, replay.Summary{Matched: 250, Replayed: 249, Skipped: 1, AuditID: 7}, sum)
	require.Equal(t, 249, q.taken)
	require.Equal(t, "b!", l.again[0])
	require.Len(t, l.ops, 2)
	require.Equal(t, ledger.Operation{Who: "ann", What: "hooks replay", Filter: "--all", Note: "!"}, l.ops[0])
	require.Equal(t, int64(7), l.ops[1].ID)
	require.Contains(t, l.ops[1].Counts, `"replayed":249`)

	opt.Limit = 3
	sum, err = replay.Hooks(t.Context(), l, q, opt)
	require.NoError(t, err)
	require.Equal(t, 3, sum.Matched)
}

func TestHooksRedisAway(t *testing.T) {
	t.Parallel()
	l := &told{n: 3}
	sum, err := replay.Hooks(t.Context(), l, &line{away: errors.New("away")}, replay.HookOptions{})
	require.NoError(t, err)
	require.Equal(t, 3, sum.Unqueued)
	require.Equal(t, 3, l.unqueued, "the sweep queues them")
}

// TestHooksInterrupted: what was begun is recorded, the rest is left.
func TestHooksInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	l := &told{n: 100}
	sum, err := replay.Hooks(ctx, l, &line{}, replay.HookOptions{Rate: 1000, Progress: func(s replay.Summary) {
		if s.Replayed == 10 {
			cancel(stop)
		}
	}})
	require.ErrorIs(t, err, stop)
	require.Equal(t, 10, sum.Replayed)
	require.Len(t, l.ops, 2)
}

func TestHooksKeepTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := replay.Hooks(t.Context(), &told{n: 21}, &line{}, replay.HookOptions{Rate: 20})
		require.NoError(t, err)
		require.InDelta(t, time.Second, time.Since(began), float64(time.Millisecond))
	})
}
