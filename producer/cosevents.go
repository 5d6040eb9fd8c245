package producer

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/producer/events"
)

// headTimeout bounds how long the choice between the names of all records of an event
// may take; after it the first name is taken.
const headTimeout = 2 * time.Second

// eventResult tells what became of one record of an event.
type eventResult struct {
	Key      string        `json:"key"`
	UploadID string        `json:"uploadId,omitempty"`
	Status   string        `json:"status"` // accepted, duplicate, ignored or refused
	Code     pipeline.Code `json:"code,omitempty"`
	Message  string        `json:"message,omitempty"`
}

// postCOSEvent takes POST /v1/events/cos: the JSON of a COS trigger. Records that do
// not concern us are answered as ignored or refused with 202 all the same, because
// sending them again would change nothing.
func (a *API) postCOSEvent(w http.ResponseWriter, r *http.Request) {
	body, err := a.body(w, r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	evs, err := events.DecodeCOS(body)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	heads, cancel := context.WithTimeout(r.Context(), headTimeout)
	defer cancel()
	results := make([]eventResult, len(evs))
	var anns []pipeline.Announcement
	var from []int
	for i, e := range evs {
		ann, res := a.fromEvent(heads, e)
		results[i] = res
		if res.Status == "" {
			anns, from = append(anns, ann), append(from, i)
		}
	}
	if len(anns) > 0 {
		receipts, err := a.Accept(r.Context(), inboundID(r, body), anns)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		for n, rc := range receipts {
			status := "duplicate"
			if rc.New {
				status = "accepted"
			}
			results[from[n]] = eventResult{Key: rc.Key, UploadID: rc.UploadID, Status: status}
		}
	}
	writeJSON(w, http.StatusAccepted, map[string]any{"results": results, "requestId": auth.RequestID(w)})
}

// fromEvent makes the announcement of a record, or says why there is none.
func (a *API) fromEvent(ctx context.Context, e events.Event) (pipeline.Announcement, eventResult) {
	res := eventResult{Message: e.Note}
	if len(e.Keys) > 0 {
		res.Key = e.Keys[0]
	}
	switch {
	case e.Unreadable:
		res.Status, res.Code = "refused", codeUnreadableRecord
		return pipeline.Announcement{}, res
	case !e.Created && !e.Removed:
		res.Status = "ignored"
		return pipeline.Announcement{}, res
	}
	ann, err := a.Admit(pipeline.Announcement{
		Bucket: e.Bucket, Key: a.choose(ctx, e), Order: e.Order, Position: e.Position, Batch: e.Batch,
		Source: "cos-event", Removed: e.Removed,
	})
	res.Key = ann.Key
	if err == nil {
		return ann, res
	}
	res.Code, res.Message, res.Status = pipeline.CodeOf(err), err.Error(), "refused"
	if res.Code == pipeline.CodeDerivative {
		res.Status = "ignored"
	}
	return ann, res
}

// choose finds the name that an event means: events may carry a name percent-encoded
// or not, so that the bucket decides. A removed object cannot be asked for, and a bucket
// that is not ours never is.
func (a *API) choose(ctx context.Context, e events.Event) string {
	if _, ours := a.opt.Buckets.ByName(e.Bucket); !ours || len(e.Keys) == 1 || e.Removed {
		return e.Keys[0]
	}
	for _, key := range e.Keys {
		_, err := a.opt.Objects.Head(ctx, e.Bucket, key)
		if err == nil {
			a.opt.Logger.InfoContext(ctx, "chose the name of an event", "key", key, "of", e.Keys)
			return key
		}
		if pipeline.ClassOf(err) != pipeline.Missing && !errors.Is(err, context.Canceled) {
			a.opt.Logger.WarnContext(ctx, "could not ask for the name of an event", "key", key, "error", err)
		}
	}
	return e.Keys[0]
}
