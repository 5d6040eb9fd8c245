package cli

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// queueUp announces the objects users/o{i%2}/{i}.jpg, the even ones for order A12, and
// gives the tasks of their checks.
func queueUp(t *testing.T, app *wire.App, n int) []string {
	t.Helper()
	var anns []pipeline.Announcement
	for i := range n {
		name := fmt.Sprintf("users/o%d/%d.jpg", i%2, i)
		ann := pipeline.Announcement{Bucket: bucket, Key: name, FileID: "cos://" + bucket + "/" + name, Owner: fmt.Sprintf("o%d", i%2)}
		if i%2 == 0 {
			ann.Order = "A12"
		}
		anns = append(anns, ann)
	}
	res, err := app.Ledger.Announce(t.Context(), "", anns)
	require.NoError(t, err)
	require.NoError(t, app.Queue.EnqueueAll(t.Context(), res.Wishes))
	var ids []string
	for _, w := range res.Wishes {
		ids = append(ids, tasks.ID(w.Run))
	}
	return ids
}

// holding runs a pool of checks whose tasks run until they are cancelled.
func holding(t *testing.T, app *wire.App) {
	t.Helper()
	server := asynq.NewServerFromRedisClient(app.Redis, asynq.Config{
		Concurrency: 1, Queues: map[string]int{tasks.QueueChecks: 1}, Logger: unheard{}, TaskCheckInterval: 100 * time.Millisecond,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Hour }, ShutdownTimeout: time.Second,
	})
	require.NoError(t, server.Start(asynq.HandlerFunc(func(ctx context.Context, _ *asynq.Task) error {
		<-ctx.Done()
		return ctx.Err()
	})))
	t.Cleanup(server.Shutdown)
}

// unheard keeps asynq's own log out of the tests.
type unheard struct{}

func (unheard) Debug(...any) {}
func (unheard) Info(...any)  {}
func (unheard) Warn(...any)  {}
func (unheard) Error(...any) {}
func (unheard) Fatal(...any) {}

func TestTasksList(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	require.Equal(t, exitEmpty, do(t, "tasks", "list", "--fail-if-empty", "-c", path).code)
	ids := queueUp(t, app, 7)
	attach := pipeline.Wish{Run: pipeline.Run{UploadID: pipeline.UploadID(bucket, "users/o0/0.jpg"), Step: pipeline.StepAttach, Scope: "A12", Gen: 1}, ReadyAt: time.Now().Add(time.Hour)}
	warm := pipeline.Wish{Run: pipeline.Run{Step: pipeline.StepWarm}, Bucket: bucket, ReadyAt: time.Now().Add(time.Hour)}
	require.NoError(t, app.Queue.EnqueueAll(t.Context(), []pipeline.Wish{attach, warm}))

	list := func(args ...string) string {
		r := do(t, append([]string{"tasks", "list", "--no-headers", "--fields", "key", "-q", "-c", path}, args...)...)
		require.Equal(t, exitOK, r.code, r.err)
		return strings.Join(strings.Fields(strings.ReplaceAll(strings.ReplaceAll(r.out, "users/", ""), ".jpg", "")), " ")
	}
	for want, args := range map[string][]string{
		"o0/0 o1/1 o0/2 o1/3 o0/4 o1/5 o0/6": {"--queue", "checks"},
		"o0/0 o0/2 o0/4 o0/6 o0/0":           {"--order", "A12"},
		"o1/1 o1/3 o1/5":                     {"--owner", "o1"},
		"o0/0":                               {"--queue", "orders", "--order", "A12", "--state", "pending,scheduled"},
		"":                                   {"--order", "A13"},
		"bucket " + bucket:                   {"--queue", "urls"},
		"o0/0 o1/1":                          {"--limit", "2"},
		"o1/3 o0/4":                          {"--limit", "2", "--after", "checks/pending/3"},
		"o0/2 o0/4":                          {"--limit", "2", "--owner", "o0", "--after", "checks/pending/1"},
	} {
		require.Equal(t, want, list(args...), args)
	}

	// Every page together is the whole, also where a page ends with a queue.
	for _, limit := range []string{"1", "2", "3", "7", "9"} {
		var all []string
		after := ""
		for {
			r := do(t, "tasks", "list", "--limit", limit, "--after", after, "-o", "json", "-c", path)
			require.Equal(t, exitOK, r.code, r.err)
			v := r.object(t)
			for i := range int(v["count"].(float64)) { //nolint:forcetypeassert // a test
				all = append(all, fmt.Sprint(r.item(t, i)["id"]))
			}
			next, more := v["next"].(string)
			if !more {
				break
			}
			require.Contains(t, r.err, "more: --after "+next)
			after = next
		}
		require.Len(t, all, 9, limit)
		require.Equal(t, ids, all[:7])
		require.Equal(t, tasks.ID(attach.Run), all[7])
	}
	item := do(t, "tasks", "list", "--queue", "orders", "-o", "json", "-c", path).item(t, 0)
	require.Equal(t, map[string]any{"state": "scheduled", "step": "attach", "order": "A12", "retried": 0.0, "worker": ""},
		pick(item, "state", "step", "order", "retried", "worker"))
	require.NotEmpty(t, item["next"])
}

func TestTasksUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"list --queue x", "want some of checks"},
		{"list --state x", "want some of active"},
		{"list --limit 0", "want at least 1"},
		{"list --after 7", "want what tasks list told"},
		{"list --after checks/pending/-1", "want what tasks list told"},
		{"list x", "unknown command"},
		{"show", "accepts 1 arg(s)"},
		{"cancel", "requires at least 1 arg(s)"},
	} {
		r := do(t, append([]string{"tasks"}, strings.Fields(c.args)...)...)
		require.Equal(t, exitUsage, r.code, "%s: %s", c.args, r.err)
		require.Contains(t, r.err, c.want, c.args)
	}
}

func TestTasksShow(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	id := queueUp(t, app, 1)[0]
	show := func() map[string]any { return do(t, "tasks", "show", id, "-o", "json", "-c", path).object(t) }
	v := show()
	require.Equal(t, map[string]any{"schema": "afterput.task.v1", "id": id, "queue": "checks", "state": "pending", "taskType": "afterput:check"},
		pick(v, "schema", "id", "queue", "state", "taskType"))
	require.Contains(t, v["payload"], `"upload":"`)
	require.Equal(t, map[string]any{"step": "check", "state": "pending", "gen": 1.0}, pick(v["step"].(map[string]any), "step", "state", "gen")) //nolint:forcetypeassert // a test
	require.Contains(t, v["do"], "queues stats checks")
	require.Equal(t, exitOK, do(t, "queues", "pause", "checks", "-c", path).code)
	require.Contains(t, show()["do"], "queues resume checks")
	require.Contains(t, do(t, "tasks", "show", id, "-o", "table", "-c", path).out, "upload.key:")
	require.Contains(t, do(t, "__complete", "-c", path, "tasks", "show", "").out, id+"\tpending")

	// It dies, and the archived copy names its letter.
	_, uploadID, gen, _ := tasks.ParseID(id)
	a, err := app.Ledger.Begin(t.Context(), pipeline.Run{UploadID: uploadID, Step: pipeline.StepCheck, Gen: gen}, "worker-1", 0)
	require.NoError(t, err)
	_, _, err = app.Ledger.Bury(t.Context(), a, ledger.Death{Class: pipeline.Denied, Cause: fmt.Errorf("refused")})
	require.NoError(t, err)
	require.Contains(t, show()["do"], "the step is dead at gen 1")
	require.NoError(t, asynq.NewInspectorFromRedisClient(app.Redis).ArchiveTask("checks", id))
	v = show()
	require.Equal(t, "afterput dead show 1", v["do"])
	require.Equal(t, map[string]any{"id": 1.0, "state": "open"}, v["letter"])
	require.Len(t, v["attempts"], 1)
	refused := do(t, "tasks", "cancel", id, "-o", "json", "-c", path)
	require.Equal(t, exitConflict, refused.code)
	require.Contains(t, refused.failure(t)["hint"], "dead discard")

	// What Redis does not hold, the ledger may know.
	require.NoError(t, app.Redis.FlushAll(t.Context()).Err())
	for ref, want := range map[string]string{
		id: "in the ledger the step is dead at gen 1", "check:nobody:1": "the ledger does not know its step", "x": `no queue holds a task "x"`,
	} {
		r := do(t, "tasks", "show", ref, "-o", "json", "-c", path)
		require.Equal(t, exitNotFound, r.code, r.err)
		require.Contains(t, r.failure(t)["message"], want)
	}
	require.NoError(t, app.Queue.EnqueueAll(t.Context(), nil))
}

