package worker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
)

// checked announces n objects and runs their checks, so that each wants to be warmed.
func (b *bench) checked(h *handler, n int) []string {
	b.Helper()
	var ids []string
	for i := range n {
		id := b.announce(fmt.Sprintf("%d.jpg", i), "v1", "")
		require.NoError(b, b.try(h, id, pipeline.StepCheck))
		ids = append(ids, id)
	}
	return ids
}

func TestWarmInClaims(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	ids := b.checked(h, pipeline.WarmBatch+7)
	require.Len(t, b.queued(tasks.QueueURLs, asynq.TaskStateScheduled), 1, "one task for the bucket and slot")
	require.NoError(t, b.try(h, ids[0], pipeline.StepWarm))
	require.Equal(t, []int{50, 7}, b.urls.calls)
	require.Len(t, b.urls.kept, len(ids))
	for _, id := range ids {
		require.Equal(t, pipeline.Done, b.step(id, pipeline.StepWarm).State)
	}
}

func TestWarmFailuresAreEachItsOwn(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	b.budgets = Budgets{Transient: 3}
	h := b.handler()
	ids := b.checked(h, 4)
	clock.Add(2 * time.Second) // into the slot of the task
	b.urls.fail["1.jpg"] = pipeline.Errorf(pipeline.Transient, "urls", "1.jpg", "later")
	b.urls.fail["2.jpg"] = pipeline.Errorf(pipeline.Denied, "urls", "2.jpg", "never")
	require.NoError(t, b.try(h, ids[0], pipeline.StepWarm))
	require.Equal(t, pipeline.Done, b.step(ids[0], pipeline.StepWarm).State)
	require.Equal(t, pipeline.Pending, b.step(ids[1], pipeline.StepWarm).State)
	require.Equal(t, pipeline.Dead, b.step(ids[2], pipeline.StepWarm).State)
	require.Equal(t, pipeline.Done, b.step(ids[3], pipeline.StepWarm).State)
	require.Len(t, b.letters(), 1)
	require.Equal(t, ids[2], b.letters()[0].UploadID)
	require.Len(t, b.queued(tasks.QueueURLs, asynq.TaskStateScheduled), 2, "the retry has a slot of its own")

	require.NoError(t, b.try(h, ids[1], pipeline.StepWarm))
	require.Equal(t, []int{4}, b.urls.calls, "not before its time")
	b.urls.heal("1.jpg")
	clock.Add(time.Minute)
	require.NoError(t, b.try(h, ids[1], pipeline.StepWarm))
	require.Equal(t, []int{4, 1}, b.urls.calls)
	require.Equal(t, []string{"transient", ""}, b.classes(ids[1], pipeline.StepWarm))
}

func TestWarmNeverCachesPrivateFiles(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	b.store.private["0.jpg"] = true
	ids := b.checked(h, 2)
	require.Equal(t, pipeline.Skipped, b.step(ids[0], pipeline.StepWarm).State, "it has no task at all")
	// The other one turns private between the resolving and the cache.
	b.urls.hook = func() error {
		b.store.mu.Lock()
		defer b.store.mu.Unlock()
		b.store.private["1.jpg"] = true
		return nil
	}
	require.NoError(t, b.try(h, ids[1], pipeline.StepWarm))
	require.Equal(t, []int{1}, b.urls.calls)
	require.Empty(t, b.urls.kept)
	require.Equal(t, pipeline.Skipped, b.step(ids[1], pipeline.StepWarm).State)
}

func TestWarmEndsWithItsDeadlineAndItsPanics(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	for _, c := range []struct {
		class pipeline.Class
		state pipeline.StepState
		hook  func() error
	}{
		{pipeline.Transient, pipeline.Pending, func() error {
			<-release
			return context.Canceled
		}},
		{pipeline.Bug, pipeline.Dead, func() error { panic("boom") }},
	} {
		b, _ := miniBench(t)
		h := b.handler()
		ids := b.checked(h, 3)
		b.limits[pipeline.StepWarm] = 50 * time.Millisecond
		b.urls.hook = c.hook
		err := b.try(h, ids[0], pipeline.StepWarm)
		require.True(t, err == nil || !isFailure(err), "the uploads are charged, not the task: %v", err)
		for _, id := range ids {
			require.Equal(t, []string{string(c.class)}, b.classes(id, pipeline.StepWarm))
			require.Equal(t, c.state, b.step(id, pipeline.StepWarm).State)
		}
	}
}

func TestWarmTaskGivesTheRestBack(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	id := b.checked(h, 1)[0]
	more := b.announce("more.jpg", "v1", "")
	b.limits[pipeline.StepWarm] = 4 * time.Second
	b.urls.hook = func() error {
		b.urls.hook = nil
		<-time.After(2100 * time.Millisecond) // more than half of the time
		return b.try(h, more, pipeline.StepCheck)
	}
	err := b.try(h, id, pipeline.StepWarm)
	require.ErrorContains(t, err, "more of the bucket to warm")
	require.False(t, isFailure(err))
	require.Zero(t, retryDelay(0, err, nil))
	require.Equal(t, []int{1}, b.urls.calls)
	require.NoError(t, b.try(h, id, pipeline.StepWarm))
	require.Equal(t, []int{1, 1}, b.urls.calls)
}

func TestWarmOfContentThatWasRejectedMeanwhile(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	id := b.checked(h, 1)[0]
	b.urls.hook = func() error {
		b.urls.hook = nil
		b.announce("0.jpg", "", "")
		b.store.remove("0.jpg")
		h.budgets.Missing = 1
		require.NoError(t, b.try(h, id, pipeline.StepCheck))
		return b.try(h, id, pipeline.StepWarm)
	}
	require.NoError(t, b.try(h, id, pipeline.StepWarm))
	require.Equal(t, 3, b.run(id, pipeline.StepWarm).Gen, "the old run wrote late, so it is made again")
	require.Empty(t, b.urls.kept, "the URL of a file that is gone is not kept")
}
