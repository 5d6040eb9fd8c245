package ledgertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/ledger"
)

func pausedQueues(b *bench) {
	ctx, began := b.t.Context(), b.clock.Now()
	moving := ledger.PausedQueue{Name: "checks", Note: "bucket is moving", By: "tester"}
	for _, want := range []bool{true, false} {
		changed, err := b.Pause(ctx, moving)
		require.NoError(b.t, err)
		require.Equal(b.t, want, changed)
		b.clock.Add(time.Second)
	}
	moving.Since = began
	require.Equal(b.t, []ledger.PausedQueue{moving}, b.paused())
	changed, err := b.EndPause(ctx, moving.Name)
	require.NoError(b.t, err)
	require.False(b.t, changed, "a pause without an end does not end by itself")
	changed, err = b.Resume(ctx, "checks", "tester", "")
	require.NoError(b.t, err)
	require.True(b.t, changed)
	require.Empty(b.t, b.paused())
	changed, err = b.Resume(ctx, "checks", "tester", "")
	require.NoError(b.t, err)
	require.False(b.t, changed)
}

func pauseEnds(b *bench) {
	ctx := b.t.Context()
	short := ledger.PausedQueue{Name: "urls", By: "tester", Until: b.clock.Now().Add(time.Minute), Since: b.clock.Now()}
	_, err := b.Pause(ctx, short)
	require.NoError(b.t, err)
	end := func() bool {
		changed, err := b.EndPause(ctx, short.Name)
		require.NoError(b.t, err)
		return changed
	}
	require.False(b.t, end(), "its time is not over")

	long := short
	long.Until, long.Note = long.Until.Add(time.Hour), "takes longer"
	changed, err := b.Pause(ctx, long)
	require.NoError(b.t, err)
	require.True(b.t, changed)
	b.clock.Add(time.Minute)
	require.False(b.t, end(), "it was prolonged since it was listed")
	long.Left = time.Hour
	require.Equal(b.t, []ledger.PausedQueue{long}, b.paused())
	require.False(b.t, long.Over())

	b.clock.Add(time.Hour)
	require.Len(b.t, b.paused(), 1, "listed until it has been ended")
	require.True(b.t, b.paused()[0].Over())
	require.True(b.t, end())
	require.False(b.t, end())
	require.Empty(b.t, b.paused())
	op, err := b.Operation(ctx, 3)
	require.NoError(b.t, err)
	require.Equal(b.t, ledger.Operation{
		ID: 3, At: b.clock.Now(), Who: "sweep", What: "resume", Filter: "queue urls", Note: "its time was over", Counts: "1",
	}, op)
}

func (b *bench) paused() []ledger.PausedQueue {
	b.t.Helper()
	paused, err := b.PausedQueues(b.t.Context())
	require.NoError(b.t, err)
	return paused
}