func TestTasksCancel(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	ids := queueUp(t, app, 2)
	waiting := do(t, "tasks", "cancel", ids[0], "-o", "json", "-c", path)
	require.Equal(t, exitConflict, waiting.code)
	require.Contains(t, waiting.failure(t)["message"], "it is pending")
	require.Contains(t, waiting.failure(t)["hint"], "queues pause checks")

	holding(t, app)
	require.Eventually(t, func() bool {
		r := do(t, "tasks", "list", "--state", "active", "-o", "json", "-c", path)
		return r.object(t)["count"] == 1.0 && r.item(t, 0)["worker"] != ""
	}, time.Minute, 50*time.Millisecond, "the list names who runs it")
	require.Contains(t, do(t, "__complete", "-c", path, "tasks", "cancel", "").out, ids[0]+"\tactive")

	none := do(t, "tasks", "cancel", "check:nobody:1", "-c", path)
	require.Equal(t, exitNotFound, none.code)
	part := do(t, "tasks", "cancel", ids[0], ids[0], "check:nobody:1", "--note", "it hangs", "-o", "json", "-c", path)
	require.Equal(t, exitPartial, part.code, part.err)
	require.Equal(t, map[string]any{"id": ids[0], "state": "active", "result": "sent", "error": ""}, part.item(t, 0))
	require.Equal(t, "refused", part.item(t, 1)["result"])
	require.Eventually(t, func() bool {
		task, err := app.Desk.FindTask(t.Context(), ids[0])
		return err == nil && task.State == tasks.TaskRetry
	}, time.Minute, 50*time.Millisecond, "it comes back")
	op, err := app.Ledger.Operation(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, []string{"task cancel", ids[0], "it hangs"}, []string{op.What, op.Filter, op.Note})
}

// A task whose worker is gone is active still: nobody hears that it is cancelled.
func TestTasksCancelUnheard(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	id := queueUp(t, app, 1)[0]
	require.NoError(t, app.Redis.RPopLPush(t.Context(), "asynq:{checks}:pending", "asynq:{checks}:active").Err())
	require.NoError(t, app.Redis.HSet(t.Context(), "asynq:{checks}:t:"+id, "state", "active").Err())
	r := do(t, "tasks", "cancel", id, "-o", "json", "-c", path)
	require.Equal(t, exitConflict, r.code, r.err)
	require.Equal(t, "nobody_listens", r.failure(t)["code"])
	require.Equal(t, "refused", r.item(t, 0)["result"])
	_, err := app.Ledger.Operation(t.Context(), 1)
	require.ErrorIs(t, err, ledger.ErrNotFound, "nothing was done")
}

func TestTasksWithoutRedis(t *testing.T) {
	t.Parallel()
	_, app := world(t)
	cfg := *app.Config
	cfg.Redis.URL = "redis://127.0.0.1:1/0"
	away := file(t, config.Encode(&cfg))
	for _, args := range [][]string{{"list"}, {"show", "x"}, {"cancel", "x"}} {
		r := do(t, append([]string{"-c", away, "tasks"}, args...)...)
		require.Equal(t, exitRedis, r.code, r.err)
	}
	require.Equal(t, ":4\n", do(t, "__complete", "-c", away, "tasks", "show", "").out, "no completions, no error")
}
