package worker

import (
	"context"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// refuseReads lets the thumbnail's read of an object end as class says.
func (b *bench) refuseReads(class pipeline.Class) {
	b.store.mu.Lock()
	defer b.store.mu.Unlock()
	b.store.read = func(opt pipeline.ReadOptions) error {
		if opt.IfMatch == "" {
			return nil
		}
		return pipeline.Errorf(class, "store.get", "a.jpg", "the store contradicts itself")
	}
}

func TestObjectThatVanishedIsCheckedAgain(t *testing.T) {
	t.Parallel()
	for _, step := range []pipeline.Step{pipeline.StepThumbnail, pipeline.StepWarm} {
		t.Run(string(step), func(t *testing.T) {
			t.Parallel()
			b, clock := miniBench(t)
			b.budgets = Budgets{Missing: 2}
			h := b.handler()
			id := b.announce("a.jpg", "v1", "")
			require.NoError(t, b.try(h, id, pipeline.StepCheck))
			b.store.remove("a.jpg")
			b.urls.fail["a.jpg"] = pipeline.Errorf(pipeline.Missing, "urls", "a.jpg", "404")
			clock.Add(2 * time.Second)
			require.NoError(t, b.try(h, id, step), "404 is no failure of this step")
			require.Equal(t, pipeline.Skipped, b.step(id, step).State)
			require.Equal(t, pipeline.Pending, b.step(id, pipeline.StepCheck).State)

			var come *again
			require.ErrorAs(t, b.try(h, id, pipeline.StepCheck), &come, "the check has a budget for it")
			require.NoError(t, b.try(h, id, pipeline.StepCheck))
			for _, s := range []pipeline.Step{pipeline.StepThumbnail, pipeline.StepWarm, pipeline.StepNotify} {
				require.NoError(t, b.try(h, id, s), s)
			}
			require.Equal(t, pipeline.UploadGone, b.state(id))
			require.Empty(t, b.letters())
		})
	}
}

func TestObjectThatCameBackIsMade(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	id := b.announce("a.jpg", "v1", "")
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	b.store.remove("a.jpg")
	require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
	b.store.set("a.jpg", "v2")
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
	require.Equal(t, "v2", b.store.content("thumbs/small/a.jpg.jpg"))
	require.Empty(t, b.letters())
}

// A store whose reads contradict each other ends in one letter, and not in circles.
func TestRechecksEndInOneLetter(t *testing.T) {
	t.Parallel()
	for _, class := range []pipeline.Class{pipeline.Missing, pipeline.Superseded} {
		t.Run(string(class), func(t *testing.T) {
			t.Parallel()
			b, clock := miniBench(t)
			h := b.handler()
			b.refuseReads(class)
			id := b.announce("a.jpg", "v1", "")
			began, rounds := clock.Now(), 0
			for len(b.letters()) == 0 {
				require.Less(t, rounds, 2*maxRechecks, "it goes round in circles")
				check := b.step(id, pipeline.StepCheck)
				require.Equal(t, pipeline.Pending, check.State)
				if wait := check.ReadyAt.Sub(clock.Now()); wait > 0 {
					clock.Add(wait)
				}
				require.NoError(t, b.try(h, id, pipeline.StepCheck))
				if err := b.try(h, id, pipeline.StepThumbnail); err != nil {
					require.ErrorIs(t, err, asynq.SkipRetry)
				}
				rounds++
			}
			require.Equal(t, maxRechecks+1, rounds)
			require.Greater(t, clock.Now().Sub(began), time.Minute, "it gave the object time to settle")
			require.Less(t, clock.Now().Sub(began), 5*time.Minute)
			require.Len(t, b.letters(), 1)
			require.Equal(t, pipeline.Conflict, b.letters()[0].Class)
			require.Equal(t, pipeline.StepThumbnail, b.letters()[0].Step)
			require.Equal(t, pipeline.Dead, b.step(id, pipeline.StepThumbnail).State)

			b.store.mu.Lock()
			b.store.read = nil
			b.store.mu.Unlock()
			_, err := b.ledger.Replay(context.WithoutCancel(t.Context()), b.letters()[0].ID, "tester", "")
			require.NoError(t, err)
			require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
			require.Equal(t, pipeline.LetterResolved, b.letters()[0].State)
		})
	}
}
