package pipeline

import (
	"context"
	"strconv"
)

// Notify delivers an outcome to one endpoint; "" is the default one. The webhook-id is
// uploadID.revision: the same however often the delivery is tried and to whichever
// endpoint, another one for every new outcome.
func Notify(ctx context.Context, to Notifier, endpoint string, o Outcome) (StepResult, error) {
	sent, err := to.Notify(ctx, endpoint, WebhookID(o.UploadID, o.Revision), o)
	if err != nil {
		return StepResult{}, wrap(Transient, "notify.send", o.Key, err)
	}
	if !sent {
		return StepResult{State: Skipped, Detail: "nobody subscribed"}, nil
	}
	return StepResult{State: Done}, nil
}

// WebhookID names one outcome of an upload for its consumers.
func WebhookID(uploadID string, revision int) string {
	return uploadID + "." + strconv.Itoa(revision)
}
