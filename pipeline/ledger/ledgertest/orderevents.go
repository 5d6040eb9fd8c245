package ledgertest

import (
	"encoding/json"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// array is what the order A1 holds.
func array(fileIDs ...string) *pipeline.OrderUpdate {
	return &pipeline.OrderUpdate{Order: "A1", Owner: "o1", FileIDs: append([]string{}, fileIDs...)}
}

// commit ends an attach to A1 that leaves now; with before it meant to write.
func (b *bench) commit(before, now *pipeline.OrderUpdate) []pipeline.Wish {
	b.t.Helper()
	ctx := b.t.Context()
	_, err := b.LockOrder(ctx, "A1", "h")
	require.NoError(b.t, err)
	if before != nil {
		require.NoError(b.t, b.SaveIntent(ctx, "A1", "h", pipeline.Intent{Before: pipeline.ArrayHash(before.FileIDs)}))
	}
	made, err := b.CommitOrder(ctx, "A1", "h", pipeline.OrderCommit{Now: now})
	require.NoError(b.t, err)
	require.NoError(b.t, b.UnlockOrder(ctx, "A1", "h"))
	return made
}

// notice reads what a notify step is to tell.
func (b *bench) notice(run pipeline.Run) pipeline.OrderUpdate {
	b.t.Helper()
	var n ledger.Notice
	require.NoError(b.t, json.Unmarshal(b.step(run.UploadID, run.Step, run.Scope).Result, &n))
	e, ok := n.Event()
	require.True(b.t, ok)
	u, ok := e.Data.(pipeline.OrderUpdate)
	require.True(b.t, ok)
	require.Equal(b.t, b.clock.Now(), u.At)
	return u
}

func orderEvents(b *bench) {
	b.wants = func(event string) []string {
		if event == pipeline.OrderUpdated {
			return []string{"", "crm"}
		}
		return []string{""}
	}
	first, second := b.linked("users/o1/a.jpg"), b.linked("users/o1/b.jpg")
	b.check(first, "e1", "image/jpeg", pipeline.Private, "")
	require.Empty(b.t, b.commit(nil, array("own")), "we never wrote it")
	made := b.commit(array("own"), array("own", "a"))
	require.Len(b.t, made, 2)
	for i, scope := range []string{"/A1", "crm/A1"} {
		require.Equal(b.t, pipeline.Run{UploadID: first, Step: pipeline.StepNotify, Scope: scope, Gen: 1}, made[i].Run)
		require.Equal(b.t, bucket, made[i].Bucket)
	}
	require.Equal(b.t, []string{"own", "a"}, b.notice(made[0].Run).FileIDs)
	require.Empty(b.t, b.commit(nil, array("own", "a")), "subscribers know it")

	// Nobody took the first one yet: the newer one has its place. Where it was tried, a new
	// run begins with a schedule of its own.
	started := b.begin(first, pipeline.StepNotify, "crm/A1")
	made = b.commit(array("own", "a"), array("own", "a", "b"))
	require.Equal(b.t, 1, made[0].Gen)
	require.Equal(b.t, 2, made[1].Gen)
	u := b.notice(made[1].Run)
	require.Equal(b.t, pipeline.OrderUpdate{Order: "A1", Revision: 2, Owner: "o1", FileIDs: []string{"own", "a", "b"}, At: u.At}, u)
	_, err := b.Finish(b.t.Context(), started, pipeline.StepResult{State: pipeline.Done})
	require.ErrorIs(b.t, err, ledger.ErrSuperseded)

	// A write of which nobody heard: its process died before it could say so.
	ctx := b.t.Context()
	_, err = b.LockOrder(ctx, "A1", "dies")
	require.NoError(b.t, err)
	require.NoError(b.t, b.SaveIntent(ctx, "A1", "dies", pipeline.Intent{Before: "x", After: "y"}))
	require.NoError(b.t, b.UnlockOrder(ctx, "A1", "dies"))
	require.Len(b.t, b.commit(nil, array("own", "b")), 2)
	require.Equal(b.t, 3, b.notice(made[0].Run).Revision)

	outcome, err := b.Outcome(ctx, first)
	require.NoError(b.t, err)
	require.Equal(b.t, pipeline.InFlight, outcome.State, "thumbnail and attach are to come")
	require.Empty(b.t, b.commit(nil, nil), "what it holds is not known")

	b.finish(b.begin(first, pipeline.StepNotify, "/A1"), pipeline.StepResult{State: pipeline.Done})
	require.NotEmpty(b.t, b.step(first, pipeline.StepNotify, "/A1").Result, "it can be told again")
	b.check(second, "e1", "image/jpeg", pipeline.Private, pipeline.CodeTooLarge)
	b.run(second, pipeline.StepNotify, "")
	require.NoError(b.t, b.Erase(ctx, second))
	require.Empty(b.t, b.step(first, pipeline.StepNotify, "/A1").Result, "it named a file that is erased")
	require.NotEmpty(b.t, b.step(first, pipeline.StepNotify, "crm/A1").Result, "but this is on its way")
}

// orderEventsAreDue: the sweep finds a delivery whose task was lost, and an order event is no
// outcome.
func orderEventsAreDue(b *bench) {
	b.wants = func(event string) []string {
		if event == pipeline.OrderUpdated {
			return []string{"crm"}
		}
		return nil
	}
	id := b.linked("users/o1/a.jpg")
	b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	b.run(id, pipeline.StepThumbnail, "")
	b.run(id, pipeline.StepAttach, "A1")
	made := b.commit(array(), array("a"))
	b.run(id, pipeline.StepNotify, "")
	b.clock.Add(2 * ledger.WorkerLife)
	due, err := b.Due(b.t.Context(), false, ledger.Cursor{}, 10)
	require.NoError(b.t, err)
	require.Len(b.t, due.Wishes, 1)
	require.Equal(b.t, made[0].Run, due.Wishes[0].Run)
	o, err := b.Outcome(b.t.Context(), id)
	require.NoError(b.t, err)
	require.Equal(b.t, 1, o.Revision)
	require.Equal(b.t, pipeline.UploadDone, o.State, "its delivery is no part of the outcome")
}

// orderEventsOfNobody: without a subscriber nothing is to do, and the next one to subscribe
// hears of what comes.
func orderEventsOfNobody(b *bench) {
	b.linked("users/o1/a.jpg")
	require.Empty(b.t, b.commit(array(), array("a")))
	b.wants = func(string) []string { return []string{"crm"} }
	require.Empty(b.t, b.commit(nil, array("a")))
	made := b.commit(array("a"), array("a", "b"))
	require.Len(b.t, made, 1)
	require.Equal(b.t, 2, b.notice(made[0].Run).Revision)
}
