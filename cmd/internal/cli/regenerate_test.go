package cli

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

func TestRegenerate(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	ctx := t.Context()
	_, err := app.Ledger.Announce(ctx, "", []pipeline.Announcement{{Bucket: bucket, Key: key}})
	require.NoError(t, err)
	id := pipeline.UploadID(bucket, key)
	end := func(step pipeline.Step, gen int, res pipeline.StepResult) json.RawMessage {
		a, err := app.Ledger.Begin(ctx, pipeline.Run{UploadID: id, Step: step, Gen: gen}, "w1", time.Minute)
		require.NoError(t, err)
		_, err = app.Ledger.Finish(ctx, a, res)
		require.NoError(t, err)
		return a.Kept
	}
	end(pipeline.StepCheck, 1, pipeline.StepResult{State: pipeline.Done, Content: &pipeline.Content{
		ETag: "e", Size: 1, Visibility: pipeline.Private, Facts: pipeline.Facts{Type: "image/jpeg"},
	}})
	made := pipeline.ThumbnailResult{ETag: "e", Specs: map[string]string{}}
	for _, p := range app.Presets(bucket)[:2] {
		made.Specs[p.Name] = p.Spec()
	}
	end(pipeline.StepThumbnail, 1, pipeline.StepResult{State: pipeline.Done, Result: made})
	run := func(args ...string) result { return do(t, append([]string{"regenerate", "-c", path}, args...)...) }

	dry := run("--dry-run")
	require.Equal(t, exitOK, dry.code, dry.err)
	require.Contains(t, dry.out, key+"\t"+id+"\tlarge\tno\n")
	none := run("--preset", "small,medium", "-o", "json").object(t)
	require.Equal(t, map[string]any{"schema": "afterput.regenerate.v1", "scanned": 1.0, "upToDate": 1.0, "found": 0.0, "wished": 0.0},
		pick(none, "schema", "scanned", "upToDate", "found", "wished"))

	done := run("--rate", "100/s", "-o", "json").object(t)
	require.Equal(t, map[string]any{"found": 1.0, "wished": 1.0, "limited": false}, pick(done, "found", "wished", "limited"))
	kept, err := json.Marshal(made)
	require.NoError(t, err)
	require.JSONEq(t, string(kept), string(end(pipeline.StepThumbnail, 2, pipeline.StepResult{State: pipeline.Done, Result: made})))
}

func TestRegenerateUsage(t *testing.T) {
	t.Parallel()
	path, _ := world(t)
	for want, args := range map[string][]string{
		"--preset tiny is not configured": {"--preset", "tiny"},
		`--bucket "other-1" is not`:       {"--bucket", "other-1"},
		`--rate "20/d"`:                   {"--rate", "20/d"},
		"--limit -1":                      {"--limit", "-1"},
		"--older-than":                    {"--older-than", "soon"},
		`unknown command "x" for "a`:      {"x"},
	} {
		r := do(t, append([]string{"regenerate", "-c", path}, args...)...)
		require.Equal(t, exitUsage, r.code, "%v: %s", args, r.err)
		require.Contains(t, r.err, want)
	}
}
