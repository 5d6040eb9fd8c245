package cli

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// headFor is how long dead show waits for the bucket. A letter is worth showing without
// it.
const headFor = 5 * time.Second

// What the bucket says about the object of a letter.
const (
	objectThere   = "there"
	objectGone    = "gone"
	objectUnknown = "unknown"
)

// objectView is the object of a letter as the bucket has it now.
type objectView struct {
	// State is there, gone or unknown.
	State string `json:"state"`
	ETag  string `json:"etag,omitempty"`
	Size  int64  `json:"size,omitempty"`
	// Changed says that it is not what was checked: newer content.
	Changed bool `json:"changed,omitempty"`
	// Error says why it is unknown.
	Error string `json:"error,omitempty"`
}

// ledgerView is what the ledger says now.
type ledgerView struct {
	Upload pipeline.State `json:"upload"`
	Reason pipeline.Code  `json:"reason,omitempty"`
	Step   stepView       `json:"step"`
	Orders []string       `json:"orders"`
}

// lookNow adds how the object and the ledger are now, and what follows for the fix.
func (v *letterView) lookNow(ctx context.Context, w *wire.App, l pipeline.Letter) error {
	if l.UploadID == "" {
		return nil
	}
	u, err := w.Ledger.Upload(ctx, l.UploadID)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil
	}
	steps, err2 := w.Ledger.Steps(ctx, l.UploadID)
	links, err3 := w.Ledger.Links(ctx, l.UploadID)
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	v.Ledger = &ledgerView{Upload: pipeline.DeriveState(u.Reason, steps), Reason: u.Reason, Orders: []string{}}
	for _, s := range steps {
		if s.Step == l.Step && s.Scope == l.Scope {
			v.Ledger.Step = viewStep(s)
		}
	}
	for _, k := range links {
		v.Ledger.Orders = append(v.Ledger.Orders, k.Order)
	}
	v.Object = headNow(ctx, w, u)
	v.Fix = fixOf(l, v.Object.State)
	return nil
}

func headNow(ctx context.Context, w *wire.App, u pipeline.Upload) *objectView {
	ctx, cancel := context.WithTimeout(ctx, headFor)
	defer cancel()
	info, err := w.Objects.Head(ctx, u.Bucket, u.Key)
	switch {
	case err == nil:
		changed := u.Content.ETag != "" && u.Content.ETag != info.ETag
		return &objectView{State: objectThere, ETag: info.ETag, Size: info.Size, Changed: changed}
	case pipeline.ClassOf(err) == pipeline.Missing:
		return &objectView{State: objectGone}
	}
	return &objectView{State: objectUnknown, Error: err.Error()}
}

// fixOf suggests what to do about a letter. object is what the bucket says now; "" where
// nobody asked.
func fixOf(l pipeline.Letter, object string) string {
	id := strconv.FormatInt(l.ID, 10)
	again := "then: afterput dead replay " + id
	switch {
	case l.State == pipeline.LetterReplayed:
		return "wait: it was replayed and has not ended; afterput explain " + l.UploadID
	case l.State != pipeline.LetterOpen:
		return "nothing: it is " + string(l.State)
	case l.UploadID == "" && l.Class == pipeline.Invalid:
		return "nobody understood what came in at " + l.TaskType + ": announce its file with afterput enqueue KEY, then afterput dead discard " + id + " --note WHY"
	case l.UploadID == "":
		return "the task is not ours or of another version: find who enqueued it, or run the matching version"
	case object == objectGone:
		return "the object is not in the bucket: upload it again, or give up: afterput dead discard " + id + " --note WHY"
	case l.Class == pipeline.Missing && object == objectThere:
		return "the object is in the bucket now: afterput dead replay " + id
	}
	switch l.Class {
	case pipeline.Denied:
		if l.Step == pipeline.StepNotify {
			return "see with afterput hooks list and afterput hooks test that the receiver takes our webhooks, " + again
		}
		return "check the key pair's rights on the bucket, " + again
	case pipeline.Waiting:
		return "create the order " + l.Scope + ", " + again
	case pipeline.Missing:
		return "check that the object is in the bucket: it was announced and never seen; " + again
	case pipeline.Invalid:
		return "mend the data that the message names, " + again
	case pipeline.Poison, pipeline.Bug:
		return "report it with the file and the message; after an update " + again
	case pipeline.Transient, pipeline.Throttled, pipeline.Conflict, pipeline.Superseded, pipeline.Interrupted:
	}
	return "see that what the message names works again, " + again
}
