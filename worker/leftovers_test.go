package worker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// A worker ends a task whose place in the queue was deleted meanwhile: asynq cannot
// acknowledge it and would keep it for ever.
func TestLeftoversGo(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		b.swept()
		run, lease, list := b.active(leaseLength)
		id := tasks.ID(run)
		require.NoError(t, b.rdb.Del(t.Context(), lease, list).Err())
		a, err := b.ledger.Begin(t.Context(), run, "w1", beginHold)
		require.NoError(t, err)

		require.NoError(t, b.sweeper().leftovers(t.Context(), tally{}))
		require.Equal(t, int64(1), b.rdb.Exists(t.Context(), checksHash+id).Val(), "the step is pending, so it is not for this repair")
		_, err = b.ledger.Finish(t.Context(), a, pipeline.StepResult{State: pipeline.Done, Content: &pipeline.Content{}})
		require.NoError(t, err)
		b.swept()
		require.Zero(t, b.rdb.Exists(t.Context(), checksHash+id).Val())
		require.Equal(t, int64(1), b.repairs.all()[RepairLeftover])
	})
}

// What a list names stays: also the archived copy of a letter, and what a worker holds.
func TestLeftoversSpareTheLiving(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		b.swept()
		run, _, _ := b.active(leaseLength)
		a, err := b.ledger.Begin(t.Context(), run, "w1", beginHold)
		require.NoError(t, err)
		_, err = b.ledger.Finish(t.Context(), a, pipeline.StepResult{State: pipeline.Done, Content: &pipeline.Content{}})
		require.NoError(t, err)
		archived := b.pending(1)
		require.NoError(t, b.inspect.ArchiveTask(tasks.QueueChecks, archived))
		s := b.sweeper()
		require.NoError(t, s.leftovers(t.Context(), tally{}))
		require.Equal(t, int64(2), b.rdb.Exists(t.Context(), checksHash+tasks.ID(run), checksHash+archived).Val())
		require.Empty(t, b.counts()[RepairLeftover])
	})
}
