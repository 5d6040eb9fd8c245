package ledgertest

import (
	"errors"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

func letterReplay(b *bench) {
	ctx := b.t.Context()
	id := b.linked("users/o1/a.jpg")
	b.check(id, "e1", "video/mp4", pipeline.Private, "")
	a := b.begin(id, pipeline.StepAttach, "A1")
	cause := pipeline.Errorf(pipeline.Waiting, "orders.read", "A1", "no such order")
	letter, made, err := b.Bury(ctx, a, ledger.Death{Class: pipeline.Waiting, Cause: cause, TaskType: "afterput:attach", Payload: []byte(`{"v":1}`)})
	require.NoError(b.t, err)
	require.Equal(b.t, []pipeline.Step{"notify"}, stepsOf(made))
	require.Contains(b.t, string(b.begin(id, pipeline.StepNotify, "").Kept), `"deadSteps":["attach"]`)

	l, err := b.Letter(ctx, letter)
	require.NoError(b.t, err)
	require.Equal(b.t, pipeline.LetterOpen, l.State)
	require.Equal(b.t, "users/o1/a.jpg", l.Key)
	require.Equal(b.t, pipeline.Waiting, l.Class)

	made, err = b.Replay(ctx, letter, "tester", "the order exists now")
	require.NoError(b.t, err)
	require.Equal(b.t, []pipeline.Step{"attach"}, stepsOf(made))
	require.Equal(b.t, 2, made[0].Gen, "a fresh budget")
	_, err = b.Replay(ctx, letter, "tester", "twice")
	require.ErrorIs(b.t, err, ledger.ErrNotOpen)
	_, err = b.ReplayRun(ctx, a.Run, "monitor")
	require.ErrorIs(b.t, err, ledger.ErrNotOpen)

	again := b.begin(id, pipeline.StepAttach, "A1")
	require.Empty(b.t, again.Spent)
	same, _, err := b.Bury(ctx, again, ledger.Death{Class: pipeline.Waiting, Cause: cause})
	require.NoError(b.t, err)
	require.Equal(b.t, letter, same, "one letter for each step")

	_, err = b.ReplayRun(ctx, again.Run, "monitor")
	require.NoError(b.t, err)
	b.run(id, pipeline.StepAttach, "A1")
	l, err = b.Letter(ctx, letter)
	require.NoError(b.t, err)
	require.Equal(b.t, pipeline.LetterResolved, l.State)
	open, err := b.Letters(ctx, ledger.LetterFilter{State: pipeline.LetterOpen})
	require.NoError(b.t, err)
	require.Empty(b.t, open)
	_, err = b.Replay(ctx, 4711, "tester", "")
	require.ErrorIs(b.t, err, ledger.ErrNotFound)
}

func letterRaw(b *bench) {
	ctx := b.t.Context()
	for range 2 {
		require.NoError(b.t, b.BuryRaw(ctx, "other:task", []byte("\x00?"), errors.New("unknown task type")))
	}
	letters, err := b.Letters(ctx, ledger.LetterFilter{})
	require.NoError(b.t, err)
	require.Len(b.t, letters, 1)
	require.Equal(b.t, pipeline.Bug, letters[0].Class)
	_, err = b.Replay(ctx, letters[0].ID, "tester", "")
	require.Error(b.t, err)
}

// letterBody: what came through a door and nobody understood is one letter, however
// often it comes, whole up to 1 MiB.
func letterBody(b *bench) {
	ctx := b.t.Context()
	body := []byte(`{"type":"cos:created:object","data":"` + strings.Repeat("x", 100<<10) + `"}`)
	cause := pipeline.Errorf(pipeline.Invalid, "eventbridge", "", "unknown shape")
	cause.Code = "UNREADABLE_RECORD"
	first, err := b.BuryBody(ctx, "events/eventbridge", body, cause)
	require.NoError(b.t, err)
	again, err := b.BuryBody(ctx, "events/eventbridge", body, cause)
	require.NoError(b.t, err)
	require.Equal(b.t, first, again)
	other, err := b.BuryBody(ctx, "events/cos", body, cause)
	require.NoError(b.t, err)
	require.NotEqual(b.t, first, other)

	l, err := b.Letter(ctx, first)
	require.NoError(b.t, err)
	require.Equal(b.t, pipeline.Invalid, l.Class)
	require.Equal(b.t, pipeline.Code("UNREADABLE_RECORD"), l.Code)
	require.Equal(b.t, "events/eventbridge", l.TaskType)
	require.JSONEq(b.t, string(body), string(l.Payload))
	require.Contains(b.t, l.Error, "unknown shape")
	_, err = b.Replay(ctx, first, "tester", "")
	require.Equal(b.t, pipeline.Invalid, pipeline.ClassOf(err), "there is nothing to run")
}
