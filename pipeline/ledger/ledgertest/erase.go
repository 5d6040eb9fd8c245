package ledgertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

func eraseOwner(b *bench) {
	ctx := b.t.Context()
	b.anyStates()
	other := photo("users/o2/1.jpg")
	other.Owner = "o2"
	b.announce(other)
	owned, err := b.Owned(ctx, "o1")
	require.NoError(b.t, err)
	require.Equal(b.t, []int{7, 2, 7, 1}, []int{owned.Uploads, owned.InFlight, owned.Links, owned.Letters})

	after, kept := "", 0
	for {
		page, err := b.OwnerUploads(ctx, "o1", after, 2)
		require.NoError(b.t, err)
		if len(page) == 0 {
			break
		}
		for _, u := range page {
			after = u.ID
			if err := b.Erase(ctx, u.ID); err != nil {
				require.Equal(b.t, pipeline.Conflict, pipeline.ClassOf(err))
				kept++
			}
			require.NoError(b.t, b.Erase(ctx, "no such upload"))
		}
	}
	require.Equal(b.t, 2, kept, "those in flight")
	left, err := b.Owned(ctx, "o1")
	require.NoError(b.t, err)
	require.Equal(b.t, []int{2, 2, 2, 0}, []int{left.Uploads, left.InFlight, left.Links, left.Letters})
	books, err := b.Books(ctx, time.Time{})
	require.NoError(b.t, err)
	require.Equal(b.t, 3, books.Announced, "with that of the other owner")
	require.Zero(b.t, books.Balance())
	for _, kind := range ledger.GapKinds() {
		gaps, err := b.Gaps(ctx, kind, time.Time{}, ledger.Gap{}, 10)
		require.NoError(b.t, err)
		require.Empty(b.t, gaps, kind)
	}
}
