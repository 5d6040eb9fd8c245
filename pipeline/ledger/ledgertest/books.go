package ledgertest

import (
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// settled ends every step of an upload that is pending.
func (b *bench) settled(id string) {
	b.t.Helper()
	for range 3 { // notify comes with the last of the others
		steps, err := b.Steps(b.t.Context(), id)
		require.NoError(b.t, err)
		for _, s := range steps {
			if s.State == pipeline.Pending {
				b.run(id, s.Step, s.Scope)
			}
		}
	}
}

// anyStates announces uploads that end in many states and gives how many there are.
func (b *bench) anyStates() {
	b.t.Helper()
	for i, code := range []pipeline.Code{"", "", pipeline.CodeTooLarge, pipeline.CodeObjectGone} {
		id := b.linked(fmt.Sprintf("users/o1/%d.jpg", i))
		b.check(id, "e1", "image/jpeg", pipeline.Public, code)
		if i > 0 {
			b.settled(id)
		}
	}
	mismatch := b.linked("users/o1/mismatch.jpg")
	b.check(mismatch, "e1", "image/jpeg", pipeline.Public, "")
	b.finish(b.begin(mismatch, pipeline.StepAttach, "A1"), pipeline.StepResult{State: pipeline.Skipped, Code: pipeline.CodeOwnerMismatch})
	b.settled(mismatch)
	dead := b.linked("users/o1/dead.jpg")
	_, _, err := b.Bury(b.t.Context(), b.begin(dead, pipeline.StepCheck, ""), ledger.Death{
		Class: pipeline.Denied, Cause: pipeline.Errorf(pipeline.Denied, "check.read", "", "403"),
	})
	require.NoError(b.t, err)
	b.settled(dead)
	b.linked("users/o1/waiting.jpg")
}

func booksAddUp(b *bench) {
	ctx := b.t.Context()
	b.clock.Add(time.Hour)
	since := b.clock.Now()
	b.anyStates()
	require.NoError(b.t, b.BuryRaw(ctx, "other:task", []byte("?"), fmt.Errorf("unknown task type")))

	want := map[pipeline.State]int{}
	uploads, err := b.Uploads(ctx, "", 100)
	require.NoError(b.t, err)
	for _, u := range uploads {
		steps, err := b.Steps(ctx, u.ID)
		require.NoError(b.t, err)
		want[pipeline.DeriveState(u.Reason, steps)]++
	}
	got, err := b.Books(ctx, time.Time{})
	require.NoError(b.t, err)
	require.Equal(b.t, want, map[pipeline.State]int{
		pipeline.InFlight: got.InFlight, pipeline.UploadDone: got.Done, pipeline.UploadRejected: got.Rejected,
		pipeline.UploadDead: got.Dead, pipeline.UploadGone: got.Gone,
	}, "the states are those of DeriveState")
	require.Equal(b.t, 7, got.Announced)
	require.Zero(b.t, got.Balance())
	require.Equal(b.t, []int{1, 1, 1}, []int{got.DeadSteps, got.OpenLetters, got.RawLetters})
	for _, s := range got.Steps {
		require.Zero(b.t, s.Balance(), s.Step)
	}
	require.Equal(b.t, ledger.StepBook{Step: pipeline.StepCheck, Wanted: 7, Pending: 1, Done: 5, Dead: 1}, got.Steps[0])

	same, err := b.Books(ctx, since)
	require.NoError(b.t, err)
	require.Equal(b.t, got, same)
	none, err := b.Books(ctx, since.Add(time.Hour))
	require.NoError(b.t, err)
	require.Zero(b.t, none.Announced+none.InFlight+none.Steps[0].Wanted+none.RawLetters)
}

func noGaps(b *bench) {
	b.anyStates()
	for _, kind := range ledger.GapKinds() {
		gaps, err := b.Gaps(b.t.Context(), kind, time.Time{}, ledger.Gap{}, 10)
		require.NoError(b.t, err, kind)
		if kind == ledger.GapMark {
			require.Len(b.t, gaps, 1, "the suite ends attaches without an order")
			continue
		}
		require.Empty(b.t, gaps, kind)
	}
}

func outsideViews(b *bench) {
	ctx := b.t.Context()
	b.anyStates()
	ids, err := b.LinkedOrders(ctx, time.Time{}, "", 10)
	require.NoError(b.t, err)
	require.Equal(b.t, []string{"A1"}, ids)
	ids, err = b.LinkedOrders(ctx, time.Time{}, "A1", 10)
	require.NoError(b.t, err)
	require.Empty(b.t, ids)
	links, err := b.OrderLinks(ctx, "A1")
	require.NoError(b.t, err)
	require.Len(b.t, links, 7)
	require.Equal(b.t, "users/o1/0.jpg", links[0].Key)
	require.True(b.t, links[0].Live && links[0].Moving)
	require.True(b.t, links[1].Live)
	require.False(b.t, links[1].Moving || links[2].Live)

	pending, err := b.StepsAt(ctx, pipeline.StepCheck, pipeline.Pending, time.Time{}, b.Graced(), pipeline.Run{}, 10)
	require.NoError(b.t, err)
	require.Empty(b.t, pending, "within the grace")
	b.clock.Add(2 * time.Minute)
	pending, err = b.StepsAt(ctx, pipeline.StepCheck, pipeline.Pending, time.Time{}, b.Graced(), pipeline.Run{}, 10)
	require.NoError(b.t, err)
	require.Len(b.t, pending, 1)
	require.Equal(b.t, "users/o1/waiting.jpg", pending[0].Key)
	done, err := b.StepsAt(ctx, pipeline.StepThumbnail, pipeline.Done, time.Time{}, time.Time{}, pipeline.Run{}, 1)
	require.NoError(b.t, err)
	require.Len(b.t, done, 1)
	next, err := b.StepsAt(ctx, pipeline.StepThumbnail, pipeline.Done, time.Time{}, time.Time{}, pipeline.Run{UploadID: done[0].UploadID}, 10)
	require.NoError(b.t, err)
	require.Len(b.t, next, 1, "the page after")
}
