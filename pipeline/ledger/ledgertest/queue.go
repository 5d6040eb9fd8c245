package ledgertest

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

func orderHolder(b *bench) {
	var holders, most atomic.Int32
	for _, err := range atOnce(b.t.Context(), 20, func(ctx context.Context, i int) error {
		me := fmt.Sprint("h", i)
		if _, err := b.LockOrder(ctx, "A1", me); err != nil {
			return err
		}
		most.Store(max(most.Load(), holders.Add(1)))
		holders.Add(-1)
		return b.UnlockOrder(ctx, "A1", me)
	}) {
		require.NoError(b.t, err)
	}
	require.EqualValues(b.t, 1, most.Load())

	require.NoError(b.t, b.Heartbeat(b.t.Context(), "w1", ""))
	_, err := b.LockOrder(b.t.Context(), "A2", "attach:1@w1")
	require.NoError(b.t, err)
	b.clock.Add(ledger.WorkerLife / 2)
	ctx, cancel := context.WithTimeout(b.t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = b.LockOrder(ctx, "A2", "attach:2@w2")
	require.Error(b.t, err, "the holder's worker lives")
	b.clock.Add(ledger.WorkerLife)
	_, err = b.LockOrder(b.t.Context(), "A2", "attach:2@w2")
	require.NoError(b.t, err, "a holder goes with its worker, before its lease ends")

	_, err = b.LockOrder(b.t.Context(), "A1", "gone")
	require.NoError(b.t, err)
	b.clock.Add(time.Minute)
	_, err = b.LockOrder(b.t.Context(), "A1", "next")
	require.NoError(b.t, err, "a holder that vanished loses the order")
	_, err = b.CommitOrder(b.t.Context(), "A1", "gone", pipeline.OrderCommit{})
	require.Equal(b.t, pipeline.Conflict, pipeline.ClassOf(err))
	require.NoError(b.t, b.UnlockOrder(b.t.Context(), "A1", "gone"))
}

func orderMemory(b *bench) {
	ctx := b.t.Context()
	id := b.linked("users/o1/a.jpg")
	st, err := b.LockOrder(ctx, "A1", "h1")
	require.NoError(b.t, err)
	require.Len(b.t, st.Links, 1)
	require.False(b.t, st.Links[0].Live, "not checked yet")
	require.Equal(b.t, "o1", st.Links[0].Owner)
	require.Nil(b.t, st.Intent)
	require.NoError(b.t, b.SaveIntent(ctx, "A1", "h1", pipeline.Intent{Before: "x", After: "y", Added: []string{"f"}}))
	require.NoError(b.t, b.UnlockOrder(ctx, "A1", "h1"))

	b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	st, err = b.LockOrder(ctx, "A1", "h2")
	require.NoError(b.t, err)
	require.True(b.t, st.Links[0].Live)
	require.Equal(b.t, &pipeline.Intent{Before: "x", After: "y", Added: []string{"f"}}, st.Intent)
	st.Links[0].Attached, st.Links[0].Written = true, true
	made, err := b.CommitOrder(ctx, "A1", "h2", pipeline.OrderCommit{Last: []string{"f"}, Links: st.Links})
	require.NoError(b.t, err)
	require.Empty(b.t, made)
	require.NoError(b.t, b.UnlockOrder(ctx, "A1", "h2"))
	st, err = b.LockOrder(ctx, "A1", "h3")
	require.NoError(b.t, err)
	require.Nil(b.t, st.Intent)
	require.Equal(b.t, []string{"f"}, st.Last)
	require.True(b.t, st.Links[0].Attached && st.Links[0].Written)
}

func dueSteps(b *bench) {
	ctx := b.t.Context()
	for i := range 7 {
		b.announce(photo(fmt.Sprintf("users/o1/%d.jpg", i)))
	}
	due, err := b.Due(ctx, false, ledger.Cursor{}, 3)
	require.NoError(b.t, err)
	require.Empty(b.t, due.Wishes, "their tasks have a minute to arrive")

	b.clock.Add(2 * time.Minute)
	seen := map[string]bool{}
	var cursor ledger.Cursor
	var all []pipeline.Wish
	for more := true; more; {
		due, err := b.Due(ctx, false, cursor, 3)
		require.NoError(b.t, err)
		for _, w := range due.Wishes {
			seen[w.UploadID] = true
		}
		all = append(all, due.Wishes...)
		more, cursor = due.More, due.Next
	}
	require.Len(b.t, seen, 7)
	require.Len(b.t, all, 7)
	require.Equal(b.t, bucket, all[0].Bucket)
	require.NoError(b.t, b.Swept(ctx, all))
	due, err = b.Due(ctx, false, ledger.Cursor{}, 10)
	require.NoError(b.t, err)
	require.Empty(b.t, due.Wishes)
	require.NoError(b.t, b.Unqueued(ctx, all[:2]))
	due, err = b.Due(ctx, false, ledger.Cursor{}, 10)
	require.NoError(b.t, err)
	require.Len(b.t, due.Wishes, 2, "what could not be queued is due at once")
	due, err = b.Due(ctx, true, ledger.Cursor{}, 10)
	require.NoError(b.t, err)
	require.Len(b.t, due.Wishes, 7, "a full pass sees every pending step")
}

// stepsAhead: the net sees what is not due, in pages, and leaves alone what has just changed.
func stepsAhead(b *bench) {
	ctx := b.t.Context()
	var ids []string
	for i := range 5 {
		ids = append(ids, b.announce(photo(fmt.Sprintf("users/o1/%d.jpg", i))).Announced[0].UploadID)
	}
	var later []pipeline.Wish
	for i, id := range ids[:4] { // their times are far ahead, the last one is due
		w := pipeline.Wish{Run: b.step(id, pipeline.StepCheck, "").run(), Bucket: bucket}
		w.ReadyAt = b.clock.Now().Add(time.Duration(i+1) * time.Hour)
		later = append(later, w)
	}
	require.NoError(b.t, b.Swept(ctx, later))
	ahead, err := b.Ahead(ctx, ledger.Cursor{}, 10)
	require.NoError(b.t, err)
	require.Empty(b.t, ahead.Wishes, "their producer may be about to queue them")
	b.clock.Add(2 * time.Minute)
	require.NoError(b.t, b.Heartbeat(ctx, "w1", ""))
	b.begin(ids[3], pipeline.StepCheck, "")
	b.clock.Add(10 * time.Second)

	var got []string
	var cursor ledger.Cursor
	for more := true; more; cursor = ahead.Next {
		ahead, err = b.Ahead(ctx, cursor, 2)
		require.NoError(b.t, err)
		for _, w := range ahead.Wishes {
			got = append(got, w.UploadID)
		}
		more = ahead.More
	}
	require.Equal(b.t, ids[:3], got, "the soonest first")
}

func dueLiveWorker(b *bench) {
	ctx := b.t.Context()
	id := b.announce(photo("users/o1/a.jpg")).Announced[0].UploadID
	require.NoError(b.t, b.Heartbeat(ctx, "w1", "checks:1"))
	a := b.begin(id, pipeline.StepCheck, "")
	due, err := b.Due(ctx, true, ledger.Cursor{}, 10)
	require.NoError(b.t, err)
	require.Empty(b.t, due.Wishes, "a live worker is at it")
	b.clock.Add(ledger.WorkerLife + time.Second)
	due, err = b.Due(ctx, true, ledger.Cursor{}, 10)
	require.NoError(b.t, err)
	require.Len(b.t, due.Wishes, 1, "the worker vanished")
	require.NoError(b.t, b.Swept(ctx, due.Wishes))
	n, err := b.Reap(ctx)
	require.NoError(b.t, err)
	require.Equal(b.t, 1, n)
	due, err = b.Due(ctx, false, ledger.Cursor{}, 10)
	require.NoError(b.t, err)
	require.Len(b.t, due.Wishes, 1, "what a vanished worker left is due at once")
	_, err = b.Finish(ctx, a, pipeline.StepResult{State: pipeline.Done})
	require.ErrorIs(b.t, err, ledger.ErrSuperseded, "a worker that only slept changes nothing")
	n, err = b.Reap(ctx)
	require.NoError(b.t, err)
	require.Zero(b.t, n)

	b.clock.Add(time.Minute)
	require.NoError(b.t, b.Heartbeat(ctx, "w1", "checks:1"))
	due, err = b.Due(ctx, false, ledger.Cursor{}, 10)
	require.NoError(b.t, err)
	require.Len(b.t, due.Wishes, 1, "the worker lives, but it has let go of the attempt")
}

func warmClaims(b *bench) {
	ctx := b.t.Context()
	for i := range 7 {
		b.check(b.announce(photo(fmt.Sprintf("users/o1/%d.jpg", i))).Announced[0].UploadID, "e1", "video/mp4", pipeline.Public, "")
	}
	first, err := b.ClaimWarm(ctx, bucket, "w1", 5, time.Minute)
	require.NoError(b.t, err)
	require.Len(b.t, first, 5)
	second, err := b.ClaimWarm(ctx, bucket, "w2", 5, time.Minute)
	require.NoError(b.t, err)
	require.Len(b.t, second, 2, "nobody gets what another one works on")
	none, err := b.ClaimWarm(ctx, "other-1250000000", "w2", 5, time.Minute)
	require.NoError(b.t, err)
	require.Empty(b.t, none)

	require.NoError(b.t, b.Retry(ctx, first[0], pipeline.Transient, context.DeadlineExceeded, b.clock.Now().Add(10*time.Second)))
	b.finish(first[1], pipeline.StepResult{State: pipeline.Done})
	none, err = b.ClaimWarm(ctx, bucket, "w1", 5, time.Minute)
	require.NoError(b.t, err)
	require.Empty(b.t, none, "one is done, one waits for its retry")
	b.clock.Add(11 * time.Second)
	again, err := b.ClaimWarm(ctx, bucket, "w1", 5, time.Minute)
	require.NoError(b.t, err)
	require.Len(b.t, again, 1)
	b.clock.Add(2 * time.Minute)
	require.NoError(b.t, b.Swept(ctx, []pipeline.Wish{{Run: first[2].Run}}))
	lost, err := b.ClaimWarm(ctx, bucket, "w3", 50, time.Minute)
	require.NoError(b.t, err)
	require.Len(b.t, lost, 6, "claims of workers that vanished are free again")
}

func workerLeaves(b *bench) {
	ctx := b.t.Context()
	id := b.announce(photo("users/o1/a.jpg")).Announced[0].UploadID
	require.NoError(b.t, b.Heartbeat(ctx, "w1", ""))
	a := b.begin(id, pipeline.StepCheck, "")
	require.NoError(b.t, b.Leave(ctx, "w1"))
	_, err := b.Finish(ctx, a, pipeline.StepResult{State: pipeline.Done})
	require.ErrorIs(b.t, err, ledger.ErrSuperseded)
	next := b.begin(id, pipeline.StepCheck, "")
	require.Equal(b.t, map[pipeline.Class]int{pipeline.Interrupted: 1}, next.Spent)
}
