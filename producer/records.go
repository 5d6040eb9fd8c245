package producer

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/producer/events"
)

// headTimeout bounds how long the choice between the names of all records of an event
// may take; after it the first name is taken.
const headTimeout = 2 * time.Second

// door is a way in for events of objects.
type door struct {
	// source is what announcements that come in here have as their source, path names the
	// door in letters.
	source, path string
	decode       func([]byte) ([]events.Event, error)
}

// eventResult tells what became of one record of an event.
type eventResult struct {
	Key      string        `json:"key"`
	UploadID string        `json:"uploadId,omitempty"`
	Status   string        `json:"status"` // accepted, duplicate, ignored or refused
	Code     pipeline.Code `json:"code,omitempty"`
	Message  string        `json:"message,omitempty"`
	// Order is the order that the file is for; empty for none.
	Order string `json:"order,omitempty"`
	// Conflicts says where the sources of order, owner and position disagree.
	Conflicts []string `json:"conflicts,omitempty"`
	// Letter is the dead letter that keeps a record which could not be understood.
	Letter int64 `json:"letter,omitempty"`
}

// takeEvents takes the records of an event. Those that do not concern us are answered as
// ignored or refused with 202 all the same, because sending them again would change
// nothing; those that nobody understands are kept as letters.
func (a *API) takeEvents(w http.ResponseWriter, r *http.Request, in door) {
	body, err := a.body(w, r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	evs, err := in.decode(body)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	results, err := a.take(r.Context(), in, inboundID(r, body), evs)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusAccepted, map[string]any{"results": results, "requestId": auth.RequestID(w)})
}

// take commits what concerns us of some records and says what became of each.
func (a *API) take(ctx context.Context, in door, inboundID string, evs []events.Event) ([]eventResult, error) {
	results, drafts, from, err := a.drafts(ctx, in, evs)
	if err != nil {
		return nil, err
	}
	leave, err := a.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := a.complete(ctx, drafts); err != nil {
		return nil, err
	}
	var good []draft
	var admitted []pipeline.Announcement
	var place []int
	for n, d := range drafts {
		ann, err := a.Admit(d.Announcement)
		if err != nil {
			results[from[n]].refuse(ann.Key, err)
			continue
		}
		good, admitted, place = append(good, d), append(admitted, ann), append(place, from[n])
	}
	if len(good) == 0 {
		return results, nil
	}
	receipts, err := a.commit(ctx, inboundID, good, admitted)
	if err != nil {
		return nil, err
	}
	for n, rc := range receipts {
		status := "duplicate"
		if rc.New {
			status = "accepted"
		}
		results[place[n]] = eventResult{
			Key: rc.Key, UploadID: rc.UploadID, Status: status, Order: rc.Order, Conflicts: rc.Conflicts,
			Message: results[place[n]].Message,
		}
	}
	return results, nil
}

// drafts makes the announcements of the records that are about objects; from says which
// record each is of. What could not be understood becomes a letter first, so that a
// request is never answered with one that is lost.
func (a *API) drafts(ctx context.Context, in door, evs []events.Event) (results []eventResult, drafts []draft, from []int, err error) {
	heads, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	results = make([]eventResult, len(evs))
	for i, e := range evs {
		results[i].Message = e.Note
		if len(e.Keys) > 0 {
			results[i].Key = e.Keys[0]
		}
		switch {
		case e.Unreadable:
			if err := a.keep(ctx, in, e, &results[i]); err != nil {
				return nil, nil, nil, err
			}
		case !e.Created && !e.Removed:
			results[i].Status = "ignored"
		default:
			key := ""
			if e.Removed {
				key, err = a.announcedAs(ctx, e)
			} else {
				key = a.choose(heads, e)
			}
			if err != nil {
				return nil, nil, nil, err
			}
			drafts = append(drafts, draft{meta: e, Announcement: pipeline.Announcement{
				Bucket: e.Bucket, Key: key, Source: in.source, Removed: e.Removed,
			}})
			from = append(from, i)
		}
	}
	return results, drafts, from, nil
}

// keep makes a letter of what could not be understood.
func (a *API) keep(ctx context.Context, in door, e events.Event, res *eventResult) error {
	leave, err := a.enter()
	if err != nil {
		return err
	}
	defer leave()
	cause := pipeline.Errorf(pipeline.Invalid, in.source, "", "%s", e.Note)
	cause.Code = codeUnreadableRecord
	id, err := a.opt.Ledger.BuryBody(ctx, in.path, e.Raw, cause)
	if err != nil {
		return err
	}
	a.opt.Logger.ErrorContext(ctx, "could not understand what came in: it is kept as a letter",
		"door", in.path, "letter", id, "error", cause, "caller", auth.Caller(ctx))
	res.Status, res.Code, res.Letter = "refused", codeUnreadableRecord, id
	return nil
}

func (res *eventResult) refuse(key string, err error) {
	res.Key, res.Code, res.Message, res.Status = key, pipeline.CodeOf(err), err.Error(), "refused"
	if res.Code == pipeline.CodeDerivative {
		res.Status = "ignored"
	}
}

// announcedAs finds the name that the removal of an object means. The object cannot be asked
// for, so that the ledger decides, by what was announced.
func (a *API) announcedAs(ctx context.Context, e events.Event) (string, error) {
	if len(e.Keys) == 1 {
		return e.Keys[0], nil
	}
	leave, err := a.enter()
	if err != nil {
		return "", err
	}
	defer leave()
	ids := make([]string, len(e.Keys))
	for i, key := range e.Keys {
		ids[i] = pipeline.UploadID(e.Bucket, key)
	}
	known, err := a.opt.Ledger.UploadsByID(ctx, ids)
	if err != nil {
		return "", err
	}
	for i, key := range e.Keys {
		if _, ok := known[ids[i]]; ok {
			return key, nil
		}
	}
	return e.Keys[0], nil
}

// choose finds the name that an event means: events may carry a name percent-encoded
// or not, so that the bucket decides. A bucket that is not ours is never asked.
func (a *API) choose(ctx context.Context, e events.Event) string {
	if _, ours := a.opt.Buckets.ByName(e.Bucket); !ours || len(e.Keys) == 1 {
		return e.Keys[0]
	}
	for _, key := range e.Keys {
		if ctx.Err() != nil {
			break // the time for all records is over
		}
		_, err := a.opt.Objects.Head(ctx, e.Bucket, key)
		if err == nil {
			a.opt.Logger.InfoContext(ctx, "chose the name of an event", "key", key, "of", e.Keys)
			return key
		}
		if pipeline.ClassOf(err) != pipeline.Missing && !errors.Is(err, context.Canceled) {
			a.seldom.Line(ctx, slog.LevelWarn, "name", "could not ask for the name of an event", "key", key, "error", err)
		}
	}
	return e.Keys[0]
}
