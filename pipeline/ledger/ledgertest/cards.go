package ledgertest

import (
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

func cards(b *bench) {
	none, err := b.Cards(b.t.Context(), nil)
	require.NoError(b.t, err)
	require.Empty(b.t, none)
	first := photo("users/o1/1.jpg")
	first.Order = "A1"
	again := first
	again.Order = "A2"
	b.announce(first, again, photo("users/o1/2.jpg"))
	one, two := pipeline.UploadID(bucket, "users/o1/1.jpg"), pipeline.UploadID(bucket, "users/o1/2.jpg")
	got, err := b.Cards(b.t.Context(), []string{one, two, "unknown"})
	require.NoError(b.t, err)
	require.Equal(b.t, map[string]ledger.Card{
		one: {UploadID: one, Bucket: bucket, Key: "users/o1/1.jpg", Owner: "o1", Orders: []string{"A1", "A2"}},
		two: {UploadID: two, Bucket: bucket, Key: "users/o1/2.jpg", Owner: "o1"},
	}, got)
}
