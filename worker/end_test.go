package worker

import (
	"context"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// Each attempt is told once, with what became of it and how late that was.
func TestEndsAreTold(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	b.budgets = Budgets{Missing: 2}
	var ends []End
	h := b.handler()
	h.ended = func(_ context.Context, e End) { ends = append(ends, e) }
	told := func() []End {
		defer func() { ends = nil }()
		return ends
	}
	id := b.announce("a.jpg", "v1", "A1")
	clock.Add(3 * time.Second)
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	require.Equal(t, []End{{Step: pipeline.StepCheck, State: pipeline.Done, Late: 3 * time.Second}}, told())

	b.store.onCall(func(_ context.Context, op, _ string) error {
		if op == "put" {
			clock.Add(2 * time.Second)
		}
		return nil
	})
	clock.Add(time.Second)
	require.NoError(t, b.try(h, id, pipeline.StepThumbnail))
	got := told()
	require.Len(t, got, 1)
	require.Equal(t, pipeline.Done, got[0].State)
	require.Positive(t, got[0].Took)
	require.Equal(t, 4*time.Second+got[0].Took, got[0].Late)

	require.Error(t, b.try(h, id, pipeline.StepAttach), "there is no such order yet")
	got = told()
	require.Equal(t, []pipeline.Class{pipeline.Waiting}, []pipeline.Class{got[0].Class})
	require.Equal(t, pipeline.Pending, got[0].State)
	clock.Add(time.Minute)
	b.orders.create("A1")
	require.NoError(t, b.try(h, id, pipeline.StepAttach))
	got = told()
	require.Equal(t, pipeline.Done, got[0].State)
	require.Greater(t, got[0].Late, time.Minute, "it counts from the announcement")

	lost := b.announce("lost.jpg", "", "")
	require.Error(t, b.try(h, lost, pipeline.StepCheck))
	clock.Add(time.Minute)
	require.Error(t, b.try(h, lost, pipeline.StepCheck))
	require.Equal(t, []End{
		{Step: pipeline.StepCheck, State: pipeline.Pending, Class: pipeline.Missing, Late: 1},
		{Step: pipeline.StepCheck, State: pipeline.Dead, Class: pipeline.Missing, Late: time.Minute},
	}, told())

	b.store.set("b.jpg", "v1")
	other := b.announce("b.jpg", "v1", "")
	require.NoError(t, b.try(h, other, pipeline.StepCheck))
	told()
	b.store.set("b.jpg", "v2")
	require.NoError(t, b.try(h, other, pipeline.StepThumbnail))
	require.Equal(t, []End{{Step: pipeline.StepThumbnail, State: pipeline.Skipped, Class: pipeline.Superseded, Late: 1}}, told())

	require.Error(t, h.ProcessTask(t.Context(), asynq.NewTask("strange", []byte("?"))))
	require.Equal(t, []End{{State: pipeline.Dead, Class: pipeline.Bug}}, told())
}
