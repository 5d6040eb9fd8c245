package ledger_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
)

// TestSuspect tells which ways of ending an attempt accuse its step.
func TestSuspect(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		// end is what happens to the attempt of w1, which is alive, before w2 begins.
		end  func(t *testing.T, l *ledger.Ledger, c *ledgertest.Clock, a *ledger.OpenAttempt)
		want bool
	}{
		{"w1 vanished, its task came back early", func(_ *testing.T, _ *ledger.Ledger, c *ledgertest.Clock, _ *ledger.OpenAttempt) {
			c.Add(11 * time.Second)
		}, true},
		{"w1 vanished and was reaped", func(t *testing.T, l *ledger.Ledger, c *ledgertest.Clock, _ *ledger.OpenAttempt) {
			t.Helper()
			c.Add(ledger.WorkerLife + time.Second)
			n, err := l.Reap(t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, n)
		}, true},
		{"w1 found poison", func(t *testing.T, l *ledger.Ledger, _ *ledgertest.Clock, a *ledger.OpenAttempt) {
			t.Helper()
			_, _, err := l.Bury(t.Context(), a, ledger.Death{Class: pipeline.Poison, Cause: pipeline.Errorf(pipeline.Poison, "x", "", "died")})
			require.NoError(t, err)
			_, err = l.ReplayRun(t.Context(), a.Run, "test")
			require.NoError(t, err)
		}, true},
		{"w1 was stopped", func(t *testing.T, l *ledger.Ledger, c *ledgertest.Clock, _ *ledger.OpenAttempt) {
			t.Helper()
			require.NoError(t, l.Leave(t.Context(), "w1"))
			c.Add(time.Minute)
		}, false},
		{"w1 failed", func(t *testing.T, l *ledger.Ledger, c *ledgertest.Clock, a *ledger.OpenAttempt) {
			t.Helper()
			require.NoError(t, l.Retry(t.Context(), a, pipeline.Transient, pipeline.Errorf(pipeline.Transient, "x", "", "no"), c.Now()))
		}, false},
		{"w1 lives and lost its task", func(*testing.T, *ledger.Ledger, *ledgertest.Clock, *ledger.OpenAttempt) {}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			clock := ledgertest.NewClock()
			l := open(t, "sqlite://"+filepath.Join(t.TempDir(), "ledger.db"), ledger.Options{Now: clock.Now})
			res, err := l.Announce(t.Context(), "", []pipeline.Announcement{{Bucket: "b", Key: "a.jpg", FileID: "cos://b/a.jpg", Source: "api"}})
			require.NoError(t, err)
			id := res.Announced[0].UploadID
			begin := func(worker string) *ledger.OpenAttempt {
				steps, err := l.Steps(t.Context(), id)
				require.NoError(t, err)
				a, err := l.Begin(t.Context(), pipeline.Run{UploadID: id, Step: pipeline.StepCheck, Gen: steps[0].Gen}, worker, time.Minute)
				require.NoError(t, err)
				return a
			}
			require.NoError(t, l.Heartbeat(t.Context(), "w1", "checks:1"))
			first := begin("w1")
			require.False(t, first.Suspect)
			tc.end(t, l, clock, first)
			require.Equal(t, tc.want, begin("w2").Suspect)
			require.Equal(t, tc.want, begin("w2").Suspect, "it stays so")
		})
	}
}
