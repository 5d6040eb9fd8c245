package producer_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAcceptCrowd: while the ledger's writer is busy 64 announcements wait for it. Who comes
// later is answered at once, so that memory does not grow with the queue, and nobody who was
// let in is forgotten.
func TestAcceptCrowd(t *testing.T) {
	t.Parallel()
	const crowd = 64
	w := newWorld(t)
	busy, err := w.db.SQL().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = busy.Rollback() }()
	announce := func(n int) answer { return w.announce(fmt.Sprintf(`{"files":["users/o1/%d.jpg"]}`, n)) }

	var wg sync.WaitGroup
	answers := make([]answer, crowd)
	for n := range crowd {
		wg.Go(func() { answers[n] = announce(n) })
	}
	require.Eventually(t, func() bool { return w.db.SQL().Stats().WaitCount >= crowd }, time.Minute, 5*time.Millisecond)
	for range 3 {
		res := announce(crowd)
		res.requireError(t, 503, "UNAVAILABLE")
		require.Equal(t, "5", res.header.Get("Retry-After"))
	}
	require.NoError(t, busy.Rollback())
	wg.Wait()
	for _, res := range answers {
		require.Equal(t, 202, res.status, "%s", res.body)
	}
	require.Len(t, w.uploads(), crowd)
	require.Equal(t, 202, announce(crowd).status, "whoever was refused may come again")
}
