package cli

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

func TestErase(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	res, err := app.Ledger.Announce(t.Context(), "", []pipeline.Announcement{{Bucket: bucket, Key: key, Owner: "o1"}})
	require.NoError(t, err)
	for _, args := range [][]string{{"erase"}, {"erase", "--owner", "o1"}, {"erase", "--owner", "o1", "--note", "x"}} {
		require.Equal(t, exitUsage, do(t, append(args, "-c", path)...).code)
	}
	r := do(t, "erase", "--owner", "o1", "--dry-run", "-o", "json", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	require.Equal(t, map[string]any{"uploads": 1.0, "inFlight": 1.0, "links": 0.0, "letters": 0.0, "attempts": 0.0}, r.object(t)["found"])
	require.Equal(t, true, r.object(t)["dryRun"])

	r = do(t, "erase", "--owner", "o1", "--note", "request 4711", "-y", "-c", path)
	require.Equal(t, exitPartial, r.code, "it is in flight")
	require.Contains(t, r.err, "1 uploads are in flight")

	for wishes := res.Wishes; len(wishes) > 0; wishes = wishes[1:] {
		a, err := app.Ledger.Begin(t.Context(), wishes[0].Run, "w1", time.Minute)
		require.NoError(t, err)
		made, err := app.Ledger.Finish(t.Context(), a, pipeline.StepResult{State: pipeline.Done})
		require.NoError(t, err)
		wishes = append(wishes, made...)
	}
	r = do(t, "erase", "--owner", "o1", "--note", "request 4711", "-y", "-o", "json", "-c", path)
	require.Equal(t, exitStorage, r.code, "the bucket is away: %s", r.err)
	found, err := app.Ledger.Owned(t.Context(), "o1")
	require.NoError(t, err)
	require.Equal(t, 1, found.Uploads, "the rows stay until the bucket is done")

	r = do(t, "erase", "--owner", "o2", "--note", "nobody", "-y", "-o", "json", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	require.Equal(t, map[string]any{"uploads": 0.0, "entries": 0.0, "inFlight": 0.0}, r.object(t)["erased"])
}
