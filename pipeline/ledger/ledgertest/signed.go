package ledgertest

import (
	"context"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// sign records a key of an owner.
func (b *bench) sign(key, owner, order string, position *int) ledger.Signed {
	b.t.Helper()
	s := ledger.Signed{Bucket: bucket, Key: key, Owner: owner, Order: order, Position: position, ExpiresAt: b.clock.Now().Add(time.Minute)}
	require.NoError(b.t, b.Sign(b.t.Context(), s))
	return s
}

func signedKeys(b *bench) {
	ctx := b.t.Context()
	first := b.sign("users/o1/a.jpg", "o1", "A1", new(0))
	upper := b.sign("users/o1/A.jpg", "o1", "A2", new(7))
	plain := b.sign("users/o2/c.jpg", "o2", "", nil)

	id := func(key string) string { return pipeline.UploadID(bucket, key) }
	known, err := b.Signed(ctx, id("users/o1/a.jpg"), id("users/o1/A.jpg"), id("users/o2/c.jpg"), id("users/o1/never.jpg"))
	require.NoError(b.t, err)
	require.Equal(b.t, map[string]ledger.Signed{
		id("users/o1/a.jpg"): first, id("users/o1/A.jpg"): upper, id("users/o2/c.jpg"): plain,
	}, known, "names differ by case")

	b.clock.Add(time.Hour)
	known, err = b.Signed(ctx, id("users/o1/a.jpg"))
	require.NoError(b.t, err)
	require.Len(b.t, known, 1, "an event may come long after the signature has ended")
	known, err = b.Signed(ctx)
	require.NoError(b.t, err)
	require.Empty(b.t, known)
	other, err := b.Signed(ctx, pipeline.UploadID("other-1", "users/o1/a.jpg"))
	require.NoError(b.t, err)
	require.Empty(b.t, other, "the same name in another bucket")
}

func signedOnce(b *bench) {
	key := "users/o1/a.jpg"
	errs := atOnce(b.t.Context(), 8, func(ctx context.Context, i int) error {
		return b.Sign(ctx, ledger.Signed{Bucket: bucket, Key: key, Owner: fmt.Sprint("o", i), ExpiresAt: b.clock.Now()})
	})
	won := -1
	for i, err := range errs {
		if err == nil {
			require.Equal(b.t, -1, won, "two have the same key")
			won = i
			continue
		}
		require.Equal(b.t, pipeline.Conflict, pipeline.ClassOf(err), "%v", err)
	}
	require.NotEqual(b.t, -1, won)
	known, err := b.Signed(b.t.Context(), pipeline.UploadID(bucket, key))
	require.NoError(b.t, err)
	require.Equal(b.t, fmt.Sprint("o", won), known[pipeline.UploadID(bucket, key)].Owner)
}

func signedPruned(b *bench) {
	for i := range 5 {
		b.sign(fmt.Sprintf("users/o1/%d.jpg", i), "o1", "A1", &i)
	}
	require.Zero(b.t, b.prune(ledger.PruneSigned, b.clock.Now()), "they hold")
	b.clock.Add(2 * time.Minute)
	b.sign("users/o1/new.jpg", "o1", "A1", nil)
	require.Equal(b.t, 5, b.prune(ledger.PruneSigned, b.clock.Now()))
	known, err := b.Signed(b.t.Context(), pipeline.UploadID(bucket, "users/o1/new.jpg"), pipeline.UploadID(bucket, "users/o1/1.jpg"))
	require.NoError(b.t, err)
	require.Len(b.t, known, 1)
}

func signedErased(b *bench) {
	ctx := b.t.Context()
	for i := range 3 {
		b.sign(fmt.Sprintf("users/o1/%d.jpg", i), "o1", "", nil)
	}
	b.sign("users/o2/1.jpg", "o2", "", nil)
	for _, want := range []int{2, 1, 0} {
		n, err := b.EraseSigned(ctx, "o1", 2)
		require.NoError(b.t, err)
		require.Equal(b.t, want, n)
	}
	known, err := b.Signed(ctx, pipeline.UploadID(bucket, "users/o1/1.jpg"), pipeline.UploadID(bucket, "users/o2/1.jpg"))
	require.NoError(b.t, err)
	require.Len(b.t, known, 1, "the other owner's stays")
}
