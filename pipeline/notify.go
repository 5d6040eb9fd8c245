package pipeline

import (
	"context"
	"strconv"
)

// Notify delivers an outcome. The webhook-id is uploadID.revision: the same however
// often the delivery is tried, another one for every new outcome.
func Notify(ctx context.Context, to Notifier, o Outcome) (StepResult, error) {
	sent, err := to.Notify(ctx, WebhookID(o.UploadID, o.Revision), o)
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
