package ledgertest

import (
	"context"
	"errors"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

func letterDiscard(b *bench) {
	ctx := b.t.Context()
	id := b.bury("users/o1/a.jpg", "A1", pipeline.Denied, "403")
	upload := pipeline.UploadID("b-1", "users/o1/a.jpg")
	b.run(upload, pipeline.StepNotify, "")

	made, err := b.Discard(ctx, id, "tester", "the customer left")
	require.NoError(b.t, err)
	require.Equal(b.t, []pipeline.Step{pipeline.StepNotify}, stepsOf(made), "the outcome changed")
	require.Contains(b.t, string(b.begin(upload, pipeline.StepNotify, "").Kept), `"state":"discarded"`)
	require.Equal(b.t, pipeline.Discarded, b.step(upload, pipeline.StepCheck, "").State)
	l, err := b.Letter(ctx, id)
	require.NoError(b.t, err)
	require.Equal(b.t, pipeline.LetterDiscarded, l.State)
	require.Equal(b.t, "the customer left", l.Note)
	op, err := b.Operation(ctx, 1)
	require.NoError(b.t, err)
	require.Equal(b.t, ledger.Operation{
		ID: 1, At: b.clock.Now(), Who: "tester", What: "discard", Filter: "letter 1", Note: "the customer left", Counts: "1",
	}, op)

	for _, again := range []func() ([]pipeline.Wish, error){
		func() ([]pipeline.Wish, error) { return b.Discard(ctx, id, "tester", "") },
		func() ([]pipeline.Wish, error) { return b.DiscardLetter(ctx, l, "") },
		func() ([]pipeline.Wish, error) { return b.Replay(ctx, id, "tester", "") },
		func() ([]pipeline.Wish, error) { return b.ReplayLetter(ctx, l, "") },
	} {
		_, err = again()
		require.ErrorIs(b.t, err, ledger.ErrNotOpen)
	}
	_, err = b.Discard(ctx, 4711, "tester", "")
	require.ErrorIs(b.t, err, ledger.ErrNotFound)
}

// discardThenRemoved: the object of an upload that was given up may be deleted. Its removal
// is no news; new content is.
func discardThenRemoved(b *bench) {
	ctx := b.t.Context()
	id := b.bury("users/o1/a.jpg", "", pipeline.Denied, "403")
	upload := pipeline.UploadID("b-1", "users/o1/a.jpg")
	ann := pipeline.Announcement{Bucket: "b-1", Key: "users/o1/a.jpg", Source: "cos-event", Removed: true}
	check := func() pipeline.StepState { return b.step(upload, pipeline.StepCheck, "").State }
	_, err := b.Discard(ctx, id, "tester", "spam")
	require.NoError(b.t, err)
	require.Empty(b.t, b.announce(ann).Wishes)
	require.Equal(b.t, pipeline.Discarded, check())
	ann.Removed = false
	require.Len(b.t, b.announce(ann).Wishes, 1)
	require.Equal(b.t, pipeline.Pending, check())
	ann.Removed = true
	b.announce(ann)
	require.Equal(b.t, pipeline.Pending, check(), "one that is under way is checked")
}

func letterDiscardRaw(b *bench) {
	ctx := b.t.Context()
	require.NoError(b.t, b.BuryRaw(ctx, "other:task", []byte("?"), errors.New("unknown task type")))
	made, err := b.Discard(ctx, 1, "tester", "not ours")
	require.NoError(b.t, err)
	require.Empty(b.t, made)
	l, err := b.Letter(ctx, 1)
	require.NoError(b.t, err)
	require.Equal(b.t, pipeline.LetterDiscarded, l.State)
}

// letterSeen holds that a letter which died again after it was listed is not replayed
// by whoever listed it before.
func letterSeen(b *bench) {
	ctx := b.t.Context()
	id := b.bury("users/o1/a.jpg", "", pipeline.Denied, "403")
	upload := pipeline.UploadID("b-1", "users/o1/a.jpg")
	seen, err := b.Letter(ctx, id)
	require.NoError(b.t, err)
	_, err = b.ReplayLetter(ctx, seen, "one")
	require.NoError(b.t, err)
	_, _, err = b.Bury(ctx, b.begin(upload, pipeline.StepCheck, ""), ledger.Death{Class: pipeline.Denied, Cause: errors.New("403")})
	require.NoError(b.t, err)
	_, err = b.ReplayLetter(ctx, seen, "two")
	require.ErrorIs(b.t, err, ledger.ErrNotOpen)
	_, err = b.DiscardLetter(ctx, seen, "two")
	require.ErrorIs(b.t, err, ledger.ErrNotOpen)
	_, err = b.Operation(ctx, 1)
	require.ErrorIs(b.t, err, ledger.ErrNotFound, "the trail is the caller's")

	fresh, err := b.Letter(ctx, id)
	require.NoError(b.t, err)
	won := 0
	for _, err := range atOnce(ctx, 8, func(ctx context.Context, _ int) error {
		_, err := b.ReplayLetter(ctx, fresh, "race")
		return err
	}) {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(b.t, err, ledger.ErrNotOpen)
	}
	require.Equal(b.t, 1, won)
}

func operations(b *bench) {
	ctx := b.t.Context()
	id, err := b.Record(ctx, ledger.Operation{Who: "o", What: "dead replay", Filter: "--class denied", Note: "n"})
	require.NoError(b.t, err)
	same, err := b.Record(ctx, ledger.Operation{ID: id, Counts: `{"replayed":3}`})
	require.NoError(b.t, err)
	require.Equal(b.t, id, same)
	op, err := b.Operation(ctx, id)
	require.NoError(b.t, err)
	require.Equal(b.t, ledger.Operation{
		ID: id, At: b.clock.Now(), Who: "o", What: "dead replay", Filter: "--class denied", Note: "n", Counts: `{"replayed":3}`,
	}, op)
}
