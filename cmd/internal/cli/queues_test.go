package cli

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/ledger"
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
	require.Equal(t, exitOK, do(t, "-c", path, "queues", "pause", "checks").code)
	r = do(t, "-c", path, "queues", "drain", "checks", "--timeout", "100ms")
	require.Contains(t, r.err, "checks is paused and holds 1 tasks")
	require.Equal(t, exitTimeout, r.code, r.err)
	require.Contains(t, r.err, "1 tasks are left")

	for _, args := range [][]string{
		{"pause"},
		{"pause", "thumbs"},
		{"list", "x"},
		{"stats"},
		{"stats", "x"},
		{"stats", "checks", "urls"},
		{"pause", "urls", "--for", "0s"},
		{"pause", "urls", "--for", "soon"},
		{"pause", "urls", "--for", ""},
	} {
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

// A pause with an end says so in list and stats, and takes a new end.
func TestQueuesPauseFor(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	pause := func(span, note string) map[string]any {
		r := do(t, "-c", path, "-o", "json", "queues", "pause", "urls", "--for", span, "--note", note)
		require.Equal(t, exitOK, r.code, r.err)
		return r.item(t, 0)
	}
	require.Equal(t, map[string]any{"queue": "urls", "paused": true, "changed": true, "note": "moving"},
		pick(pause("30m", "moving"), "queue", "paused", "changed", "note"))
	later := pause("2h", "takes longer")
	require.Equal(t, true, later["changed"])
	until, err := time.Parse(time.RFC3339Nano, fmt.Sprint(later["until"]))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(2*time.Hour), until, 10*time.Minute)
	require.Greater(t, app.Redis.TTL(t.Context(), "asynq:{urls}:paused").Val(), time.Hour)

	row := do(t, "-c", path, "-o", "json", "queues", "list", "urls").item(t, 0)
	require.Equal(t, "takes longer", row["note"])
	require.NotEmpty(t, row["until"])
	stats := do(t, "-c", path, "-o", "json", "queues", "stats", "urls")
	require.Contains(t, stats.err, "afterput worker --pool urls")
	v := stats.object(t)
	require.Equal(t, map[string]any{"schema": "afterput.queue.v1", "queue": "urls", "state": "paused", "pending": 0.0, "workers": []any{}},
		pick(v, "schema", "queue", "state", "pending", "workers"))
	paused, ok := v["paused"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, map[string]any{"by": operator(), "note": "takes longer"}, pick(paused, "by", "note"))

	// Redis drops its key at the end; the ledger's row says nothing any more.
	_, err = app.Ledger.Pause(t.Context(), ledger.PausedQueue{Name: "urls", Until: time.Now().Add(-time.Second)})
	require.NoError(t, err)
	require.NoError(t, app.Redis.Del(t.Context(), "asynq:{urls}:paused").Err())
	row = do(t, "-c", path, "-o", "json", "queues", "list", "urls").item(t, 0)
	require.Equal(t, map[string]any{"state": "running", "until": nil, "note": ""}, pick(row, "state", "until", "note"))
	require.NotContains(t, do(t, "-c", path, "-o", "json", "queues", "stats", "urls").object(t), "paused")
	require.Contains(t, do(t, "-c", path, "-o", "table", "queues", "stats", "urls").out, "state:      running")
}

// Without Redis a pause stands in the ledger; a resume would leave Redis paused.
func TestQueuesWithoutRedis(t *testing.T) {
	t.Parallel()
	_, app := world(t)
	cfg := *app.Config
	cfg.Redis.URL = "redis://127.0.0.1:1/0"
	away := file(t, config.Encode(&cfg))
	r := do(t, "-c", away, "queues", "pause", "urls")
	require.Equal(t, exitOK, r.code, r.err)
	require.Contains(t, r.err, "the sweep will pause urls there")
	for _, args := range [][]string{{"resume", "urls"}, {"list"}, {"stats", "urls"}, {"drain"}} {
		require.Equal(t, exitRedis, do(t, append([]string{"-c", away, "queues"}, args...)...).code, args)
	}
	paused, err := app.Ledger.PausedQueues(t.Context())
	require.NoError(t, err)
	require.Len(t, paused, 1, "a resume that fails changes nothing")
}
