package worker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// TestRemovalAnnounced: an object that the bucket says is deleted ends as gone and makes
// no letter, in whatever order its events come.
func TestRemovalAnnounced(t *testing.T) {
	t.Parallel()
	created := pipeline.Announcement{Bucket: bucket, Key: "a.jpg", FileID: "cos://" + bucket + "/a.jpg", Source: "cos-event"}
	removed := created
	removed.Removed = true
	for _, tt := range []struct {
		name  string
		anns  []pipeline.Announcement
		tries int
	}{
		{"creation, removal", []pipeline.Announcement{created, removed}, 1},
		{"removal, creation", []pipeline.Announcement{removed, created}, 3},
		{"removal, creation, removal", []pipeline.Announcement{removed, created, removed}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, _ := miniBench(t)
			b.budgets = Budgets{Missing: 3}
			h := b.handler()
			for _, a := range tt.anns {
				_, err := b.ledger.Announce(t.Context(), "", []pipeline.Announcement{a})
				require.NoError(t, err)
			}
			id := pipeline.UploadID(bucket, "a.jpg")
			for range tt.tries - 1 {
				require.Error(t, b.try(h, id, pipeline.StepCheck), "it may be on its way again")
			}
			require.NoError(t, b.try(h, id, pipeline.StepCheck))
			require.Empty(t, b.letters())
			require.NoError(t, b.try(h, id, pipeline.StepNotify))
			require.Equal(t, pipeline.UploadGone, b.state(id))

			require.Equal(t, id, b.announce("a.jpg", "v1", ""))
			require.NoError(t, b.try(h, id, pipeline.StepCheck))
			u, err := b.ledger.Upload(t.Context(), id)
			require.NoError(t, err)
			require.True(t, u.Accepted(), "what is uploaded afterwards is a normal upload")
		})
	}
}
