package worker

import (
	"context"
	"encoding/json"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// asked notes which presets were asked for.
type asked struct{ presets []string }

func (a *asked) Thumbnails(ctx context.Context, src io.Reader, f pipeline.Facts, n int64, presets []pipeline.Preset) ([]pipeline.Thumbnail, error) {
	for _, p := range presets {
		a.presets = append(a.presets, p.Name)
	}
	return copier{}.Thumbnails(ctx, src, f, n, presets)
}

// A preset that was added is made when the thumbnails are regenerated, and no other; new
// content has all of them made.
func TestRegenerateMakesWhatIsMissing(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	engine := &asked{}
	h := b.handler()
	h.steps.Thumbnails = engine
	id := b.announce("1.jpg", "one", "")
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
	first := len(engine.presets)
	require.NotZero(t, first)

	h.steps.Thumbnail.Presets = append(h.steps.Thumbnail.Presets, pipeline.Preset{Name: "added", Width: 1, Height: 1})
	made, err := b.ledger.Regenerate(t.Context(), id, func(s pipeline.StepRecord) (kept pipeline.ThumbnailResult, ok bool) {
		return kept, json.Unmarshal(s.Result, &kept) == nil
	})
	require.NoError(t, err)
	require.Len(t, made, 1)
	engine.presets = nil
	require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
	require.Equal(t, []string{"added"}, engine.presets)
	require.Equal(t, "one", b.store.content("thumbs/added/1.jpg.jpg"))
	require.Equal(t, "one", b.store.content("thumbs/small/1.jpg.jpg"))

	b.announce("1.jpg", "two", "")
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	engine.presets = nil
	require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
	require.Len(t, engine.presets, first+1)
	require.Equal(t, "two", b.store.content("thumbs/small/1.jpg.jpg"))
}
