package ledgertest

import (
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/ledger"
)

func pausedQueues(b *bench) {
	ctx := b.t.Context()
	for _, want := range []bool{true, false} {
		changed, err := b.SetPaused(ctx, "checks", true, "tester", "bucket is moving")
		require.NoError(b.t, err)
		require.Equal(b.t, want, changed)
	}
	paused, err := b.PausedQueues(ctx)
	require.NoError(b.t, err)
	require.Equal(b.t, []ledger.PausedQueue{{Name: "checks", Note: "bucket is moving", Since: b.clock.Now()}}, paused)
	changed, err := b.SetPaused(ctx, "checks", false, "tester", "")
	require.NoError(b.t, err)
	require.True(b.t, changed)
	paused, err = b.PausedQueues(ctx)
	require.NoError(b.t, err)
	require.Empty(b.t, paused)
}
