package worker

import (
	"context"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// End is how one attempt ended, as the ledger has it.
type End struct {
	// Step is empty for a task that nobody can read.
	Step pipeline.Step
	// State is where the step stands: done, skipped, dead, or pending where it will be tried
	// again or where a newer run took over.
	State pipeline.StepState
	// Code is the reason where the step refused the upload.
	Code pipeline.Code
	// Class says why the attempt failed; empty where it did not.
	Class pipeline.Class
	// Took is how long the attempt ran.
	Took time.Duration
	// Late is the time since what made the run necessary was announced, whichever process
	// took the announcement: by its clock then and by this one now. 0 where nobody knows.
	Late time.Duration
}

// tell tells how an attempt ended.
func (h *handler) tell(ctx context.Context, a *ledger.OpenAttempt, state pipeline.StepState, code pipeline.Code, class pipeline.Class) {
	if h.ended == nil {
		return
	}
	now := h.now()
	e := End{Step: a.Step, State: state, Code: code, Class: class, Took: max(now.Sub(a.StartedAt), 0)}
	if !a.Asked.IsZero() {
		e.Late = max(now.Sub(a.Asked), 1) // 0 is for nobody knows
	}
	h.ended(ctx, e)
}
