package ledgertest

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"
)

func leaseHolder(b *bench) {
	ctx := b.t.Context()
	take := func(name, holder string, want bool) {
		b.t.Helper()
		ok, err := b.Lease(ctx, name, holder, time.Minute)
		require.NoError(b.t, err)
		require.Equal(b.t, want, ok)
	}
	take("n", "a", true)
	take("n", "b", false)
	take("other", "b", true)
	b.clock.Add(50 * time.Second)
	take("n", "a", true)
	b.clock.Add(50 * time.Second)
	take("n", "b", false)
	b.clock.Add(10 * time.Second)
	take("n", "b", true)
	take("n", "a", false)

	require.NoError(b.t, b.EndLease(ctx, "n", "a", b.clock.Now()))
	take("n", "a", false)
	require.NoError(b.t, b.EndLease(ctx, "n", "b", b.clock.Now().Add(time.Hour)))
	take("n", "b", false)
	b.clock.Add(time.Hour)
	take("n", "a", true)
}

func leaseAtOnce(b *bench) {
	var taken atomic.Int32
	for _, err := range atOnce(b.t.Context(), 8, func(ctx context.Context, i int) error {
		ok, err := b.Lease(ctx, "n", strconv.Itoa(i), time.Minute)
		if ok {
			taken.Add(1)
		}
		return err
	}) {
		require.NoError(b.t, err)
	}
	require.EqualValues(b.t, 1, taken.Load())
}
