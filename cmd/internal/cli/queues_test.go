package cli

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/tasks"
)

func TestQueues(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	list := func() []any {
		items, ok := do(t, "-c", path, "-o", "json", "queues", "list").object(t)["items"].([]any)
		require.True(t, ok)
		return items
	}
	require.Len(t, list(), len(tasks.Queues()))

	require.Equal(t, exitOK, do(t, "-c", path, "queues", "pause", "thumbnails", "--note", "moving").code)
	require.Equal(t, "paused", state(list(), "thumbnails"))
	require.NoError(t, app.Redis.FlushAll(t.Context()).Err())
	require.Equal(t, "paused, not in redis", state(list(), "thumbnails"))
	require.Equal(t, exitOK, do(t, "-c", path, "queues", "resume", "thumbnails").code)
	require.Equal(t, "running", state(list(), "thumbnails"))

	r := do(t, "-c", path, "queues", "drain")
	require.Equal(t, exitOK, r.code)
	require.Contains(t, r.err, "drained")
	require.Equal(t, exitOK, do(t, "-c", path, "enqueue", "users/o1/1.jpg").code)
	r = do(t, "-c", path, "queues", "drain", "checks", "--timeout", "100ms")
	require.Equal(t, exitTimeout, r.code, r.err)
	require.Contains(t, r.err, "1 tasks are left")

	for _, args := range [][]string{{"pause"}, {"pause", "thumbs"}, {"list", "x"}} {
		require.Equal(t, exitUsage, do(t, append([]string{"-c", path, "queues"}, args...)...).code, args)
	}
}

func state(rows []any, queue string) any {
	for _, r := range rows {
		if row, ok := r.(map[string]any); ok && row["queue"] == queue {
			return row["state"]
		}
	}
	return nil
}
