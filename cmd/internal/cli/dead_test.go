package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/replay"
)

// dieMany lets the checks of n objects die, every third one missing, else denied.
func dieMany(t *testing.T, app *wire.App, n int) {
	t.Helper()
	var anns []pipeline.Announcement
	for i := range n {
		name := fmt.Sprintf("users/o%d/%d.jpg", i%2, i)
		anns = append(anns, pipeline.Announcement{Bucket: bucket, Key: name, FileID: "cos://" + bucket + "/" + name})
	}
	res, err := app.Ledger.Announce(t.Context(), "", anns)
	require.NoError(t, err)
	for i, w := range res.Wishes {
		a, err := app.Ledger.Begin(t.Context(), w.Run, "worker-1", 0)
		require.NoError(t, err)
		d := ledger.Death{Class: pipeline.Denied, Cause: fmt.Errorf("key %d is refused", i)}
		if i%3 == 2 {
			d = ledger.Death{Class: pipeline.Missing, Cause: errors.New("not there")}
		}
		_, _, err = app.Ledger.Bury(t.Context(), a, d)
		require.NoError(t, err)
	}
}

// states counts the letters by state.
func states(t *testing.T, app *wire.App) map[pipeline.LetterState]int {
	t.Helper()
	n := map[pipeline.LetterState]int{}
	require.NoError(t, app.Ledger.EachLetter(t.Context(), ledger.LetterFilter{}, func(l pipeline.Letter) error {
		n[l.State]++
		return nil
	}))
	return n
}

func TestDeadListAndGroups(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	require.Equal(t, exitEmpty, do(t, "dead", "list", "--fail-if-empty", "-c", path).code)
	require.Equal(t, exitEmpty, do(t, "dead", "groups", "--fail-if-empty", "-c", path).code)
	dieMany(t, app, 9)
	ids := func(args ...string) string {
		r := do(t, append([]string{"dead", "list", "--no-headers", "--fields", "id", "-q", "-c", path}, args...)...)
		require.Equal(t, exitOK, r.code, r.err)
		return strings.Join(strings.Fields(r.out), " ")
	}
	for want, args := range map[string][]string{
		"3 6 9":             {"--class", "missing"},
		"1 3":               {"--id", "1,3"},
		"5":                 {"--match", "key 4 "},
		"1 3 5 7 9":         {"--prefix", "users/o0/"},
		"1 2 4 5 7 8":       {"--class", "denied", "--step", "check", "--since", "1h", "--min-attempts", "1"},
		"":                  {"--until", "1d"},
		"1 2 3 4 5 6 7 8 9": {"--queue", "checks"},
		"4 5":               {"--after", "3", "--limit", "2"},
		"9 8":               {"--order-by", "newest", "--limit", "2"},
		"7 5":               {"--order-by", "newest", "--limit", "2", "--after", "8", "--match", "[46] is"},
	} {
		require.Equal(t, want, ids(args...), args)
	}
	more := do(t, "dead", "list", "--limit", "2", "-o", "jsonl", "-c", path)
	require.Contains(t, more.err, "more: --after 2")
	require.Contains(t, more.out, `"count":2,"next":2`)

	groups := do(t, "dead", "groups", "-o", "json", "-c", path)
	items, ok := groups.object(t)["items"].([]any)
	require.True(t, ok)
	require.Len(t, items, 2)
	big, ok := items[0].(map[string]any)
	require.True(t, ok)
	require.Equal(t, map[string]any{"count": 6.0, "class": "denied", "step": "check", "sample": 1.0}, pick(big, "count", "class", "step", "sample"))
	require.Contains(t, groups.err, fmt.Sprintf("dead replay --group %s --dry-run", big["group"]))
	require.NotContains(t, do(t, "dead", "groups", "--state", "all", "-c", path).err, "replay with", "not all of them can be")
	require.Equal(t, "1 2 4 5 7 8", ids("--group", fmt.Sprint(big["group"])))

	require.Contains(t, do(t, "__complete", "-c", path, "dead", "replay", "--group", "").out,
		fmt.Sprint(big["group"])+"\t6 check denied: key 0 is refused\n")
	for _, command := range []string{"show", "replay", "discard"} {
		require.True(t, strings.HasPrefix(do(t, "__complete", "-c", path, "dead", command, "").out, "9\tcheck missing: not there\n8\t"))
	}
	require.Equal(t, ":4\n", do(t, "__complete", "-c", path+".not", "dead", "show", "").out, "no configuration, no completions, no error")
}

