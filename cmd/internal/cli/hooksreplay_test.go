package cli

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
)

// refusedAndTold has both endpoints told that a file was rejected, as far as they want it.
func refusedAndTold(t *testing.T, app *wire.App) (id string) {
	t.Helper()
	ctx := t.Context()
	res, err := app.Ledger.Announce(ctx, "", []pipeline.Announcement{{Bucket: bucket, Key: key, FileID: "cos://" + bucket + "/" + key}})
	require.NoError(t, err)
	todo := res.Wishes
	for len(todo) > 0 {
		a, err := app.Ledger.Begin(ctx, todo[0].Run, "w1", time.Minute)
		require.NoError(t, err)
		done := pipeline.StepResult{State: pipeline.Done}
		if a.Step == pipeline.StepCheck {
			done.Content = &pipeline.Content{ETag: "e1", Size: 1, Facts: pipeline.Facts{Type: "image/jpeg"}, Visibility: pipeline.Private}
		}
		made, err := app.Ledger.Finish(ctx, a, done)
		require.NoError(t, err)
		todo = append(todo[1:], made...)
	}
	return res.Announced[0].UploadID
}

// lines reads what a command printed as JSON lines.
func (r result) lines(t *testing.T) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(r.out) {
		var v map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &v), r.out+r.err)
		all = append(all, v)
	}
	require.NotEmpty(t, all, r.err)
	return all
}

func TestHooksReplay(t *testing.T) {
	t.Parallel()
	var status atomic.Int32
	status.Store(http.StatusNoContent)
	path, app := hooked(t, &status)
	id := refusedAndTold(t, app)
	run := func(args ...string) result {
		return do(t, append([]string{"-c", path, "-o", "jsonl", "hooks", "replay"}, args...)...)
	}
	dry := run("--all", "--dry-run")
	require.Equal(t, exitOK, dry.code, dry.err)
	require.Contains(t, dry.err, "would send 2 webhooks again")
	require.Equal(t, map[string]any{"id": id + ".1", "type": "upload.done", "endpoint": "default", "result": "done"},
		pick(dry.lines(t)[0], "id", "type", "endpoint", "result"))

	r := run("--upload", key, "--endpoint", "crm", "--note", "restored")
	require.Equal(t, exitOK, r.code, r.err)
	require.Equal(t, map[string]any{"id": id + ".1", "endpoint": "crm", "result": "replayed"}, pick(r.lines(t)[0], "id", "endpoint", "result"))
	summary := r.lines(t)[1]
	require.Equal(t, map[string]any{"matched": 1.0, "replayed": 1.0, "skipped": 0.0, "note": "restored"}, pick(summary, "matched", "replayed", "skipped", "note"))
	op, err := app.Ledger.Operation(t.Context(), int64(summary["auditId"].(float64))) //nolint:forcetypeassert // a test
	require.NoError(t, err)
	require.Equal(t, "hooks replay", op.What)
	require.Contains(t, op.Filter, "--endpoint=[crm]")
	stats, err := app.Desk.Stats(t.Context(), "hooks")
	require.NoError(t, err)
	require.Equal(t, 1, stats.Pending, "it goes through the queue")
	require.Equal(t, 0.0, run("--all", "--endpoint", "crm").lines(t)[0]["matched"], "what is on its way is left alone")
	require.Equal(t, exitEmpty, run("--since", "2030-01-01T00:00:00Z", "--fail-if-empty").code)
	require.Equal(t, exitEmpty, run("--all", "--event", "upload.gone", "--fail-if-empty").code)

	for _, args := range [][]string{
		{},
		{"--all", "--since", "1h"},
		{"--endpoint", "crm"},
		{"--all", "--event", "upload.lost"},
		{"--all", "--rate", "x"},
		{"--all", "--limit", "-1"},
		{"--since", "yesterday"},
		{"crm"},
	} {
		require.Equal(t, exitUsage, run(args...).code, args)
	}
	require.Equal(t, exitNotFound, run("--all", "--endpoint", "nobody").code)
	require.Equal(t, exitNotFound, run("--upload", "users/oX/none.jpg").code)

	require.NoError(t, app.Ledger.DisableEndpoint(t.Context(), "default", "it answered 410"))
	r = run("--all", "--endpoint", "default")
	require.Equal(t, exitConflict, r.code)
	require.Contains(t, r.err, "afterput hooks enable default")
	require.Equal(t, 0.0, run("--all").lines(t)[0]["matched"], "without a name, disabled ones are left out")
}
