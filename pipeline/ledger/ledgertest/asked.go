package ledgertest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// Each run knows when that was announced which made it necessary, through every step and
// whoever works on it.
func askedAt(b *bench) {
	announced := b.clock.Now()
	id := b.linked("users/o1/a.jpg")
	b.clock.Add(time.Second)
	b.linked("users/o1/a.jpg") // again, before anybody has looked
	check := b.begin(id, pipeline.StepCheck, "")
	require.Equal(b.t, announced, check.Asked)
	b.clock.Add(time.Second)
	content := &pipeline.Content{ETag: "e1", Size: 1, Visibility: pipeline.Public, Facts: pipeline.Facts{Type: "image/jpeg"}}
	b.finish(check, pipeline.StepResult{State: pipeline.Done, Content: content})
	b.clock.Add(time.Second)
	for step, scope := range map[pipeline.Step]string{pipeline.StepThumbnail: "", pipeline.StepAttach: "A1", pipeline.StepWarm: ""} {
		a := b.begin(id, step, scope)
		require.Equal(b.t, announced, a.Asked, step)
		b.finish(a, pipeline.StepResult{State: pipeline.Done})
	}
	b.clock.Add(time.Second)
	a := b.begin(id, pipeline.StepNotify, "")
	require.Equal(b.t, announced, a.Asked)
	b.finish(a, pipeline.StepResult{State: pipeline.Done})

	b.clock.Add(24 * time.Hour)
	b.linked("users/o1/a.jpg")
	b.check(id, "e2", "image/jpeg", pipeline.Public, "")
	require.Equal(b.t, b.clock.Now(), b.begin(id, pipeline.StepThumbnail, "").Asked, "new content counts from its own announcement")
}

// A step that died is as late as it was when it is replayed; one that is made again by
// hand is not.
func askedAgain(b *bench) {
	ctx := b.t.Context()
	announced := b.clock.Now()
	id := b.linked("users/o1/a.jpg")
	b.check(id, "e1", "image/jpeg", pipeline.Private, "")
	cause := pipeline.Errorf(pipeline.Denied, "orders.write", "A1", "refused")
	letter, _, err := b.Bury(ctx, b.begin(id, pipeline.StepAttach, "A1"), ledger.Death{Class: pipeline.Denied, Cause: cause})
	require.NoError(b.t, err)
	b.clock.Add(time.Hour)
	_, err = b.Replay(ctx, letter, "tester", "mended")
	require.NoError(b.t, err)
	require.Equal(b.t, announced, b.begin(id, pipeline.StepAttach, "A1").Asked)

	b.run(id, pipeline.StepThumbnail, "")
	b.clock.Add(time.Hour)
	_, err = b.Reconsider(ctx, pipeline.Run{UploadID: id, Step: pipeline.StepThumbnail})
	require.NoError(b.t, err)
	require.Equal(b.t, b.clock.Now(), b.begin(id, pipeline.StepThumbnail, "").Asked)
}

// openLetters counts those that wait for a person, by step and class.
func openLetters(b *bench) {
	ctx := b.t.Context()
	for i, key := range []string{"a.jpg", "b.jpg", "c.jpg"} {
		class := []pipeline.Class{pipeline.Denied, pipeline.Denied, pipeline.Invalid}[i]
		id := b.linked("users/o1/" + key)
		_, _, err := b.Bury(ctx, b.begin(id, pipeline.StepCheck, ""), ledger.Death{Class: class, Cause: pipeline.Errorf(class, "x", "", "no")})
		require.NoError(b.t, err)
	}
	require.NoError(b.t, b.BuryRaw(ctx, "strange", []byte("x"), pipeline.Errorf(pipeline.Bug, "x", "", "no")))
	got, err := b.OpenLetters(ctx)
	require.NoError(b.t, err)
	require.ElementsMatch(b.t, []ledger.LettersOpen{
		{Step: pipeline.StepCheck, Class: pipeline.Denied, Count: 2},
		{Step: pipeline.StepCheck, Class: pipeline.Invalid, Count: 1},
		{Class: pipeline.Bug, Count: 1},
	}, got)
	byStep, err := b.OpenLettersByStep(ctx)
	require.NoError(b.t, err)
	require.Equal(b.t, map[pipeline.Step]int{pipeline.StepCheck: 3, "": 1}, byStep)
}
