package worker

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestRunInTheMonitorIsOneReplay(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		b.budgets = Budgets{Transient: 2}
		var tries atomic.Int32
		b.store.onCall(func(_ context.Context, op, key string) error {
			if n := tries.Add(1); op == "get" && n <= 3 {
				return pipeline.Errorf(pipeline.Transient, "store.get", key, "no %d", n)
			}
			return nil
		})
		id := b.announce("a.jpg", "v1", "")
		first := b.run(id, pipeline.StepCheck)
		b.task(first)
		b.start(nil)
		archived := func() bool { return len(b.queued(tasks.QueueChecks, asynq.TaskStateArchived)) == 1 }
		b.eventually(archived, "it dies")
		info, err := b.inspect.GetTaskInfo(tasks.QueueChecks, tasks.ID(first))
		require.NoError(t, err)
		require.Regexp(t, `^dead: letter 1: check.read: store.get`, info.LastErr)
		require.Equal(t, pipeline.LetterOpen, b.letters()[0].State)

		require.NoError(t, b.inspect.RunTask(tasks.QueueChecks, tasks.ID(first)))
		b.eventually(func() bool { return b.state(id) == pipeline.UploadDone }, "the replay succeeds in its second attempt")
		require.Equal(t, first.Gen+1, b.run(id, pipeline.StepCheck).Gen)
		require.Equal(t, []string{"transient", "transient", "transient", ""}, b.classes(id, pipeline.StepCheck), "a fresh budget")
		require.Len(t, b.letters(), 1)
		require.Equal(t, pipeline.LetterResolved, b.letters()[0].State)
		b.eventually(func() bool { return !archived() }, "the archived task is gone")
	})
}

func TestForeignTaskIsArchivedWithItsLetter(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		b.start(nil)
		client := asynq.NewClientFromRedisClient(b.rdb)
		_, err := client.Enqueue(asynq.NewTask("other:task", []byte("\x00?")), asynq.Queue(tasks.QueueHooks), asynq.TaskID("x"))
		require.NoError(t, err)
		b.eventually(func() bool { return len(b.queued(tasks.QueueHooks, asynq.TaskStateArchived)) == 1 }, "it is archived")
		info, err := b.inspect.GetTaskInfo(tasks.QueueHooks, "x")
		require.NoError(t, err)
		require.Regexp(t, `^dead: letter of class bug`, info.LastErr)
		require.Len(t, b.letters(), 1)
		require.Equal(t, pipeline.Bug, b.letters()[0].Class)
	})
}

func TestRunOfALetterThatWasReplayedElsewhere(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	b.budgets = Budgets{Missing: 1}
	h := b.handler()
	id := b.announce("a.jpg", "", "")
	task := b.task(b.run(id, pipeline.StepCheck))
	require.ErrorIs(t, h.ProcessTask(t.Context(), task), asynq.SkipRetry)
	made, err := b.ledger.Replay(t.Context(), 1, "tester", "")
	require.NoError(t, err)
	require.Len(t, made, 1)
	require.NoError(t, h.ProcessTask(t.Context(), task), "the old task has nothing to say any more")
	require.Len(t, b.classes(id, pipeline.StepCheck), 1)
	require.ErrorIs(t, b.try(h, id, pipeline.StepCheck), asynq.SkipRetry)
	require.Len(t, b.letters(), 1, "one letter for each step")
	require.Equal(t, pipeline.LetterOpen, b.letters()[0].State)
}