func TestDeadReplayMany(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	dieMany(t, app, 9)

	dry := do(t, "dead", "replay", "--class", "denied", "--dry-run", "-o", "jsonl", "-c", path)
	require.Equal(t, exitOK, dry.code, dry.err)
	require.Equal(t, 7, strings.Count(dry.out, "\n"), "six rows and a summary")
	require.Contains(t, dry.err, "would replay 6")
	require.Equal(t, map[pipeline.LetterState]int{pipeline.LetterOpen: 9}, states(t, app))

	r := do(t, "dead", "replay", "--class", "denied", "--limit", "5", "--rate", "0", "--note", "renewed", "-o", "jsonl", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	require.Contains(t, r.out, `"id":1,"result":"replayed","step":"check","key":"users/o0/0.jpg"`)
	require.Contains(t, r.out, `"auditId":1,"failed":0,"matched":5,"note":"renewed","replayed":5,"skipped":0`)
	op, err := app.Ledger.Operation(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, "--class=[denied] --limit=5 --rate=0", op.Filter)

	dry = do(t, "dead", "replay", "--all", "--order-by", "newest", "--limit", "2", "--dry-run", "--no-headers", "--fields", "id", "-c", path)
	require.Equal(t, "9\n8\n", dry.out)

	part := do(t, "dead", "replay", "1", "8", "-o", "json", "-c", path)
	require.Equal(t, exitPartial, part.code, part.err)
	require.Equal(t, 1.0, part.object(t)["replayed"])
	require.Equal(t, exitNotFound, do(t, "dead", "replay", "1", "8", "-c", path).code)
	none := do(t, "dead", "replay", "--class", "denied", "--fail-if-empty", "-o", "json", "-c", path)
	require.Equal(t, exitEmpty, none.code)
	require.Equal(t, 0.0, none.object(t)["matched"])
	late := do(t, "dead", "replay", "3", "--wait", "--wait-timeout", "10ms", "-c", path)
	require.Equal(t, exitTimeout, late.code, late.err)
	require.Contains(t, late.out, "replayed\t1")
}

func TestDeadDiscard(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	dieMany(t, app, 3)
	r := do(t, "dead", "discard", "--class", "denied", "--note", "the customer left", "-o", "json", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	require.Equal(t, 2.0, r.object(t)["discarded"])
	require.Equal(t, exitOK, do(t, "dead", "discard", "--all", "--note", "all", "-c", path).code)
	require.Equal(t, map[pipeline.LetterState]int{pipeline.LetterDiscarded: 3}, states(t, app))
}

func TestDeadManyAreConfirmed(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	dieMany(t, app, 101)
	for _, c := range []struct {
		args []string
		code string
	}{
		{nil, "note_required"},
		{[]string{"--note", "n"}, "confirmation_required"},
	} {
		r := do(t, append([]string{"dead", "replay", "--all", "-o", "json", "-c", path}, c.args...)...)
		require.Equal(t, exitUsage, r.code)
		require.Equal(t, c.code, r.failure(t)["code"])
	}
	require.Equal(t, map[pipeline.LetterState]int{pipeline.LetterOpen: 101}, states(t, app))
	table := do(t, "dead", "replay", "--all", "--dry-run", "-o", "table", "-c", path)
	require.Contains(t, table.err, "... and 1 more")
	r := do(t, "dead", "replay", "--all", "--note", "n", "-y", "--rate", "0", "-o", "json", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	require.Equal(t, 101.0, r.object(t)["replayed"])
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"1204\n": true, "1,204\n": true, "1204": true, "y\n": false, "": false, "120\n": false} {
		var errs bytes.Buffer
		a := &app{stdin: strings.NewReader(answer), stderr: &errs}
		err := a.confirm(&bulk{action: replay.Replay, opt: replay.Options{Note: "n"}}, 1204, true)
		require.Equal(t, want, err == nil, answer)
		require.Contains(t, errs.String(), "this will replay 1,204 letters")
	}
}

func TestDeadExport(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	dieMany(t, app, 3)
	out := filepath.Join(t.TempDir(), "letters.ndjson")
	r := do(t, "dead", "export", out, "--class", "denied", "-o", "json", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	require.Equal(t, 2.0, r.object(t)["count"])
	st, err := os.Stat(out)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	raw, err := os.ReadFile(out)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	require.Len(t, lines, 2)
	var letter letterView
	require.NoError(t, json.Unmarshal([]byte(lines[1]), &letter))
	require.Equal(t, "users/o1/1.jpg", letter.Key)
	require.Len(t, letter.Attempts, 1)
	again := do(t, "dead", "export", out, "-c", path)
	require.Equal(t, exitConflict, again.code)
	require.Contains(t, again.err, "exists already")
}

// cancelling cancels when the first line is written.
type cancelling struct {
	bytes.Buffer
	cancel context.CancelCauseFunc
}

func (c *cancelling) Write(p []byte) (int, error) {
	c.cancel(errInterrupted)
	return c.Buffer.Write(p)
}

// TestDeadInterrupted: after Ctrl-C the same command takes up the rest.
func TestDeadInterrupted(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	dieMany(t, app, 3)
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(t.Context()))
	out, errs := &cancelling{cancel: cancel}, new(bytes.Buffer)
	args := []string{"dead", "replay", "--all", "-o", "jsonl", "-c", path}
	require.Equal(t, exitInterrupted, run(ctx, args, nil, strings.NewReader(""), out, errs), errs.String())
	require.Contains(t, out.String(), `"matched":3,"note":"","replayed":1`)
	require.Equal(t, exitOK, do(t, args...).code)
	require.Equal(t, map[pipeline.LetterState]int{pipeline.LetterReplayed: 3}, states(t, app))
}

func TestDeadUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ args, want string }{
		{"replay", "or all open ones by --all"},
		{"discard --note n", "or all open ones by --all"},
		{"discard 7", "discard needs a --note"},
		{"replay --all 7", "--all goes without"},
		{"replay 7 --rate fast", "want 20/s"},
		{"replay 7 --limit -1", "want 0 or more"},
		{"replay 7 --stop-on-failure 0.2", "needs --wait"},
		{"replay 7 --wait --stop-on-failure 2", "want a share"},
		{"list --class x", "want some of transient"},
		{"list --step x", "want some of check"},
		{"groups --queue x", "want some of checks"},
		{"groups --limit 0", "want at least 1"},
		{"groups --state x", "want open"},
		{"list --match (", "--match: error parsing regexp"},
		{"list --order-by x", "want oldest or newest"},
		{"replay 7 --order-by x", "want oldest or newest"},
		{"replay 7 --batch 0", "want 1 to 1000"},
		{"export x --since yesterday", "want 2h, 3d or"},
	} {
		r := do(t, append([]string{"dead"}, strings.Fields(c.args)...)...)
		require.Equal(t, exitUsage, r.code, "%s: %s", c.args, r.err)
		require.Contains(t, r.err, c.want, c.args)
	}
	require.Contains(t, do(t, "__complete", "dead", "replay", "--class", "").out, "denied")
}
