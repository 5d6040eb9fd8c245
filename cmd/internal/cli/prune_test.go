package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

func TestPrune(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	_, err := app.Ledger.Announce(t.Context(), "msg-1", []pipeline.Announcement{{Bucket: bucket, Key: key}})
	require.NoError(t, err)

	for args, code := range map[string]int{
		"":                   exitUsage, // no age
		"--older-than=soon":  exitUsage,
		"--older-than=1ns":   exitUsage, // no note
		"--older-than=-3h":   exitUsage,
		"--older-than=9999d": exitUsage, // no note, also where there is nothing to do
	} {
		r := do(t, append(strings.Fields("prune "+args), "-c", path)...)
		require.Equal(t, code, r.code, args)
	}
	r := do(t, "prune", "--older-than", "1ns", "--note", "x", "-o", "json", "-c", path)
	require.Equal(t, exitUsage, r.code)
	require.Equal(t, "confirmation_required", r.failure(t)["code"])

	r = do(t, "prune", "--older-than", "1ns", "--dry-run", "-o", "json", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	require.Equal(t, map[string]any{"schema": "afterput.prune.v1", "total": 1.0, "dryRun": true}, pick(r.object(t), "schema", "total", "dryRun"))
	require.Contains(t, r.err, "would remove 1 rows")

	r = do(t, "prune", "--older-than", "1ns", "--note", "quarterly", "-y", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	require.Contains(t, r.out, "inboundIds\t1\n")
	op, err := app.Ledger.Operation(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, "quarterly", op.Note)
	again := do(t, "prune", "--older-than", "90d", "--dry-run", "-o", "json", "-c", path).object(t)
	require.Equal(t, 0.0, again["total"])
}
