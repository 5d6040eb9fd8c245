package worker

import (
	"context"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

func TestSuccessEnqueuesWhatFollows(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	b.orders.create("A1")
	h := b.handler()
	id := b.announce("a.jpg", "v1", "A1")
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	for _, step := range []pipeline.Step{pipeline.StepThumbnail, pipeline.StepAttach} {
		require.Equal(t, []string{tasks.ID(b.run(id, step))}, b.queued(tasks.QueueOf(step), asynq.TaskStatePending), step)
	}
	for _, step := range []pipeline.Step{pipeline.StepThumbnail, pipeline.StepAttach, pipeline.StepWarm, pipeline.StepNotify} {
		require.NoError(t, b.try(h, id, step), step)
	}
	require.Equal(t, pipeline.UploadDone, b.state(id))
	require.Equal(t, "v1", b.store.content("thumbs/small/a.jpg.jpg"))
	require.Equal(t, []string{"cos://" + bucket + "/a.jpg"}, b.orders.images("A1"))
	require.Equal(t, map[string]string{"cos://" + bucket + "/a.jpg": "https://u/a.jpg"}, b.urls.kept)
	require.Equal(t, []string{id + ".1 done"}, b.sink.all())
	require.Empty(t, b.letters())
}

func TestFailures(t *testing.T) {
	t.Parallel()
	fail := func(class pipeline.Class) func(context.Context, string, string) error {
		return func(context.Context, string, string) error { return pipeline.Errorf(class, "store.get", "a.jpg", "no") }
	}
	for _, c := range []struct {
		name    string
		hook    func(context.Context, string, string) error
		retries int // before the letter
		class   pipeline.Class
	}{
		{"transient", fail(pipeline.Transient), 2, pipeline.Transient},
		{"missing", fail(pipeline.Missing), 1, pipeline.Missing},
		{"denied", fail(pipeline.Denied), 0, pipeline.Denied},
		{"invalid", fail(pipeline.Invalid), 0, pipeline.Invalid},
		{"bug", fail(pipeline.Bug), 0, pipeline.Bug},
		{"panic", func(context.Context, string, string) error { panic("boom") }, 0, pipeline.Bug},
		{"an error without a class", func(context.Context, string, string) error { return context.Canceled }, 2, pipeline.Transient},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, clock := miniBench(t)
			b.budgets = Budgets{Transient: 3, Missing: 2}
			h := b.handler()
			b.store.onCall(c.hook)
			id := b.announce("a.jpg", "v1", "")
			for range c.retries {
				err := b.try(h, id, pipeline.StepCheck)
				var come *again
				require.ErrorAs(t, err, &come)
				require.Equal(t, c.class, come.class)
				require.Positive(t, come.delay)
				require.Empty(t, b.letters())
				require.True(t, b.step(id, pipeline.StepCheck).ReadyAt.After(clock.Now()))
				clock.Add(time.Minute)
			}
			err := b.try(h, id, pipeline.StepCheck)
			require.ErrorIs(t, err, asynq.SkipRetry)
			require.Regexp(t, `^dead: letter 1: `, err.Error())
			letters := b.letters()
			require.Len(t, letters, 1)
			require.Equal(t, c.class, letters[0].Class)
			require.Equal(t, c.retries+1, letters[0].Attempts)
			require.Equal(t, tasks.TypeOf(pipeline.StepCheck), letters[0].TaskType)
			require.Contains(t, string(letters[0].Payload), id)
			require.Equal(t, pipeline.UploadDead, pipeline.OutcomeState("", []pipeline.StepRecord{b.step(id, pipeline.StepCheck)}))
			require.Contains(t, b.log.String(), "upload="+id)
		})
	}
}

func TestBudgetsAreCountedByClass(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	b.budgets = Budgets{Transient: 2, ThrottledFor: time.Hour}
	h := b.handler()
	class := pipeline.Throttled
	b.store.onCall(func(context.Context, string, string) error {
		return &pipeline.Error{Class: class, Op: "store.get", RetryAfter: 7 * time.Minute}
	})
	id := b.announce("a.jpg", "v1", "")
	for range 8 {
		var come *again
		require.ErrorAs(t, b.try(h, id, pipeline.StepCheck), &come)
		require.GreaterOrEqual(t, come.delay, 7*time.Minute)
		clock.Add(7 * time.Minute)
	}
	class = pipeline.Transient
	require.NotErrorIs(t, b.try(h, id, pipeline.StepCheck), asynq.SkipRetry, "throttling cost no attempts")
	clock.Add(time.Hour)
	class = pipeline.Throttled
	require.ErrorIs(t, b.try(h, id, pipeline.StepCheck), asynq.SkipRetry, "its time is over")
}

func TestObjectGoneAfterItsCheck(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	b.budgets = Budgets{Missing: 1}
	h := b.handler()
	id := b.announce("a.jpg", "v1", "")
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
	b.store.remove("a.jpg")
	b.announce("a.jpg", "", "")
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	require.Empty(t, b.letters())
	require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
	require.NoError(t, b.try(h, id, pipeline.StepWarm))
	require.NoError(t, b.try(h, id, pipeline.StepNotify))
	require.Equal(t, pipeline.UploadGone, b.state(id))
	require.Empty(t, b.store.content("thumbs/small/a.jpg.jpg"), "thumbnails go with the object")
}

func TestDeafStepEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	b.limits[pipeline.StepCheck] = 50 * time.Millisecond
	h := b.handler()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	b.store.onCall(func(context.Context, string, string) error {
		<-release
		return context.Canceled
	})
	id := b.announce("a.jpg", "v1", "")
	var come *again
	require.ErrorAs(t, b.try(h, id, pipeline.StepCheck), &come)
	require.Equal(t, pipeline.Transient, come.class)
	require.Equal(t, []string{"transient"}, b.classes(id, pipeline.StepCheck))
}

func TestNothingIsWrittenOnceAsynqTookTheTaskBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]error{"a success": nil, "a failure": pipeline.Errorf(pipeline.Denied, "x", "", "no")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := miniBench(t)
			h := b.handler()
			id := b.announce("a.jpg", "v1", "")
			task := b.task(b.run(id, pipeline.StepCheck))
			ctx, cancel := context.WithCancel(t.Context())
			b.store.onCall(func(context.Context, string, string) error {
				cancel()
				return end
			})
			require.ErrorIs(t, h.ProcessTask(ctx, task), context.Canceled)
			require.Equal(t, []string{"open"}, b.classes(id, pipeline.StepCheck))
			require.Equal(t, pipeline.Pending, b.step(id, pipeline.StepCheck).State)
			require.Empty(t, b.letters())

			b.store.onCall(nil)
			require.NoError(t, b.try(h, id, pipeline.StepCheck))
			require.Equal(t, []string{"interrupted", ""}, b.classes(id, pipeline.StepCheck), "nobody is charged")
		})
	}
}

func TestTasksThatAreNotOurs(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	for i, c := range []struct{ kind, payload string }{
		{"other:task", `{}`},
		{"afterput:paint", `{"v":1,"upload":"x","gen":1}`},
		{"afterput:check", "\x00\xff not JSON"},
		{"afterput:check", `{"v":2,"upload":"x","gen":1}`},
		{"afterput:check", `{"v":1,"upload":"x","gen":1,"shell":"rm"}`},
		{"afterput:attach", `{"v":1,"upload":"x","gen":1}`},
		{"afterput:warm", `{"v":1}`},
	} {
		for range 2 {
			err := h.ProcessTask(t.Context(), asynq.NewTask(c.kind, []byte(c.payload)))
			require.ErrorIs(t, err, asynq.SkipRetry, c.payload)
			require.Regexp(t, `^dead: letter`, err.Error())
			require.Len(t, b.letters(), i+1, "one letter for one task")
		}
		require.Equal(t, pipeline.Bug, b.letters()[i].Class)
	}
}

func TestTasksOfOldOrUnknownRuns(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	id := b.announce("a.jpg", "v1", "")
	old := b.run(id, pipeline.StepCheck)
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	b.announce("a.jpg", "v1", "")
	require.NoError(t, h.ProcessTask(t.Context(), b.task(old)), "an older gen")
	require.Equal(t, pipeline.Pending, b.step(id, pipeline.StepCheck).State)
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	require.NoError(t, b.try(h, id, pipeline.StepCheck), "done already")
	require.Len(t, b.classes(id, pipeline.StepCheck), 2)
	require.NoError(t, h.ProcessTask(t.Context(), b.task(pipeline.Run{UploadID: "unknown", Step: pipeline.StepCheck, Gen: 1})))
	require.Contains(t, b.log.String(), "upload=unknown")
}

func TestLedgerAway(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	id := b.announce("a.jpg", "v1", "")
	task := b.task(b.run(id, pipeline.StepCheck))
	away := func(h *handler, task *asynq.Task) {
		t.Helper()
		err := h.ProcessTask(t.Context(), task)
		var come *again
		require.ErrorAs(t, err, &come)
		require.False(t, isFailure(err), "asynq does not count it either")
		require.Equal(t, ledgerPause, retryDelay(0, err, task))
	}
	// It goes away in the middle of an attempt that is about to die.
	b.store.onCall(func(context.Context, string, string) error {
		_ = b.db.Close()
		return pipeline.Errorf(pipeline.Denied, "store.get", "a.jpg", "403")
	})
	away(h, task)
	b.store.onCall(nil)
	away(h, task)
	away(h, asynq.NewTask("other:task", nil))
	away(h, asynq.NewTask("afterput:warm", []byte(`{"v":1,"bucket":"`+bucket+`"}`)))
	require.Contains(t, b.log.String(), "the ledger is away")
	require.Contains(t, b.log.String(), "upload="+id)

	b.ledger, b.db = b.open()
	back := b.handler()
	require.NoError(t, back.ProcessTask(t.Context(), task))
	require.Empty(t, b.letters())
	require.Equal(t, []string{"interrupted", ""}, b.classes(id, pipeline.StepCheck), "no budget was spent")
}

func TestVerdictIsSaidAgain(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	id := b.announce("a.jpg", "v1", "")
	task := b.task(b.run(id, pipeline.StepCheck))
	// The process dies after the letter and before asynq heard of it.
	a, err := b.ledger.Begin(t.Context(), b.run(id, pipeline.StepCheck), "w0", time.Minute)
	require.NoError(t, err)
	_, _, err = b.ledger.Bury(t.Context(), a, ledger.Death{Class: pipeline.Denied, Cause: pipeline.Errorf(pipeline.Denied, "x", "", "no")})
	require.NoError(t, err)
	for range 2 {
		err = h.ProcessTask(t.Context(), task)
		require.ErrorIs(t, err, asynq.SkipRetry)
		require.Regexp(t, `^dead: letter`, err.Error())
	}
	require.Len(t, b.letters(), 1)
	require.Len(t, b.classes(id, pipeline.StepCheck), 1, "it did not run again")
}
