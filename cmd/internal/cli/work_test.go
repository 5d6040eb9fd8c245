package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

const key = "users/o1/1.jpg"

// die announces an object and lets its check die.
func die(t *testing.T, app *wire.App) {
	t.Helper()
	p, err := app.Producer()
	require.NoError(t, err)
	receipts, err := p.Accept(t.Context(), "", []pipeline.Announcement{{Bucket: bucket, Key: key, Source: "test"}})
	require.NoError(t, err)
	run := pipeline.Run{UploadID: receipts[0].UploadID, Step: pipeline.StepCheck, Gen: 1}
	a, err := app.Ledger.Begin(t.Context(), run, "worker-1", 0)
	require.NoError(t, err)
	cause := pipeline.Errorf(pipeline.Missing, "check.read", key, "the object is not there")
	_, _, err = app.Ledger.Bury(t.Context(), a, ledger.Death{Class: pipeline.Missing, Cause: cause, TaskType: "afterput:check", Payload: []byte(`{"v":1}`)})
	require.NoError(t, err)
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	require.Equal(t, `{"type":"summary","schema":"afterput.dead.v1","count":0}`+"\n", do(t, "dead", "list", "-o", "jsonl", "-c", path).out)
	die(t, app)

	list := do(t, "dead", "list", "-o", "jsonl", "-c", path)
	require.Empty(t, list.err)
	require.Contains(t, list.out, `"id":1,"state":"open","class":"missing","step":"check"`)
	require.Contains(t, list.out, `"type":"summary"`)
	require.True(t, strings.HasPrefix(do(t, "dead", "list", "-c", path).out, "ID\tSTATE\tCLASS\t"))
	require.Equal(t, "1\tmissing\n", do(t, "dead", "list", "--no-headers", "--fields", "id,class", "-c", path).out)

	show := do(t, "dlq", "show", "1", "-o", "json", "-c", path).object(t)
	require.Equal(t, map[string]any{"schema": "afterput.letter.v1", "key": key, "step": "check", "class": "missing", "payload": `{"v":1}`},
		pick(show, "schema", "key", "step", "class", "payload"))
	require.Len(t, show["attempts"], 1)
	require.Contains(t, show["fix"], "afterput dead replay 1")
	require.Contains(t, do(t, "dead", "show", "1", "-o", "table", "-c", path).out, "attempts[0].worker:  worker-1")

	replayed := do(t, "dead", "replay", "1", "--note", "it is there now", "-o", "json", "-c", path)
	require.Equal(t, map[string]any{"schema": "afterput.replay.v1", "id": 1.0, "replayed": true, "queued": true}, replayed.object(t))
	again := do(t, "dead", "replay", "1", "-o", "json", "-c", path)
	require.Equal(t, exitConflict, again.code)
	require.Equal(t, "not_open", again.failure(t)["code"])

	for _, args := range [][]string{{"dead", "show", "99"}, {"dead", "replay", "99"}} {
		r := do(t, append(args, "-c", path)...)
		require.Equal(t, exitNotFound, r.code)
		require.Contains(t, r.err, "letter 99")
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	r := do(t, "explain", "nothing", "-c", path)
	require.Equal(t, exitNotFound, r.code)
	require.Contains(t, r.err, `"nothing" is no upload ID, fileID, key or order here`)
	require.Empty(t, r.out)

	die(t, app)
	for _, ref := range []string{key, "cos://" + bucket + "/" + key, pipeline.UploadID(bucket, key)} {
		r := do(t, "explain", ref, "-c", path)
		require.Equal(t, exitOK, r.code, r.err)
		require.Contains(t, r.out, "announced by test")
		require.Contains(t, r.out, "check run 1 attempt 1 fails: missing: ")
		require.Contains(t, r.out, "letter 1 (open)")
	}
	uploads, ok := do(t, "explain", key, "-o", "json", "-c", path).object(t)["uploads"].([]any)
	require.True(t, ok)
	require.Len(t, uploads, 1)
}

func TestEnqueue(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	r := doWith(t, nil, "users/o1/a.jpg\n\n users/o1/b.jpg \n", "enqueue", "-", "--order", "A1", "-o", "jsonl", "-q", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	require.Empty(t, r.err)
	require.Equal(t, 3, strings.Count(r.out, "\n"), "two rows and a summary")
	require.Contains(t, r.out, `"new":true,"key":"users/o1/a.jpg","fileID":"cos://photos-1250000000/users/o1/a.jpg"`)
	links, err := app.Ledger.Links(t.Context(), pipeline.UploadID(bucket, "users/o1/b.jpg"))
	require.NoError(t, err)
	require.Len(t, links, 1)
	require.Equal(t, 1, *links[0].Position)

	again := do(t, "enqueue", "users/o1/a.jpg", "--no-headers", "--fields", "new,key", "-c", path)
	require.Equal(t, "no\tusers/o1/a.jpg\n", again.out)
	require.Contains(t, again.err, "level=INFO", "the log is on stderr")
	logged := do(t, "enqueue", "users/o1/a.jpg", "--log-format", "json", "-c", path)
	require.Contains(t, logged.err, `"msg":"announced"`)

	late := do(t, "enqueue", "users/o1/a.jpg", "--wait", "200ms", "-q", "-c", path)
	require.Equal(t, exitTimeout, late.code)
	require.Contains(t, late.err, "users/o1/a.jpg is still in flight")
	require.Contains(t, late.out, "in flight")

	for name, want := range map[string]string{"/lead.jpg": "INVALID_FILE_NAME", "cloud://other.6f74-other-1/users/o1/1.jpg": "WRONG_ENVIRONMENT"} {
		bad := do(t, "enqueue", name, "-o", "json", "-c", path)
		require.Equal(t, exitFailed, bad.code)
		require.Equal(t, want, bad.failure(t)["code"])
	}
	require.Equal(t, exitUsage, doWith(t, nil, "\n", "enqueue", "-", "-c", path).code)
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	cfg := *app.Config
	cfg.Redis.URL = "redis://127.0.0.1:1/0"
	away := file(t, config.Encode(&cfg))
	r := do(t, "worker", "-o", "json", "-c", away)
	require.Equal(t, exitRedis, r.code)
	require.Equal(t, "redis_unreachable", r.failure(t)["code"])
	require.Contains(t, r.err, "redis://127.0.0.1:1/0 does not answer")

	// The ledger takes announcements and replays all the same.
	r = do(t, "enqueue", key, "-c", away)
	require.Equal(t, exitOK, r.code, r.err)
	require.Contains(t, r.err, "the sweep will")

	cfg.Orders.URL = config.URL("sqlite://" + path + "/x.db") // below a file
	r = do(t, "dead", "list", "-c", file(t, config.Encode(&cfg)))
	require.Equal(t, exitOrders, r.code, r.err)
}
