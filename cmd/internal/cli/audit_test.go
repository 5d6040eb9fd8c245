package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// thumbed ends an upload with a thumbnail that no bucket holds.
func thumbed(t *testing.T, app *wire.App) {
	t.Helper()
	p, err := app.Producer()
	require.NoError(t, err)
	receipts, err := p.Accept(t.Context(), "", []pipeline.Announcement{{Bucket: bucket, Key: "users/o1/2.jpg", Owner: "o1", Source: "test"}})
	require.NoError(t, err)
	c := pipeline.Content{ETag: "e1", Size: 9, Facts: pipeline.Facts{Type: "image/jpeg"}}
	end := func(step pipeline.Step, res pipeline.StepResult) {
		a, err := app.Ledger.Begin(t.Context(), pipeline.Run{UploadID: receipts[0].UploadID, Step: step, Gen: 1}, "w1", time.Minute)
		require.NoError(t, err)
		_, err = app.Ledger.Finish(t.Context(), a, res)
		require.NoError(t, err)
	}
	end(pipeline.StepCheck, pipeline.StepResult{State: pipeline.Done, Content: &c})
	end(pipeline.StepThumbnail, pipeline.StepResult{State: pipeline.Done, Result: pipeline.ThumbnailResult{
		Thumbnails: []pipeline.OutcomeThumbnail{{Preset: "small", Key: "thumbs/small/users/o1/2.jpg.jpg"}},
	}})
	end(pipeline.StepNotify, pipeline.StepResult{State: pipeline.Done})
}

func TestAudit(t *testing.T) {
	t.Parallel()
	path, app := world(t)
	r := do(t, "audit", "-o", "table", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	require.Contains(t, r.out, "0 announced = 0 done + 0 rejected")
	require.Contains(t, r.out, "It holds")

	die(t, app)
	thumbed(t, app)
	r = do(t, "audit", "--quick", "--since", "1d", "-o", "json", "-c", path)
	require.Equal(t, exitOK, r.code, r.err)
	require.Equal(t, map[string]any{"schema": "afterput.audit.v1", "holds": true, "announced": 2.0, "done": 1.0, "inFlight": 1.0, "deadSteps": 1.0, "openLetters": 1.0},
		pick(r.object(t), "schema", "holds", "announced", "done", "inFlight", "deadSteps", "openLetters"))

	r = do(t, "audit", "-o", "json", "-c", path)
	require.Equal(t, exitStorage, r.code, r.err)

	// A dead step whose letter is lost is named, and the exit code says so.
	lost, err := app.Ledger.Letters(t.Context(), ledger.LetterFilter{})
	require.NoError(t, err)
	require.Len(t, lost, 1)
	tamper(t, app, "DELETE FROM dead_letters")
	r = do(t, "audit", "--quick", "-o", "jsonl", "-c", path)
	require.Equal(t, exitPartial, r.code)
	require.Equal(t, "audit_mismatch", r.failure(t)["code"])
	require.Contains(t, r.out, `"kind":"letter missing","uploadId":"`+lost[0].UploadID+`","key":"`+key+`","order":"","step":"check"`)
	require.Contains(t, r.out, `"type":"summary","schema":"afterput.audit.v1"`)

	r = do(t, "audit", "--quick", "--limit", "1", "-c", path)
	require.Equal(t, exitPartial, r.code)
	require.Equal(t, 2, strings.Count(r.out, "\n"), "a header and one row: %s", r.out)
	require.Contains(t, r.err, "1 more are not shown")
	require.Contains(t, r.err, "1 dead steps = 0 open letters")

	for _, args := range [][]string{{"audit", "--limit", "0"}, {"audit", "--since", "soon"}, {"audit", "--since", "-1h"}} {
		require.Equal(t, exitUsage, do(t, append(args, "-c", path)...).code)
	}
}

// tamper changes the ledger behind its back.
func tamper(t *testing.T, app *wire.App, query string) {
	t.Helper()
	db, err := sqldb.Open(t.Context(), app.Config.Ledger.URL.Reveal())
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	_, err = db.SQL().ExecContext(t.Context(), query)
	require.NoError(t, err)
}
