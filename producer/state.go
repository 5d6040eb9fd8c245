package producer

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/auth"
)

// uploadView is the answer of GET /v1/uploads/{id}.
type uploadView struct {
	UploadID      string                  `json:"uploadId"`
	FileID        string                  `json:"fileID"`
	Key           string                  `json:"key"`
	Owner         string                  `json:"owner,omitempty"`
	State         pipeline.State          `json:"state"`
	Reason        pipeline.Code           `json:"reason,omitempty"`
	Detail        string                  `json:"detail,omitempty"`
	Announcements int                     `json:"announcements"`
	Revision      int                     `json:"revision"`
	ContentType   string                  `json:"contentType,omitempty"`
	Size          int64                   `json:"size,omitempty"`
	Width         int                     `json:"width,omitempty"`
	Height        int                     `json:"height,omitempty"`
	Visibility    pipeline.Visibility     `json:"visibility,omitempty"`
	Steps         []stepView              `json:"steps"`
	Orders        []pipeline.OutcomeOrder `json:"orders,omitempty"`
	CreatedAt     time.Time               `json:"createdAt"`
	UpdatedAt     time.Time               `json:"updatedAt"`
}

type stepView struct {
	Step      pipeline.Step      `json:"step"`
	Order     string             `json:"order,omitempty"`
	State     pipeline.StepState `json:"state"`
	Gen       int                `json:"gen"`
	Code      pipeline.Code      `json:"code,omitempty"`
	Detail    string             `json:"detail,omitempty"`
	Result    json.RawMessage    `json:"result,omitempty"`
	UpdatedAt time.Time          `json:"updatedAt"`
}

// getUpload answers GET /v1/uploads/{id}.
func (a *API) getUpload(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	u, err := a.opt.Ledger.Upload(ctx, r.PathValue("id"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if owner := auth.Owner(ctx); owner != "" && owner != u.Owner {
		// As if it were not there: an end user learns nothing of others.
		a.fail(w, r, ledger.ErrNotFound)
		return
	}
	steps, err := a.opt.Ledger.Steps(ctx, u.ID)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	links, err := a.opt.Ledger.Links(ctx, u.ID)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	v := uploadView{
		UploadID: u.ID, FileID: u.FileID, Key: u.Key, Owner: u.Owner, State: pipeline.DeriveState(u.Reason, steps),
		Reason: u.Reason, Detail: u.Detail, Announcements: u.Announcements, Revision: u.Revision,
		ContentType: u.Content.Type, Size: u.Content.Size, Width: u.Content.Width, Height: u.Content.Height,
		Visibility: u.Content.Visibility, Steps: make([]stepView, 0, len(steps)), CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	for _, s := range steps {
		v.Steps = append(v.Steps, viewOf(s, auth.Owner(ctx) != ""))
	}
	for _, k := range links {
		v.Orders = append(v.Orders, pipeline.OutcomeOrder{Order: k.Order, Position: k.Position, Attached: k.Attached})
	}
	writeJSON(w, http.StatusOK, v)
}

// viewOf is what a caller sees of a step. Why one died stands in its letter, with names of
// hosts and words of databases that are not an end user's to know.
func viewOf(s pipeline.StepRecord, user bool) stepView {
	v := stepView{
		Step: s.Step, Order: s.Scope, State: s.State, Gen: s.Gen, Code: s.Code, Detail: s.Detail, Result: s.Result, UpdatedAt: s.UpdatedAt,
	}
	if s.Step == pipeline.StepNotify {
		v.Order, v.Result = "", nil // its scope is an endpoint, which is no caller's to know
	}
	if s.State == pipeline.Dead && (user || s.Step == pipeline.StepNotify) {
		v.Detail = ""
	}
	return v
}
