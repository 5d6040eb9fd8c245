package worker

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// cell is an Isolated that notes who came by; those that hold bomb kill it.
type cell struct {
	mu   sync.Mutex
	seen []string
}

func (c *cell) Thumbnails(ctx context.Context, src io.Reader, f pipeline.Facts, n int64, presets []pipeline.Preset) ([]pipeline.Thumbnail, error) {
	made, err := copier{}.Thumbnails(ctx, src, f, n, presets)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, string(made[0].Data))
	if string(made[0].Data) == "bomb" {
		return nil, pipeline.Errorf(pipeline.Poison, "thumb.child", "", "signal: killed")
	}
	return made, nil
}

// inFlight lets w0 begin the thumbnail of a new upload.
func (b *bench) inFlight(h *handler, key, content string) string {
	b.Helper()
	id := b.announce(key, content, "")
	require.NoError(b, b.try(h, id, pipeline.StepCheck))
	_, err := b.ledger.Begin(b.Context(), b.run(id, pipeline.StepThumbnail), "w0", beginHold)
	require.NoError(b, err)
	return id
}

func TestSuspectsRunAlone(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	apart := &cell{}
	h := b.handler()
	h.steps.Isolated = apart
	require.NoError(t, b.ledger.Heartbeat(t.Context(), "w0", "thumbnails:3"))
	bomb, one, two := b.inFlight(h, "bomb.jpg", "bomb"), b.inFlight(h, "1.jpg", "one"), b.inFlight(h, "2.jpg", "two")
	clock.Add(12 * time.Second) // w0 is dead, and the recovery is quick
	for _, id := range []string{one, two} {
		require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
		require.Equal(t, pipeline.Done, b.step(id, pipeline.StepThumbnail).State)
		require.Equal(t, []string{"interrupted", ""}, b.classes(id, pipeline.StepThumbnail))
	}
	require.Empty(t, b.letters(), "the innocents get none")
	require.ErrorIs(t, b.try(h, bomb, pipeline.StepThumbnail), asynq.SkipRetry)
	require.Equal(t, []string{"one", "two", "bomb"}, apart.seen)
	letters := b.letters()
	require.Len(t, letters, 1)
	require.Equal(t, pipeline.Poison, letters[0].Class)
	require.Equal(t, bomb, letters[0].UploadID)
	require.Equal(t, "two", b.store.content("thumbs/small/2.jpg.jpg"))

	// A replay is as careful.
	_, err := b.ledger.ReplayRun(t.Context(), b.run(bomb, pipeline.StepThumbnail), "test")
	require.NoError(t, err)
	require.ErrorIs(t, b.try(h, bomb, pipeline.StepThumbnail), asynq.SkipRetry)
	require.Len(t, apart.seen, 4)
}

func TestStoppedWorkersAccuseNobody(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	apart := &cell{}
	h := b.handler()
	h.steps.Isolated = apart
	require.NoError(t, b.ledger.Heartbeat(t.Context(), "w0", "thumbnails:3"))
	id := b.inFlight(h, "1.jpg", "one")
	require.NoError(t, b.ledger.Leave(t.Context(), "w0"))
	clock.Add(time.Minute)
	require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
	require.Empty(t, apart.seen)
	require.Equal(t, pipeline.Done, b.step(id, pipeline.StepThumbnail).State)
}

func TestSuspectsWithoutIsolation(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	h := b.handler()
	id := b.inFlight(h, "1.jpg", "one") // of a worker that nobody knows
	clock.Add(time.Minute)
	require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
	require.Equal(t, pipeline.Done, b.step(id, pipeline.StepThumbnail).State)
}
