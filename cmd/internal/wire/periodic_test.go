package wire_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestPeriodic: it takes the lease only where it is configured, and ends when told.
func TestPeriodic(t *testing.T) {
	t.Parallel()
	for every, free := range map[time.Duration]bool{0: true, time.Hour: false} {
		cfg := valid(t)
		cfg.Reconcile.Every = every
		app := open(t, cfg)
		stop, err := app.StartPeriodic(t.Context())
		require.NoError(t, err)
		taken := func() bool {
			ok, err := app.Ledger.Lease(t.Context(), "reconcile", "other", time.Nanosecond)
			return err == nil && ok == free
		}
		require.Eventually(t, taken, 10*time.Second, time.Millisecond)
		stop()
	}
}
