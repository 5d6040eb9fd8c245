package producer

import (
	"context"
	"net/http"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/producer/events"
)

// sourceCallback is the source of announcements by callbacks.
const sourceCallback = "cos-callback"

// callbackAnswer is what COS hands on to the uploader.
type callbackAnswer struct {
	eventResult
	FileID    string `json:"fileID,omitempty"`
	RequestID string `json:"requestId"`
}

// postCallback takes POST /v1/callbacks/cos: COS calls it when an upload is complete, and
// hands the answer on to the uploader. The token in the URL is all that proves it, and the
// uploader, who sends it, may have sent this as well: the body is the uploader's word, weighs
// as little as the headers of an upload, and the check reads the object in any case.
//
// The answer is 200 and not 202, because no document says what else COS takes for success.
func (a *API) postCallback(w http.ResponseWriter, r *http.Request) {
	grant, err := a.callbackGrant(r)
	if tooMany := a.keys.Rate(r, callbackCaller(grant)); tooMany != nil {
		err = tooMany
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	body, err := a.body(w, r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	answer, err := a.callback(r.Context(), grant, r.Header.Get("Content-Type"), body)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	answer.RequestID = auth.RequestID(w)
	status := http.StatusOK
	if answer.UploadID == "" {
		status = http.StatusAccepted // only a letter was made of it
	}
	writeJSON(w, status, answer)
}

// callbackGrant gives what the token in the URL permits.
func (a *API) callbackGrant(r *http.Request) (events.CallbackGrant, error) {
	tokens := r.URL.Query()[events.CallbackParam]
	if len(tokens) != 1 {
		tokens = []string{""} // two would be read differently by a proxy and by us
	}
	return events.VerifyCallback(a.opt.CallbackSecret, tokens[0], a.opt.Now())
}

// callbackCaller is whom the rate of callbacks with a grant is counted by. All callbacks
// come from the addresses of COS, so an address says nothing of who causes them: a grant
// for one object or one owner's folder is counted by itself, as an end user is, and wider
// ones, which a service keeps, together, as a key is. Without a grant it is nobody.
func callbackCaller(g events.CallbackGrant) auth.Identity {
	caller := auth.Identity{}
	if g.Bucket == "" {
		return caller
	}
	caller.Name = "callback:" + g.Bucket
	if owner := pipeline.OwnerOf(g.Prefix + "x"); g.Key != "" || owner != "" {
		caller.Grant = g.Bucket + "/" + g.Key + g.Prefix
	}
	return caller
}

// callback announces the object. A body that cannot be understood is kept as a letter; a
// token for one key says all the same which object it was.
func (a *API) callback(ctx context.Context, grant events.CallbackGrant, contentType string, body []byte) (callbackAnswer, error) {
	var answer callbackAnswer
	in := door{source: sourceCallback, path: "callbacks/cos"}
	e, err := events.DecodeCallback(contentType, body)
	if err != nil {
		unread := events.Event{Raw: body, Note: err.Error()}
		if err := a.keep(ctx, in, unread, &answer.eventResult); err != nil {
			return answer, err
		}
		answer.Message = unread.Note
	}
	ann := pipeline.Announcement{Bucket: grant.Bucket, Key: grant.Key, Source: in.source}
	if e.Note != "" {
		answer.Message = e.Note
	}
	if ann.Key, err = a.callbackKey(ctx, grant, e); err != nil || ann.Key == "" {
		return answer, err
	}
	receipts, err := a.accept(ctx, "", []draft{{Announcement: ann, meta: e}})
	if err != nil {
		return answer, err
	}
	rc := receipts[0]
	answer.Key, answer.UploadID, answer.FileID, answer.Status = rc.Key, rc.UploadID, rc.FileID, "duplicate"
	answer.Order, answer.Conflicts = rc.Order, rc.Conflicts
	if rc.New {
		answer.Status = "accepted"
	}
	return answer, nil
}

// callbackKey finds the object that a callback is about, within its grant: "" where the
// body was not understood and the grant is for many.
func (a *API) callbackKey(ctx context.Context, grant events.CallbackGrant, e events.Event) (string, error) {
	mismatch := func(why string) (string, error) {
		err := pipeline.Errorf(pipeline.Denied, "cos callback", "", "%s", why)
		err.Code = codeCallbackMismatch
		return "", err
	}
	if e.Bucket != "" && e.Bucket != grant.Bucket {
		return mismatch("the token is for another bucket")
	}
	var allowed []string
	for _, key := range e.Keys {
		if grant.Allows(grant.Bucket, key) {
			allowed = append(allowed, key)
		}
	}
	switch {
	case len(allowed) > 0:
		e.Bucket, e.Keys = grant.Bucket, allowed
		ctx, cancel := context.WithTimeout(ctx, headTimeout)
		defer cancel()
		return a.choose(ctx, e), nil
	case len(e.Keys) > 0:
		return mismatch("the token is for another object")
	case grant.Key != "":
		return grant.Key, nil
	case e.Created:
		err := pipeline.Errorf(pipeline.Invalid, "cos callback", "object", "the body names no object, and the token is for many")
		err.Code = events.CodeMissingField
		return "", err
	}
	return "", nil
}
