package pipeline

import "time"

// Outcome is what a webhook reports of an upload when its steps have ended. It never
// carries a temp URL.
type Outcome struct {
	UploadID string `json:"uploadId"`
	// Revision numbers the outcomes of this upload from 1.
	Revision int    `json:"revision"`
	FileID   string `json:"fileID"`
	Bucket   string `json:"bucket"`
	Key      string `json:"key"`
	Owner    string `json:"owner,omitempty"`
	// State is done, rejected, dead, discarded or gone.
	State State `json:"state"`
	// Reason is the code of a rejection, Detail says it in words.
	Reason Code   `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`

	ETag        string `json:"etag,omitempty"`
	Size        int64  `json:"size,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	Width       int    `json:"width,omitempty"`
	Height      int    `json:"height,omitempty"`
	Visibility  string `json:"visibility,omitempty"`

	Orders     []OutcomeOrder     `json:"orders,omitempty"`
	Thumbnails []OutcomeThumbnail `json:"thumbnails,omitempty"`
	// DeadSteps names the steps that need a person, for the state dead.
	DeadSteps []Step `json:"deadSteps,omitempty"`
	// At is when the outcome was fixed.
	At time.Time `json:"-"`
}

// OutcomeOrder is an order that the upload was linked to.
type OutcomeOrder struct {
	Order    string `json:"order"`
	Position *int   `json:"position,omitempty"`
	// Attached says that the order holds the fileID.
	Attached bool `json:"attached"`
}

// OutcomeThumbnail is one thumbnail that was written.
type OutcomeThumbnail struct {
	Preset string `json:"preset"`
	Key    string `json:"key"`
	// ContentType is image/jpeg or image/png.
	ContentType string `json:"contentType"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	Bytes       int    `json:"bytes"`
}

// Type is the event type of the outcome: upload.done, upload.rejected and so on.
func (o Outcome) Type() string { return "upload." + string(o.State) }
