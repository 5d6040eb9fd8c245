package hooks

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// Event is the body of a webhook, with the data of its type: a pipeline.Outcome for
// upload.done and its like, a pipeline.OrderUpdate for order.updated.
type Event[T any] struct {
	// Type is upload.done, upload.rejected and so on, or order.updated.
	Type string `json:"type"`
	// Timestamp is when the event was fixed: RFC 3339, UTC, whole seconds, so that it
	// is the same text before and after it went through a database.
	Timestamp string `json:"timestamp"`
	Data      T      `json:"data"`
}

// Body is the body that tells of e: the same bytes for the same event.
func Body(e pipeline.Event) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(Event[any]{Type: e.Type, Timestamp: e.At.UTC().Format(time.RFC3339), Data: e.Data})
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}
