package hooks

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// newTestCircuit gives a circuit with a clock that the test moves.
func newTestCircuit(most int) (c *circuit, pass func(time.Duration)) {
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	return &circuit{now: func() time.Time { return now }, most: most}, func(d time.Duration) { now = now.Add(d) }
}

func TestCircuit(t *testing.T) {
	t.Parallel()
	c, pass := newTestCircuit(0)
	for range tripAfter - 1 {
		require.Zero(t, c.enter())
		require.Zero(t, c.failure(0))
	}
	require.Zero(t, c.enter())
	require.False(t, c.succeeded(), "it was not paused")
	for i := range tripAfter {
		require.Zero(t, c.hold(), i)
		require.Zero(t, c.enter())
		if opened := c.failure(0); i == tripAfter-1 {
			require.Equal(t, firstPause, opened)
		} else {
			require.Zero(t, opened)
		}
	}
	require.Equal(t, firstPause, c.enter(), "nobody enters")
	pass(firstPause - time.Second)
	require.Equal(t, time.Second, c.hold())

	// Half open: one at a time, and each failure doubles the pause up to its limit.
	want := firstPause
	for range 6 {
		pass(c.hold())
		require.Zero(t, c.enter())
		require.Equal(t, busyWait, c.enter())
		want = min(2*want, maxPause)
		require.Equal(t, want, c.failure(0))
	}
	require.Equal(t, maxPause, want)
	pass(maxPause)
	require.Zero(t, c.enter())
	c.leave() // it told nothing
	require.Zero(t, c.enter(), "the next one tries")
	require.True(t, c.succeeded())
	for range 10 {
		require.Zero(t, c.enter(), "all of them again")
	}
}

func TestCircuitHonoursRetryAfter(t *testing.T) {
	t.Parallel()
	c, pass := newTestCircuit(0)
	require.Zero(t, c.enter())
	require.Zero(t, c.enter())
	require.Equal(t, time.Minute, c.failure(time.Minute))
	require.Zero(t, c.failure(0), "it was under way")
	require.Equal(t, time.Minute, c.hold())
	pass(time.Minute)
	require.Zero(t, c.enter())
	require.Equal(t, maxPause, c.failure(24*time.Hour), "one delivery waits so long, the others ask again")
}

func TestCircuitLimitsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	c, _ := newTestCircuit(2)
	require.Zero(t, c.enter())
	require.Zero(t, c.enter())
	require.Equal(t, busyWait, c.hold())
	require.Equal(t, busyWait, c.enter())
	require.False(t, c.succeeded())
	require.Zero(t, c.enter())
}
