package tasks_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// TestDeskDepths: the counts are those of asynq's own Inspector, also of a queue that lost
// the data of a task, where that fails.
func TestDeskDepths(t *testing.T) {
	t.Parallel()
	for name, rdb := range map[string]redis.UniversalClient{
		"miniredis": redistest.Client(t, redistest.Mini(t)), "redis": redistest.Start(t).Client(),
		"cluster": redistest.Universal(t, redistest.StartCluster(t).URL),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desk, queue := tasks.NewDesk(rdb), tasks.NewEnqueuer(rdb, nil, nil)
			depths := depthsOf(t, desk)
			require.Len(t, depths, len(tasks.Queues()), "an empty Redis has our queues all the same")
			require.Equal(t, map[tasks.TaskState]int64{"active": 0, "pending": 0, "retry": 0, "scheduled": 0, "archived": 0}, depths[tasks.QueueHooks].Tasks)

			before := time.Now()
			for i := range 3 {
				_, err := queue.Enqueue(t.Context(), checkOf(i, time.Time{}))
				require.NoError(t, err)
				_, err = queue.Enqueue(t.Context(), checkOf(10+i, time.Now().Add(time.Hour)))
				require.NoError(t, err)
			}
			inspect := asynq.NewInspectorFromRedisClient(rdb)
			require.NoError(t, inspect.ArchiveTask(tasks.QueueChecks, "check:u10:1"))
			require.NoError(t, desk.Pause(t.Context(), tasks.QueueChecks, 0))
			got := depthsOf(t, desk)[tasks.QueueChecks]
			info, err := inspect.GetQueueInfo(tasks.QueueChecks)
			require.NoError(t, err)
			require.Equal(t, map[tasks.TaskState]int64{
				"active": int64(info.Active), "pending": int64(info.Pending), "retry": int64(info.Retry),
				"scheduled": int64(info.Scheduled), "archived": int64(info.Archived),
			}, got.Tasks)
			require.EqualValues(t, 3, got.Tasks[tasks.TaskPending])
			require.True(t, got.Paused)
			require.Positive(t, got.Oldest)
			require.LessOrEqual(t, got.Oldest, time.Since(before))

			require.NoError(t, rdb.Del(t.Context(), "asynq:{checks}:t:check:u0:1").Err())
			lost := depthsOf(t, desk)[tasks.QueueChecks]
			require.Equal(t, got.Tasks, lost.Tasks)
			require.Zero(t, lost.Oldest, "nobody knows")
		})
	}
}

// TestDeskDepthsOfOthers: queues that are not ours are one, however many there are.
func TestDeskDepthsOfOthers(t *testing.T) {
	t.Parallel()
	rdb := redistest.Client(t, redistest.Mini(t))
	client := asynq.NewClientFromRedisClient(rdb)
	for i := range 5 {
		_, err := client.Enqueue(asynq.NewTask("x", nil), asynq.Queue(fmt.Sprintf("shop-%d", i)))
		require.NoError(t, err)
	}
	depths := depthsOf(t, tasks.NewDesk(rdb))
	require.Len(t, depths, len(tasks.Queues())+1)
	require.EqualValues(t, 5, depths[tasks.OtherQueues].Tasks[tasks.TaskPending])
	require.Positive(t, depths[tasks.OtherQueues].Oldest)
	for i := range 200 {
		require.NoError(t, rdb.SAdd(t.Context(), "asynq:queues", fmt.Sprintf("more-%d", i)).Err())
	}
	require.Len(t, depthsOf(t, tasks.NewDesk(rdb)), len(tasks.Queues())+1)
}

func TestDeskDepthsWithoutRedis(t *testing.T) {
	t.Parallel()
	_, err := tasks.NewDesk(redistest.Away(t)).Depths(context.Background())
	require.Error(t, err)
}

func depthsOf(t *testing.T, desk *tasks.Desk) map[string]tasks.Depth {
	t.Helper()
	list, err := desk.Depths(t.Context())
	require.NoError(t, err)
	depths := make(map[string]tasks.Depth)
	for _, d := range list {
		depths[d.Queue] = d
	}
	return depths
}
