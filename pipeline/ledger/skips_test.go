package ledger_test

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// Which files have thumbnails is for the options to say.
func TestSkips(t *testing.T) {
	t.Parallel()
	db, err := sqldb.Create(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	l, err := ledger.New(ledger.Options{DB: db, Skips: func(kind string) string {
		if kind == "video/mp4" {
			return ""
		}
		return "no " + kind
	}})
	require.NoError(t, err)
	require.NoError(t, l.Migrate(t.Context()))
	for kind, want := range map[string]pipeline.StepRecord{
		"video/mp4":  {State: pipeline.Pending},
		"image/jpeg": {State: pipeline.Skipped, Detail: "no image/jpeg"},
	} {
		res, err := l.Announce(t.Context(), "", []pipeline.Announcement{{
			Bucket: "b-1250000000", Key: kind, FileID: "cos://b-1250000000/" + kind, Source: "api",
		}})
		require.NoError(t, err)
		id := res.Announced[0].UploadID
		steps, err := l.Steps(t.Context(), id)
		require.NoError(t, err)
		check, err := l.Begin(t.Context(), pipeline.Run{UploadID: id, Step: pipeline.StepCheck, Gen: steps[0].Gen}, "w1", time.Minute)
		require.NoError(t, err)
		_, err = l.Finish(t.Context(), check, pipeline.StepResult{State: pipeline.Done, Content: &pipeline.Content{
			ETag: "e", Size: 9, Visibility: pipeline.Private, Facts: pipeline.Facts{Type: kind},
		}})
		require.NoError(t, err)
		steps, err = l.Steps(t.Context(), id)
		require.NoError(t, err)
		at := slices.IndexFunc(steps, func(s pipeline.StepRecord) bool { return s.Step == pipeline.StepThumbnail })
		require.GreaterOrEqual(t, at, 0)
		require.Equal(t, []any{want.State, want.Detail}, []any{steps[at].State, steps[at].Detail}, kind)
	}
}
