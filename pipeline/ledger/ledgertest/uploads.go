package ledgertest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

func uploadsByID(b *bench) {
	ctx := b.t.Context()
	none, err := b.UploadsByID(ctx, nil)
	require.NoError(b.t, err)
	require.Empty(b.t, none)

	// More than one query may take.
	const many = 501
	anns := make([]pipeline.Announcement, 0, many)
	ids := make([]string, 0, many+2)
	for i := range many {
		a := photo(fmt.Sprintf("users/o1/%03d.jpg", i))
		anns, ids = append(anns, a), append(ids, pipeline.UploadID(a.Bucket, a.Key))
	}
	b.announce(anns...)
	upper := photo("users/o1/UPPER.jpg")
	b.announce(upper)
	got, err := b.UploadsByID(ctx, append(ids, "unknown", pipeline.UploadID(bucket, "users/o1/upper.jpg")))
	require.NoError(b.t, err)
	require.Len(b.t, got, many, "unknown ones are left out, and so is what nobody asked for")
	for i, a := range anns {
		require.Equal(b.t, a.Key, got[ids[i]].Key)
	}
	require.Equal(b.t, b.upload(ids[many-1]), got[ids[many-1]], "each is whole")
}
