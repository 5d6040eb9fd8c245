package producer_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

func (w *world) state(id string) answer {
	w.t.Helper()
	return w.do(http.MethodGet, "/v1/uploads/"+id, readKey, nil)
}

func keysOf(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

func TestGetUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var made receipts
	w.announce(`{"order":"A12","files":["users/o1/1.jpg"]}`).into(t, 202, &made)
	id := made.Uploads[0].UploadID

	var got map[string]any
	w.state(id).into(t, 200, &got)
	require.ElementsMatch(t, []string{
		"uploadId", "fileID", "key", "owner", "state", "announcements", "revision", "steps", "orders", "createdAt", "updatedAt",
	}, keysOf(got))
	require.Equal(t, "in flight", got["state"])
	require.Equal(t, "cloud://prod."+bucket+"/users/o1/1.jpg", got["fileID"])
	require.Equal(t, "o1", got["owner"])
	require.Equal(t, []any{map[string]any{"order": "A12", "position": 0.0, "attached": false}}, got["orders"])
	steps := got["steps"].([]any)
	require.Len(t, steps, 1)
	step := steps[0].(map[string]any)
	require.ElementsMatch(t, []string{"step", "state", "gen", "updatedAt"}, keysOf(step))
	require.Equal(t, "check", step["step"])
	require.Equal(t, "pending", step["state"])

	w.state("00000000000000000000000000000000").requireError(t, 404, "NOT_FOUND")
	w.state("users%2Fo1%2F1.jpg").requireError(t, 404, "NOT_FOUND")
}

// TestGetUploadRejected: a page can tell what became of a file.
func TestGetUploadRejected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var made receipts
	w.announce(`{"files":["users/o1/1.jpg"]}`).into(t, 202, &made)
	id := made.Uploads[0].UploadID
	a, err := w.ledger.Begin(t.Context(), pipeline.Run{UploadID: id, Step: pipeline.StepCheck, Gen: 1}, "w1", time.Minute)
	require.NoError(t, err)
	_, err = w.ledger.Finish(t.Context(), a, pipeline.StepResult{
		State: pipeline.Done, Code: pipeline.CodeTypeNotAllowed, Detail: "the content is text/html",
		Result:  pipeline.CheckResult{Type: "text/html", Size: 9},
		Content: &pipeline.Content{ETag: "e", Size: 9, Facts: pipeline.Facts{Type: "text/html"}},
	})
	require.NoError(t, err)

	var got struct {
		Reason, Detail, ContentType string
		Size                        int64
		Steps                       []struct {
			Step   pipeline.Step
			State  pipeline.StepState
			Code   pipeline.Code
			Result json.RawMessage
		}
	}
	w.state(id).into(t, 200, &got)
	require.Equal(t, "TYPE_NOT_ALLOWED", got.Reason)
	require.Equal(t, "text/html", got.ContentType)
	require.Equal(t, int64(9), got.Size)
	for _, s := range got.Steps {
		switch s.Step {
		case pipeline.StepCheck:
			require.Equal(t, pipeline.Done, s.State)
			require.Equal(t, pipeline.CodeTypeNotAllowed, s.Code)
			require.JSONEq(t, `{"type":"text/html","size":9}`, string(s.Result))
		case pipeline.StepNotify:
			require.Empty(t, s.Result, "what a webhook will say is not shown twice")
		default:
			t.Fatalf("a rejected upload has no step %s", s.Step)
		}
	}
}

// TestGetUploadDead: why a step died is for the letter. Whoever may only ask for uploads
// learns neither where webhooks go nor what our databases say.
func TestGetUploadDead(t *testing.T) {
	t.Parallel()
	w := newGatedWorld(t)
	var made receipts
	w.announce(`{"files":["users/o1/1.jpg"]}`).into(t, 202, &made)
	id := made.Uploads[0].UploadID
	die := func(step pipeline.Step, why string) {
		run := pipeline.Run{UploadID: id, Step: step, Gen: 1}
		a, err := w.ledger.Begin(t.Context(), run, "w1", time.Minute)
		require.NoError(t, err)
		_, _, err = w.ledger.Bury(t.Context(), a, ledger.Death{Class: pipeline.Denied, TaskType: "t", Cause: pipeline.Errorf(pipeline.Denied, string(step), "inside.example.com", "%s", why)})
		require.NoError(t, err)
	}
	die(pipeline.StepCheck, "dial 10.0.0.5")
	die(pipeline.StepNotify, "the endpoint answered 404")

	details := func(res answer) (said map[pipeline.Step]string, whole string) {
		var got struct {
			State pipeline.State
			Steps []struct {
				Step   pipeline.Step
				State  pipeline.StepState
				Detail string
			}
		}
		res.into(t, 200, &got)
		said = map[pipeline.Step]string{}
		for _, s := range got.Steps {
			require.Equal(t, pipeline.Dead, s.State)
			said[s.Step] = s.Detail
		}
		return said, string(res.body)
	}
	said, _ := details(w.state(id))
	require.Contains(t, said[pipeline.StepCheck], "dial 10.0.0.5", "a key may know")
	require.Empty(t, said[pipeline.StepNotify], "nobody learns of endpoints here")
	_, whole := details(w.do(http.MethodGet, "/v1/uploads/"+id, token(t, "o1"), nil))
	require.NotContains(t, whole, "10.0.0.5")
	require.NotContains(t, whole, "inside.example.com")
}
