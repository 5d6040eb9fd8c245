package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// Each server of a cluster has what is asked of it by name, without a key.
func TestNodes(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		rdb := redistest.Universal(t, url)
		all, err := nodes(t.Context(), rdb)
		require.NoError(t, err)
		for _, q := range tasks.Queues() {
			node, name, err := nodeOf(t.Context(), rdb, q)
			require.NoError(t, err)
			require.Equal(t, all[name], node)
			require.NoError(t, node.LLen(t.Context(), "asynq:{"+q+"}:pending").Err(), "it does not send us elsewhere")
		}
	})
}

// The server of one queue alone loses its memory.
func TestSweepAfterOneServerIsWiped(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		for _, q := range tasks.Queues() {
			b := newBench(t, url, ledgertest.NewClock())
			b.swept()
			run := b.run(b.announce("a.jpg", "v1", ""), pipeline.StepCheck)
			b.task(run)
			require.NoError(t, b.rdb.Del(t.Context(), "asynq:{checks}:pending", checksHash+tasks.ID(run)).Err())
			require.Zero(t, b.swept(), "nothing tells yet")
			// A server that was cleared, and takes part in the cluster again.
			node, _, err := nodeOf(t.Context(), b.rdb, q)
			require.NoError(t, err)
			require.NoError(t, node.FlushAll(t.Context()).Err())
			epoch, lost, err := b.sweeper().epoch(t.Context())
			require.NoError(t, err)
			require.True(t, lost, q)
			require.Len(t, epoch, len(tasks.Queues()))
			require.Equal(t, 1, b.swept())
			require.Equal(t, int64(2), b.repairs.all()[RepairMemory], "the first pass was a full one too")
			require.Zero(t, b.swept())
			require.Equal(t, int64(2), b.repairs.all()[RepairMemory])
			redistest.Wipe(t, b.rdb)
		}
	})
}

// Leftovers go from every server in the same round.
func TestLeftoversOfEachServer(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		steps := map[string]string{
			tasks.QueueChecks: "check:u1:1", tasks.QueueThumbnails: "thumbnail:u1:1", tasks.QueueOrders: "attach:u1:o1:1",
			tasks.QueueURLs: "warm:b1:1", tasks.QueueHooks: "notify:u1:1",
		}
		require.Len(t, steps, len(tasks.Queues()))
		for q, id := range steps {
			require.NoError(t, b.rdb.HSet(t.Context(), "asynq:{"+q+"}:t:"+id, "state", "active", "msg", "x").Err())
		}
		done := tally{}
		require.NoError(t, b.sweeper().leftovers(t.Context(), done))
		require.Equal(t, tally{RepairLeftover: len(steps)}, done)
	})
}

// A server that was replaced knows no script.
func TestSweepAfterScriptsAreForgotten(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		clock := ledgertest.NewClock()
		b := newBench(t, url, clock)
		b.swept()
		for range 2 {
			run := b.run(b.announce("a.jpg", "v1", ""), pipeline.StepCheck)
			servers, err := nodes(t.Context(), b.rdb)
			require.NoError(t, err)
			for _, s := range servers {
				require.NoError(t, s.ScriptFlush(t.Context()).Err())
			}
			clock.Add(2 * time.Minute)
			b.swept()
			require.Equal(t, int64(1), b.rdb.Exists(t.Context(), checksHash+tasks.ID(run)).Val())
			require.NoError(t, b.rdb.HDel(t.Context(), checksHash+tasks.ID(run), "msg").Err())
			clock.Add(2 * time.Minute)
			b.swept()
		}
		require.NotZero(t, b.repairs.all()[RepairGhost])
	})
}
