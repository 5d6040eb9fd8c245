package worker

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOutageHoldsTasksUntilTheLedgerIsBack(t *testing.T) {
	t.Parallel()
	away := errors.New("no database")
	for _, tc := range []struct {
		name string
		// end ends the outage for those who wait.
		end  func(o *outage, up *atomic.Bool, cancel context.CancelFunc)
		want bool
	}{
		{"the ledger is back", func(_ *outage, up *atomic.Bool, _ context.CancelFunc) { up.Store(true) }, true},
		{"the worker stops", func(o *outage, _ *atomic.Bool, _ context.CancelFunc) { close(o.stop) }, false},
		{"asynq takes the task back", func(_ *outage, _ *atomic.Bool, cancel context.CancelFunc) { cancel() }, false},
		{"half of the time is over", func(*outage, *atomic.Bool, context.CancelFunc) {}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b, _ := miniBench(t)
			var up atomic.Bool
			var pings atomic.Int32
			o := &outage{every: time.Millisecond, stop: make(chan struct{}), log: b.logger(), ping: func(context.Context) error {
				pings.Add(1)
				if up.Load() {
					return nil
				}
				return away
			}}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			got := make([]bool, 4)
			var wg sync.WaitGroup
			for i := range got {
				wg.Go(func() { got[i] = o.wait(ctx, away) })
			}
			b.eventually(func() bool { return pings.Load() > 8 }, "they ask")
			tc.end(o, &up, cancel)
			wg.Wait()
			for _, ok := range got {
				require.Equal(t, tc.want, ok)
			}
			require.Equal(t, 1, strings.Count(b.log.String(), "this worker waits for it"), "it is logged once")
		})
	}
	require.False(t, (*outage)(nil).wait(t.Context(), away))
}
