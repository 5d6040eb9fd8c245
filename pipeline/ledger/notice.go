package ledger

import (
	"time"

	"github.com/afterput/afterput/pipeline"
)

// Notice is what a notify step keeps: what to tell, as it was when it was fixed. One of
// Outcome and Order is set.
type Notice struct {
	Outcome *pipeline.Outcome     `json:"outcome,omitempty"`
	Order   *pipeline.OrderUpdate `json:"order,omitempty"`
	// Unwanted says that no endpoint subscribed when it was fixed: nobody is told.
	Unwanted bool `json:"unwanted,omitempty"`
	// At is when, in microseconds since 1970 UTC.
	At int64 `json:"at"`
}

// Event is what the endpoint gets; ok is false where the notice holds nothing.
func (n Notice) Event() (e pipeline.Event, ok bool) {
	at := time.UnixMicro(n.At).UTC()
	switch {
	case n.Outcome != nil:
		o := *n.Outcome
		o.At = at
		return o.Event(), true
	case n.Order != nil:
		u := *n.Order
		u.At = at
		return u.Event(), true
	}
	return e, false
}
