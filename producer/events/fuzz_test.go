package events_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/events"
)

// requireEvents holds what is true of whatever a decoder makes of any bytes.
func requireEvents(t *testing.T, got []events.Event, err error) {
	t.Helper()
	if err != nil {
		require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
		require.NotEmpty(t, pipeline.CodeOf(err))
		require.Empty(t, got)
		return
	}
	require.NotEmpty(t, got)
	require.LessOrEqual(t, len(got), events.MaxRecords)
	for _, e := range got {
		require.False(t, e.Created && e.Removed)
		require.False(t, e.Unreadable && (e.Created || e.Removed))
		require.Equal(t, e.Unreadable, len(e.Raw) > 0, "what is not understood is there to be kept")
		if e.Created || e.Removed {
			require.NotEmpty(t, e.Keys)
			require.NotEmpty(t, e.Bucket)
		} else {
			require.NotEmpty(t, e.Note)
		}
		require.GreaterOrEqual(t, e.Size, int64(0))
		if e.Position != nil {
			require.True(t, *e.Position >= 0 && *e.Position <= events.MaxPosition)
		}
	}
}
