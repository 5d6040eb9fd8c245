package pipeline_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

func TestDeriveState(t *testing.T) {
	t.Parallel()
	type steps []pipeline.StepRecord
	step := func(step pipeline.Step, state pipeline.StepState, code pipeline.Code) pipeline.StepRecord {
		return pipeline.StepRecord{Step: step, State: state, Code: code}
	}
	check := step(pipeline.StepCheck, pipeline.Done, "")
	for _, tt := range []struct {
		name    string
		reason  pipeline.Code
		steps   steps
		want    pipeline.State
		outcome pipeline.State // "=" for the same
	}{
		{name: "no steps", want: "", outcome: "="},
		{name: "done", steps: steps{check, step(pipeline.StepWarm, pipeline.Skipped, "")}, want: pipeline.UploadDone, outcome: "="},
		{name: "one pending", steps: steps{check, step(pipeline.StepAttach, pipeline.Pending, "")}, want: pipeline.InFlight, outcome: "="},
		{name: "pending goes before dead", steps: steps{step(pipeline.StepThumbnail, pipeline.Dead, ""), step(pipeline.StepAttach, pipeline.Pending, "")}, want: pipeline.InFlight, outcome: "="},
		{name: "dead goes before discarded", steps: steps{check, step(pipeline.StepAttach, pipeline.Discarded, ""), step(pipeline.StepThumbnail, pipeline.Dead, "")}, want: pipeline.UploadDead, outcome: "="},
		{name: "discarded goes before rejected", reason: pipeline.CodeTooLarge, steps: steps{check, step(pipeline.StepAttach, pipeline.Discarded, "")}, want: pipeline.UploadDiscarded, outcome: "="},
		{name: "rejected by the upload", reason: pipeline.CodeTooLarge, steps: steps{check}, want: pipeline.UploadRejected, outcome: "="},
		{name: "rejected by a step", steps: steps{check, step(pipeline.StepAttach, pipeline.Skipped, pipeline.CodeOwnerMismatch)}, want: pipeline.UploadRejected, outcome: "="},
		{name: "gone", reason: pipeline.CodeObjectGone, steps: steps{check}, want: pipeline.UploadGone, outcome: "="},
		{name: "gone although a step has a code", reason: pipeline.CodeObjectGone, steps: steps{check, step(pipeline.StepAttach, pipeline.Skipped, pipeline.CodeOwnerMismatch)}, want: pipeline.UploadGone, outcome: "="},
		{name: "only notify is pending", steps: steps{check, step(pipeline.StepNotify, pipeline.Pending, "")}, want: pipeline.InFlight, outcome: pipeline.UploadDone},
		{name: "only notify is dead", steps: steps{check, step(pipeline.StepNotify, pipeline.Dead, "")}, want: pipeline.UploadDead, outcome: pipeline.UploadDone},
		{name: "nothing but notify", steps: steps{step(pipeline.StepNotify, pipeline.Pending, "")}, want: pipeline.InFlight, outcome: ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, pipeline.DeriveState(tt.reason, tt.steps))
			if tt.outcome == "=" {
				tt.outcome = tt.want
			}
			require.Equal(t, tt.outcome, pipeline.OutcomeState(tt.reason, tt.steps))
		})
	}
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	now := time.Unix(1, 0)
	require.False(t, pipeline.Upload{}.Accepted(), "not checked yet")
	require.False(t, pipeline.Upload{Reason: pipeline.CodeTooLarge, CheckedAt: now}.Accepted())
	require.True(t, pipeline.Upload{CheckedAt: now}.Accepted())
}

func TestErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("no route")
	e := &pipeline.Error{
		Class: pipeline.Throttled, Op: "objects.get", Key: "a.jpg", Code: "SLOW_DOWN",
		RetryAfter: 3 * time.Second, Err: cause,
	}
	wrapped := fmt.Errorf("outer: %w", e)
	require.EqualError(t, e, `objects.get "a.jpg": SLOW_DOWN: no route`)
	require.ErrorIs(t, wrapped, cause)
	require.Equal(t, pipeline.Throttled, pipeline.ClassOf(wrapped))
	require.Equal(t, pipeline.Code("SLOW_DOWN"), pipeline.CodeOf(wrapped))
	require.Equal(t, 3*time.Second, pipeline.RetryAfterOf(wrapped))

	require.Empty(t, pipeline.ClassOf(nil))
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(cause), "what we do not know is tried again")
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(&pipeline.Error{Err: cause}))
	require.Empty(t, pipeline.CodeOf(cause))
	require.Zero(t, pipeline.RetryAfterOf(nil))
	require.Len(t, pipeline.Classes(), 11)
}

func TestIDs(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^[0-9a-f]{32}$`, pipeline.UploadID("b", "k"))
	require.Equal(t, pipeline.UploadID("b", "k"), pipeline.UploadID("b", "k"))
	require.NotEqual(t, pipeline.UploadID("ab", "c"), pipeline.UploadID("a", "bc"), "bucket and key do not run together")
	require.NotEqual(t, pipeline.UploadID("b", "A.jpg"), pipeline.UploadID("b", "a.jpg"))
	require.Regexp(t, `^[0-9a-f]{32}$`, pipeline.OrderHash("a/b:c"))
	require.NotEqual(t, pipeline.ArrayHash([]string{"a", "b"}), pipeline.ArrayHash([]string{"b", "a"}))
	require.NotEqual(t, pipeline.ArrayHash([]string{"ab"}), pipeline.ArrayHash([]string{"a", "b"}))
	require.Equal(t, pipeline.ArrayHash(nil), pipeline.ArrayHash([]string{}))
}
