package worker

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// overlap runs the current run of a step up to its first write, lets meanwhile happen,
// and then lets it end.
func (b *bench) overlap(h *handler, id string, step pipeline.Step, meanwhile func()) error {
	b.Helper()
	var once sync.Once
	writes, goOn := make(chan struct{}), make(chan struct{})
	b.store.onCall(func(_ context.Context, op, _ string) error {
		if op == "put" {
			once.Do(func() {
				close(writes)
				<-goOn
			})
		}
		return nil
	})
	task, done := b.task(b.run(id, step)), make(chan error, 1)
	go func() { done <- h.ProcessTask(b.Context(), task) }()
	<-writes
	b.store.onCall(nil)
	meanwhile()
	close(goOn)
	return <-done
}

func TestLastWriterIsOfTheNewestContent(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(b *bench){
		"the old run succeeds": func(*bench) {},
		"the old run fails in the middle": func(b *bench) {
			b.store.onCall(func(_ context.Context, op, key string) error {
				if op == "put" && strings.Contains(key, "large") {
					return pipeline.Errorf(pipeline.Transient, "store.put", key, "no")
				}
				return nil
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := miniBench(t)
			h := b.handler()
			id := b.announce("a.jpg", "old", "")
			require.NoError(t, b.try(h, id, pipeline.StepCheck))
			require.NoError(t, b.overlap(h, id, pipeline.StepThumbnail, func() {
				b.announce("a.jpg", "new", "")
				require.NoError(t, b.try(h, id, pipeline.StepCheck))
				require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
				require.Equal(t, "new", b.store.content("thumbs/small/a.jpg.jpg"))
				end(b)
			}))
			b.store.onCall(nil)
			require.Equal(t, "old", b.store.content("thumbs/small/a.jpg.jpg"), "it wrote late")
			require.Equal(t, pipeline.Pending, b.step(id, pipeline.StepThumbnail).State, "so it is made again")
			require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
			require.Equal(t, "new", b.store.content("thumbs/small/a.jpg.jpg"))
			require.Equal(t, "new", b.store.content("thumbs/large/a.jpg.jpg"))
		})
	}
}

func TestOverlappingRunsDoNotRaiseEachOtherForEver(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	id := b.announce("a.jpg", "old", "")
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	var raised, after int
	require.NoError(t, b.overlap(h, id, pipeline.StepThumbnail, func() {
		b.announce("a.jpg", "new", "")
		require.NoError(t, b.try(h, id, pipeline.StepCheck))
		// The run of the new content is still at it when the old one ends.
		require.NoError(t, b.overlap(h, id, pipeline.StepThumbnail, func() {
			_, err := b.ledger.Late(t.Context(), &ledger.OpenAttempt{Run: b.run(id, pipeline.StepThumbnail)}, true)
			require.NoError(t, err)
			raised = b.run(id, pipeline.StepThumbnail).Gen
			_, err = b.ledger.Begin(t.Context(), b.run(id, pipeline.StepThumbnail), "w2", beginHold)
			require.NoError(t, err)
		}))
		after = b.run(id, pipeline.StepThumbnail).Gen
	}))
	require.Equal(t, raised, after, "a superseded run of the newest content wishes for nothing")
	require.Equal(t, raised+1, b.run(id, pipeline.StepThumbnail).Gen, "one of old content does")
	require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
	require.Equal(t, "new", b.store.content("thumbs/small/a.jpg.jpg"))
}

func TestSupersededContentIsCheckedAgain(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	id := b.announce("a.jpg", "old", "")
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	b.store.set("a.jpg", "new")
	require.NoError(t, b.try(h, id, pipeline.StepThumbnail), "412 is no failure")
	require.Equal(t, pipeline.Skipped, b.step(id, pipeline.StepThumbnail).State)
	require.Equal(t, pipeline.Pending, b.step(id, pipeline.StepCheck).State)
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
	require.Equal(t, "new", b.store.content("thumbs/small/a.jpg.jpg"))
	require.Empty(t, b.letters())
}

func TestAttachWithoutAnOrderStore(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	h.steps.Orders = nil
	id := b.announce("a.jpg", "v1", "A1")
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	require.ErrorContains(t, b.try(h, id, pipeline.StepAttach), "no order store is configured")
	require.Equal(t, pipeline.Invalid, b.letters()[0].Class)
}
