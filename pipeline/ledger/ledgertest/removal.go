package ledgertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

func removal(key string) pipeline.Announcement {
	a := photo(key)
	a.Removed = true
	return a
}

// endGone ends a check as one whose object is not there.
func (b *bench) endGone(a *ledger.OpenAttempt) []pipeline.Wish {
	b.t.Helper()
	content := a.Upload.Content
	return b.finish(a, pipeline.StepResult{State: pipeline.Done, Code: pipeline.CodeObjectGone, Content: &content})
}

// removalFirst: events come in any order. A removal that comes before the creation of the
// same object is remembered; what is uploaded afterwards is a normal upload.
func removalFirst(b *bench) {
	res := b.announce(removal("users/o1/a.jpg"))
	require.Empty(b.t, res.Wishes)
	id := b.announce(photo("users/o1/a.jpg")).Announced[0].UploadID
	a := b.begin(id, pipeline.StepCheck, "")
	require.Equal(b.t, ledger.RemovedBefore, a.Removal, "the object may be on its way again")
	b.endGone(a)
	u := b.upload(id)
	require.Equal(b.t, pipeline.CodeObjectGone, u.Reason)
	steps, err := b.Steps(b.t.Context(), id)
	require.NoError(b.t, err)
	require.Equal(b.t, pipeline.UploadGone, pipeline.OutcomeState(u.Reason, steps))

	b.announce(photo("users/o1/a.jpg"))
	require.Equal(b.t, ledger.NotRemoved, b.recheck(id).Removal, "a check has decided")
	require.Empty(b.t, b.upload(id).Reason)
}

// recheck runs a check of an accepted photo and gives its attempt.
func (b *bench) recheck(id string) *ledger.OpenAttempt {
	b.t.Helper()
	a := b.begin(id, pipeline.StepCheck, "")
	c := pipeline.Content{ETag: "e1", Size: 100, Facts: pipeline.Facts{Type: "image/jpeg", Width: 10, Height: 20}}
	b.finish(a, pipeline.StepResult{State: pipeline.Done, Content: &c})
	return a
}

// removalUnchecked: the last word about a known object is its removal, until it is
// announced again.
func removalUnchecked(b *bench) {
	id := b.announce(photo("users/o1/a.jpg"), removal("users/o1/a.jpg")).Announced[0].UploadID
	require.Equal(b.t, ledger.RemovedLast, b.begin(id, pipeline.StepCheck, "").Removal)
	b.announce(photo("users/o1/a.jpg"))
	require.Equal(b.t, ledger.RemovedBefore, b.begin(id, pipeline.StepCheck, "").Removal)
	b.announce(removal("users/o1/a.jpg"))
	require.Equal(b.t, ledger.RemovedLast, b.begin(id, pipeline.StepCheck, "").Removal)

	other := b.announce(photo("users/o1/b.jpg")).Announced[0].UploadID
	require.Equal(b.t, ledger.NotRemoved, b.begin(other, pipeline.StepCheck, "").Removal)
}

// removalDuringCheck: a check that saw the object before its removal was announced does
// not take the mark away.
func removalDuringCheck(b *bench) {
	id := b.announce(photo("users/o1/a.jpg")).Announced[0].UploadID
	a := b.begin(id, pipeline.StepCheck, "")
	b.announce(removal("users/o1/a.jpg"))
	_, err := b.Finish(b.t.Context(), a, pipeline.StepResult{State: pipeline.Done})
	require.ErrorIs(b.t, err, ledger.ErrSuperseded)
	require.Equal(b.t, ledger.RemovedLast, b.begin(id, pipeline.StepCheck, "").Removal)
}

func removalsGo(b *bench) {
	ctx := b.t.Context()
	b.announce(removal("temp/1.jpg"), removal("temp/2.jpg"), removal("temp/3.jpg"))
	id := b.announce(removal("users/o1/a.jpg"), photo("users/o1/a.jpg")).Announced[0].UploadID
	b.clock.Add(time.Hour)
	require.Equal(b.t, 3, b.prune(ledger.PruneRemovals, b.clock.Now()), "one whose check is pending stays")
	b.endGone(b.begin(id, pipeline.StepCheck, ""))
	b.run(id, pipeline.StepNotify, "")
	require.NoError(b.t, b.Erase(ctx, id))
	b.announce(photo("users/o1/a.jpg"))
	require.Equal(b.t, ledger.NotRemoved, b.begin(id, pipeline.StepCheck, "").Removal)
}
