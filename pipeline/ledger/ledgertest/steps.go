package ledgertest

import (
	"context"
	"errors"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

func (b *bench) linked(key string) string {
	a := photo(key)
	a.Order, a.Position = "A1", new(0)
	return b.announce(a).Announced[0].UploadID
}

func checkTakesUp(b *bench) {
	for _, tt := range []struct {
		name       string
		mime       string
		visibility pipeline.Visibility
		code       pipeline.Code
		want       []pipeline.Step
		skipped    []pipeline.Step
	}{
		{"public.jpg", "image/jpeg", pipeline.Public, "", []pipeline.Step{"attach", "thumbnail", "warm"}, nil},
		{"private.jpg", "image/jpeg", pipeline.Private, "", []pipeline.Step{"attach", "thumbnail"}, []pipeline.Step{"warm"}},
		{"video.mp4", "video/mp4", pipeline.Private, "", []pipeline.Step{"attach"}, []pipeline.Step{"thumbnail", "warm"}},
		{"page.jpg", "text/html", "", pipeline.CodeTypeNotAllowed, []pipeline.Step{"notify"}, nil},
	} {
		id := b.linked("users/o1/" + tt.name)
		require.Equal(b.t, tt.want, stepsOf(b.check(id, "e1", tt.mime, tt.visibility, tt.code)), tt.name)
		for _, s := range tt.skipped {
			require.Equal(b.t, pipeline.Skipped, b.step(id, s, "").State, "%s %s", tt.name, s)
		}
	}
}

func checkSameContent(b *bench) {
	id := b.linked("users/o1/a.jpg")
	b.check(id, "e1", "image/jpeg", pipeline.Public, "")
	b.run(id, pipeline.StepThumbnail, "")
	b.linked("users/o1/a.jpg")
	require.Empty(b.t, b.check(id, "e1", "image/jpeg", pipeline.Public, ""), "same ETag: nothing to do")
	require.Equal(b.t, pipeline.Done, b.step(id, pipeline.StepThumbnail, "").State)
}

func checkNewContent(b *bench) {
	id := b.linked("users/o1/a.jpg")
	b.check(id, "e1", "image/jpeg", pipeline.Public, "")
	running := b.begin(id, pipeline.StepThumbnail, "")
	b.linked("users/o1/a.jpg")
	made := b.check(id, "e2", "image/jpeg", pipeline.Public, "")
	require.Equal(b.t, []pipeline.Step{"attach", "thumbnail", "warm"}, stepsOf(made))
	require.Equal(b.t, 2, b.step(id, pipeline.StepThumbnail, "").Gen, "the old run had started")
	require.Equal(b.t, 1, b.step(id, pipeline.StepWarm, "").Gen, "the old wish had not")
	_, err := b.Finish(b.t.Context(), running, pipeline.StepResult{State: pipeline.Done})
	require.ErrorIs(b.t, err, ledger.ErrSuperseded)
	made, err = b.Late(b.t.Context(), running, true)
	require.NoError(b.t, err)
	require.Equal(b.t, 2, made[0].Gen, "a newer run that has not started will write last anyway")
}

func rejectionLater(b *bench) {
	id := b.linked("users/o1/a.jpg")
	b.check(id, "e1", "image/jpeg", pipeline.Public, "")
	b.run(id, pipeline.StepThumbnail, "")
	b.run(id, pipeline.StepAttach, "A1")
	b.run(id, pipeline.StepWarm, "")
	b.linked("users/o1/a.jpg")
	made := b.check(id, "e2", "text/html", "", pipeline.CodeTypeNotAllowed)
	require.Equal(b.t, []pipeline.Step{"attach", "thumbnail", "warm"}, stepsOf(made), "each has to clean up")
	require.False(b.t, b.upload(id).Accepted())
}

func thumbnailRejects(b *bench) {
	id := b.linked("users/o1/a.jpg")
	b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	b.run(id, pipeline.StepAttach, "A1")
	made := b.finish(b.begin(id, pipeline.StepThumbnail, ""), pipeline.StepResult{
		State: pipeline.Done, Code: pipeline.CodeCorruptFile, Detail: "no end",
	})
	require.Equal(b.t, []pipeline.Step{"attach", "warm"}, stepsOf(made))
	require.Equal(b.t, pipeline.CodeCorruptFile, b.upload(id).Reason)
	b.run(id, pipeline.StepWarm, "")
	made = b.run(id, pipeline.StepAttach, "A1")
	require.Equal(b.t, []pipeline.Step{"notify"}, stepsOf(made))

	b.linked("users/o1/a.jpg")
	b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	require.Equal(b.t, pipeline.CodeCorruptFile, b.upload(id).Reason, "the bytes are the same, so is the verdict")
}

func outcomeOnce(b *bench) {
	id := b.linked("users/o1/a.jpg")
	b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	require.Empty(b.t, b.run(id, pipeline.StepAttach, "A1"))
	require.Equal(b.t, []pipeline.Step{"notify"}, stepsOf(b.run(id, pipeline.StepThumbnail, "")))
	require.Equal(b.t, 1, b.upload(id).Revision)
	a := b.begin(id, pipeline.StepNotify, "")
	require.Contains(b.t, string(a.Kept), `"state":"done"`)
	require.Empty(b.t, b.finish(a, pipeline.StepResult{State: pipeline.Done}))

	b.linked("users/o1/a.jpg")
	require.Empty(b.t, b.check(id, "e1", "image/jpeg", pipeline.Private, ""), "the outcome is the same")
	require.Equal(b.t, 1, b.upload(id).Revision)

	b.linked("users/o1/a.jpg")
	b.check(id, "e2", "text/html", "", pipeline.CodeTypeNotAllowed)
	for _, s := range []pipeline.Step{pipeline.StepThumbnail, pipeline.StepWarm} {
		b.run(id, s, "")
	}
	require.Equal(b.t, []pipeline.Step{"notify"}, stepsOf(b.run(id, pipeline.StepAttach, "A1")))
	require.Equal(b.t, 2, b.upload(id).Revision)
	require.Contains(b.t, string(b.begin(id, pipeline.StepNotify, "").Kept), `"revision":2`)
}

func attemptsFence(b *bench) {
	id := b.linked("users/o1/a.jpg")
	first := b.begin(id, pipeline.StepCheck, "")
	second := b.begin(id, pipeline.StepCheck, "")
	require.Equal(b.t, 2, second.N)
	_, err := b.Finish(b.t.Context(), first, pipeline.StepResult{State: pipeline.Done})
	require.ErrorIs(b.t, err, ledger.ErrSuperseded)
	require.ErrorIs(b.t, b.Retry(b.t.Context(), first, pipeline.Transient, errors.New("x"), b.clock.Now()), ledger.ErrSuperseded)
	_, _, err = b.Bury(b.t.Context(), first, ledger.Death{Class: pipeline.Bug, Cause: errors.New("x")})
	require.ErrorIs(b.t, err, ledger.ErrSuperseded)
	b.finish(second, pipeline.StepResult{State: pipeline.Done})
	tries, err := b.Attempts(b.t.Context(), id)
	require.NoError(b.t, err)
	require.Equal(b.t, []pipeline.Class{pipeline.Interrupted, ""}, []pipeline.Class{tries[0].Class, tries[1].Class})
}

func budgetsByClass(b *bench) {
	id := b.linked("users/o1/a.jpg")
	began := b.clock.Now()
	for _, class := range []pipeline.Class{pipeline.Transient, pipeline.Missing, pipeline.Transient} {
		a := b.begin(id, pipeline.StepCheck, "")
		b.clock.Add(time.Minute)
		require.NoError(b.t, b.Retry(b.t.Context(), a, class, errors.New("no luck"), b.clock.Now()))
	}
	a := b.begin(id, pipeline.StepCheck, "")
	require.Equal(b.t, map[pipeline.Class]int{pipeline.Transient: 2, pipeline.Missing: 1}, a.Spent)
	require.Equal(b.t, began, a.Since)
	require.Equal(b.t, 4, a.N)
}

func supersededContent(b *bench) {
	id := b.linked("users/o1/a.jpg")
	b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	b.run(id, pipeline.StepAttach, "A1")
	made, err := b.Supersede(b.t.Context(), b.begin(id, pipeline.StepThumbnail, ""), errors.New("412"), time.Time{})
	require.NoError(b.t, err)
	require.Equal(b.t, []pipeline.Step{"check"}, stepsOf(made))
	require.True(b.t, made[0].ReadyAt.IsZero(), "at once")
	require.Zero(b.t, b.upload(id).Revision, "the upload is in flight")
	made = b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	require.Contains(b.t, stepsOf(made), pipeline.StepThumbnail, "even if the content turned back")
}

// circles: rechecks count until the step succeeds or dies, whatever gen they had.
func circles(b *bench) {
	id := b.linked("users/o1/a.jpg")
	run := pipeline.Run{UploadID: id, Step: pipeline.StepThumbnail}
	spent := func(want int, msg string) {
		b.t.Helper()
		n, err := b.Rechecks(b.t.Context(), run)
		require.NoError(b.t, err)
		require.Equal(b.t, want, n, msg)
	}
	around := func() {
		b.t.Helper()
		when := b.clock.Now().Add(4 * time.Second)
		made, err := b.Supersede(b.t.Context(), b.begin(id, pipeline.StepThumbnail, ""), errors.New("412"), when)
		require.NoError(b.t, err)
		require.Equal(b.t, when, made[0].ReadyAt)
		require.Equal(b.t, when, b.step(id, pipeline.StepCheck, "").ReadyAt)
		due, err := b.Due(b.t.Context(), false, ledger.Cursor{}, 10)
		require.NoError(b.t, err)
		require.Empty(b.t, due.Wishes, "it is not time yet")
		b.clock.Add(5 * time.Second)
		b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	}
	b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	b.run(id, pipeline.StepAttach, "A1")
	spent(0, "nothing yet")
	for i := range 3 {
		around()
		spent(i+1, "each counts")
		b.run(id, pipeline.StepAttach, "A1")
	}
	stale := b.begin(id, pipeline.StepThumbnail, "")
	_, err := b.Late(b.t.Context(), stale, true)
	require.NoError(b.t, err)
	spent(3, "a run that was overtaken is no circle")
	letter, _, err := b.Bury(b.t.Context(), b.begin(id, pipeline.StepThumbnail, ""), ledger.Death{Class: pipeline.Conflict, Cause: errors.New("x")})
	require.NoError(b.t, err)
	spent(0, "a letter ends the count")
	_, err = b.Replay(b.t.Context(), letter, "tester", "")
	require.NoError(b.t, err)
	around()
	spent(1, "a replay has a fresh budget")
	b.run(id, pipeline.StepThumbnail, "")
	spent(0, "so has what succeeded")
}

func announceAndFinish(b *bench) {
	id := b.linked("users/o1/a.jpg")
	for range 10 {
		errs := atOnce(b.t.Context(), 8, func(ctx context.Context, i int) error {
			if i%2 == 0 {
				_, err := b.Announce(ctx, "", []pipeline.Announcement{photo("users/o1/a.jpg")})
				return err
			}
			a, err := b.Begin(ctx, b.stepNow(ctx, id, pipeline.StepCheck, "").run(), "w1", time.Minute)
			if err != nil {
				return err
			}
			c := pipeline.Content{ETag: "e1", Facts: pipeline.Facts{Type: "image/jpeg"}}
			_, err = b.Finish(ctx, a, pipeline.StepResult{State: pipeline.Done, Content: &c})
			return err
		})
		for _, err := range errs {
			if err != nil {
				require.ErrorIs(b.t, err, ledger.ErrSuperseded)
			}
		}
	}
	last := b.step(id, pipeline.StepCheck, "")
	if last.State == pipeline.Pending {
		b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	}
	require.Equal(b.t, pipeline.Done, b.step(id, pipeline.StepCheck, "").State)
	require.Equal(b.t, 1, b.step(id, pipeline.StepAttach, "A1").Gen, "the later steps were taken up once")
}
