package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func shifted(by time.Duration) func() time.Time {
	return func() time.Time { return time.Now().Add(by) }
}

func TestWorkerRefusesAWrongClock(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		for _, tc := range []struct {
			by      time.Duration
			refused bool
			warned  bool
		}{
			{0, false, false},
			{-8 * time.Second, false, false},
			{13 * time.Second, false, true},
			{-13 * time.Second, false, true},
			{23 * time.Second, true, false},
			{-time.Hour, true, false},
		} {
			b := newBench(t, url, nil)
			w, err := New(Options{
				Ledger: b.ledger, Redis: redistest.Universal(t, url), Steps: b.steps(), Logger: b.logger(), Now: shifted(tc.by),
				Pools: []Pool{{Queue: tasks.QueueHooks, Concurrency: 1}},
			})
			require.NoError(t, err)
			err = w.Start(t.Context())
			w.Shutdown()
			require.Equal(t, tc.refused, err != nil, "%s: %v", tc.by, err)
			if tc.refused {
				var clock *ClockError
				require.ErrorAs(t, err, &clock)
				require.InDelta(t, tc.by, clock.Worker.Sub(clock.Redis), float64(5*time.Second))
				require.ErrorContains(t, err, "the clock of this machine says ")
				require.ErrorContains(t, err, "NTP")
			}
			if tc.warned {
				require.Contains(t, b.log.String(), "the clocks of this machine and of redis are apart", tc.by)
			} else {
				require.NotContains(t, b.log.String(), "are apart: recovery", tc.by)
			}
		}
	})
}

func TestClockIsComparedAgain(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	w := &watch{rdb: b.rdb, now: shifted(30 * time.Second), log: b.logger()}
	w.check(t.Context())
	require.Contains(t, b.log.String(), "refusedAbove=20s")
	require.NoError(t, b.rdb.Close())
	require.NoError(t, w.admit(t.Context()), "a Redis that is away keeps nobody from starting")
	require.Contains(t, b.log.String(), "does not tell its time")
}
