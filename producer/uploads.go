package producer

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/producer/events"
)

// WebhookIDHeader names a request that its sender may repeat (Standard Webhooks). The
// same caller, path, ID and body a second time change nothing. Another body under the
// same ID is another request: answering it without keeping it would lose it.
const WebhookIDHeader = "Webhook-Id"

// inboundID names a request for the ledger: a hash of what makes it the same request.
func inboundID(r *http.Request, body []byte) string {
	id := r.Header.Get(WebhookIDHeader)
	if id == "" {
		return ""
	}
	h := sha256.New()
	for _, part := range []string{auth.Caller(r.Context()), r.URL.Path, id, string(body)} {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// postUploads takes POST /v1/uploads: an order, an owner and an ordered list of fileIDs
// or keys.
func (a *API) postUploads(w http.ResponseWriter, r *http.Request) {
	body, err := a.body(w, r)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	req, err := events.DecodeUploads(body)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if err := own(r.Context(), &req); err != nil {
		a.fail(w, r, err)
		return
	}
	drafts, err := a.announcements(req)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	receipts, err := a.accept(r.Context(), inboundID(r, body), drafts)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusAccepted, map[string]any{
		"order": req.Order, "uploads": receipts, "requestId": auth.RequestID(w),
	})
}

// own makes what an end user announces the user's own: Admit then refuses every name
// that is somebody else's. A name that says nobody's could be anybody's.
func own(ctx context.Context, req *events.Uploads) error {
	owner := auth.Owner(ctx)
	if owner == "" {
		return nil
	}
	mismatch := func(format string, args ...any) error {
		e := pipeline.Errorf(pipeline.Denied, "announce", "", format, args...)
		e.Code = pipeline.CodeOwnerMismatch
		return e
	}
	if req.Owner != "" && req.Owner != owner {
		return mismatch("the token is of another owner than the one announced")
	}
	req.Owner = owner
	for i, f := range req.Files {
		key := f.File
		if id, err := pipeline.ParseFileID(key); err == nil {
			key = id.Path
		}
		// Names that cannot be read are refused with their own code.
		if pipeline.CheckName(key) == nil && pipeline.OwnerOf(key) != owner {
			return mismatch("files[%d] is not in the folder of the token's owner", i)
		}
	}
	return nil
}

func (a *API) announcements(req events.Uploads) ([]draft, error) {
	batch := req.Batch
	if batch == "" && req.Order != "" {
		batch = rand.Text()
	}
	drafts := make([]draft, 0, len(req.Files))
	for _, f := range req.Files {
		ann, err := a.named(f.File)
		if err != nil {
			return nil, err
		}
		ann.Owner, ann.Order, ann.Position, ann.Source = req.Owner, req.Order, f.Position, "api"
		if req.Order != "" {
			ann.Batch = batch
		}
		drafts = append(drafts, draft{Announcement: ann, placed: !f.Chosen && len(req.Files) == 1})
	}
	return drafts, nil
}

// named finds the object that a fileID or a plain key means. A key is one of the
// default bucket.
func (p *Producer) named(file string) (pipeline.Announcement, error) {
	if !events.LooksLikeFileID(file) {
		b := p.opt.Buckets[0]
		return pipeline.Announcement{Bucket: b.Name, Key: file}, nil
	}
	id, err := pipeline.ParseFileID(file)
	if err != nil {
		return pipeline.Announcement{}, err
	}
	b, key, err := p.opt.Buckets.Locate(id)
	if err != nil {
		return pipeline.Announcement{}, err
	}
	return pipeline.Announcement{Bucket: b.Name, Key: key, FileID: id.String()}, nil
}

// Named is named for callers outside of HTTP, such as the command line.
func (p *Producer) Named(file string) (pipeline.Announcement, error) { return p.named(file) }
