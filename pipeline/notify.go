package pipeline

import "context"

// Notify delivers an event to one endpoint; "" is the default one.
func Notify(ctx context.Context, to Notifier, endpoint string, e Event) (StepResult, error) {
	sent, err := to.Notify(ctx, endpoint, e)
	if err != nil {
		return StepResult{}, wrap(Transient, "notify.send", e.ID, err)
	}
	if !sent {
		return Unwanted(), nil
	}
	return StepResult{State: Done}, nil
}

// Unwanted is the result of telling what nobody subscribed to.
func Unwanted() StepResult { return StepResult{State: Skipped, Detail: "nobody subscribed"} }
