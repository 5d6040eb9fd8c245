package worker

import (
	"fmt"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestTrimKeepsTheLetters(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, ledgertest.NewClock())
		b.swept()
		client := asynq.NewClientFromRedisClient(b.rdb)
		_, err := client.Enqueue(asynq.NewTask("somebody:else", []byte("?"), asynq.TaskID("alien"), asynq.Queue(tasks.QueueChecks)))
		require.NoError(t, err)
		require.NoError(t, b.inspect.ArchiveTask(tasks.QueueChecks, "alien"))
		var ids []string
		for i := range 5 {
			run := b.run(b.announce(fmt.Sprint(i, ".jpg"), "v1", ""), pipeline.StepCheck)
			b.task(run)
			require.NoError(t, b.inspect.ArchiveTask(tasks.QueueChecks, tasks.ID(run)))
			ids = append(ids, tasks.ID(run))
		}
		sweep := b.sweeper()
		n, err := sweep.trim(t.Context(), tasks.QueueChecks, 2)
		require.NoError(t, err)
		require.Equal(t, 4, n)
		left := b.queued(tasks.QueueChecks, asynq.TaskStateArchived)
		require.Len(t, left, 2)
		require.Subset(t, append(ids, "alien"), left)
		n, err = sweep.trim(t.Context(), tasks.QueueChecks, 2)
		require.NoError(t, err)
		require.Zero(t, n)
		if letters := b.letters(); len(letters) > 0 { // unless it is among the two that stay
			require.Equal(t, "somebody:else", letters[0].TaskType)
		} else {
			require.Contains(t, left, "alien")
		}
	})
}
