package pipeline

import (
	"encoding/json"
	"time"
)

// Step is one of the five things that happen to an upload.
type Step string

// The steps in the order of an upload's life.
const (
	StepCheck     Step = "check"
	StepThumbnail Step = "thumbnail"
	StepAttach    Step = "attach"
	StepWarm      Step = "warm"
	StepNotify    Step = "notify"
)

// Steps lists the five steps in the order of an upload's life.
func Steps() []Step {
	return []Step{StepCheck, StepThumbnail, StepAttach, StepWarm, StepNotify}
}

// StepState is the state of one step of one upload.
type StepState string

// The states of a step.
const (
	Pending   StepState = "pending"
	Done      StepState = "done"
	Skipped   StepState = "skipped"
	Dead      StepState = "dead"
	Discarded StepState = "discarded"
)

// StepRecord is a row of the ledger: one step of one upload.
type StepRecord struct {
	UploadID string
	Step     Step
	// Scope is the order for attach, the endpoint for notify ("" is the default one) or
	// OrderScope where an order is what it tells of, "" for the other steps.
	Scope string
	// Gen numbers the wishes to run this step; it rises with every new wish.
	Gen int
	// State is where the step stands.
	State StepState
	// Code is the machine-readable reason where the step refused the upload.
	Code Code
	// Detail says Code, or why it was skipped, in words.
	Detail string
	// ReadyAt is when a pending step may run; zero for at once.
	ReadyAt time.Time
	// Result is what the step left behind, as JSON: see the step's result type.
	Result json.RawMessage
	// UpdatedAt is when the row last changed.
	UpdatedAt time.Time
}

// State is the state of an upload, derived from its steps.
type State string

// The states of an upload.
const (
	InFlight          State = "in flight"
	UploadDone        State = "done"
	UploadRejected    State = "rejected"
	UploadDead        State = "dead"
	UploadDiscarded   State = "discarded"
	UploadGone        State = "gone"
	uploadUnannounced State = ""
)

// DeriveState is the one place that says where an upload stands.
//
// A pending step makes it in flight; else a dead step dead; else a discarded step
// discarded; else OBJECT_GONE gone; else a code on the upload or on one of its steps
// rejected; else all steps are done or skipped: done.
func DeriveState(reason Code, steps []StepRecord) State {
	if len(steps) == 0 {
		return uploadUnannounced
	}
	seen := make(map[StepState]bool, 5)
	refused := reason != ""
	for _, s := range steps {
		seen[s.State] = true
		refused = refused || s.Code != ""
	}
	switch {
	case seen[Pending]:
		return InFlight
	case seen[Dead]:
		return UploadDead
	case seen[Discarded]:
		return UploadDiscarded
	case reason == CodeObjectGone:
		return UploadGone
	case refused:
		return UploadRejected
	}
	return UploadDone
}

// OutcomeState is DeriveState over every step but notify: what a webhook reports.
func OutcomeState(reason Code, steps []StepRecord) State {
	rest := make([]StepRecord, 0, len(steps))
	for _, s := range steps {
		if s.Step != StepNotify {
			rest = append(rest, s)
		}
	}
	return DeriveState(reason, rest)
}

// Run names one execution wish of a step.
type Run struct {
	UploadID string
	Step     Step
	// Scope is the order for attach, the endpoint for notify ("" is the default one) or
	// OrderScope where an order is what it tells of, "" for the other steps.
	Scope string
	// Gen numbers the wish.
	Gen int
}

// Wish is a run that wants a task in the queue.
type Wish struct {
	Run
	// Bucket is the bucket of the object; warm tasks are one for a bucket.
	Bucket string
	// ReadyAt is when it may start; zero for now.
	ReadyAt time.Time
}

// StepResult is how a run of a step ended when it did not fail.
type StepResult struct {
	// State is Done or Skipped.
	State StepState
	// Code rejects the upload; empty where the step is content.
	Code Code
	// Detail says Code, or why it was skipped, in words.
	Detail string
	// Result is kept in the ledger as JSON; nil keeps nothing.
	Result any
	// Content is what a check found; nil for the other steps.
	Content *Content
}
