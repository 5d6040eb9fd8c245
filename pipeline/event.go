package pipeline

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// OrderUpdated is the type of the event that an OrderUpdate makes.
const OrderUpdated = "order.updated"

// Event is one thing to tell a subscriber.
type Event struct {
	// ID is the webhook-id: the same however often the event is delivered and to whichever
	// endpoint, another one for every new revision.
	ID string
	// Type is upload.done, upload.rejected and so on, or order.updated.
	Type string
	// At is when it was fixed.
	At time.Time
	// Data is what to tell: an Outcome or an OrderUpdate.
	Data any
}

// Notifier delivers an event to one endpoint; "" is the default one. sent is false where
// nobody subscribed.
type Notifier interface {
	Notify(ctx context.Context, endpoint string, e Event) (sent bool, err error)
}

// Event is what subscribers get of an outcome. Its ID is uploadID.revision.
func (o Outcome) Event() Event {
	return Event{ID: WebhookID(o.UploadID, o.Revision), Type: o.Type(), At: o.At, Data: o}
}

// OrderUpdate is the array of an order that an attach changed.
type OrderUpdate struct {
	// Order is the business's ID of the order.
	Order string `json:"order"`
	// Revision counts the updates of the order from 1.
	Revision int `json:"revision"`
	// Owner is the order's own; empty where the order names none.
	Owner string `json:"owner,omitempty"`
	// FileIDs are the whole array in its order, entries of the business included; never
	// nil.
	FileIDs []string `json:"fileIDs"`
	// At is when the write was recorded.
	At time.Time `json:"-"`
}

// Event is what subscribers of order.updated get. Its ID is ord_{hash of the order}.revision,
// which no upload has.
func (u OrderUpdate) Event() Event {
	return Event{ID: WebhookID("ord_"+OrderHash(u.Order), u.Revision), Type: OrderUpdated, At: u.At, Data: u}
}

// WebhookID names one revision of an upload's outcome, or of an order, for its consumers.
func WebhookID(id string, revision int) string {
	return id + "." + strconv.Itoa(revision)
}

// OrderScope is the scope of a notify run that tells an endpoint of an order. The scope of
// one that tells it of an outcome is the endpoint alone. Names of endpoints have no slash.
func OrderScope(endpoint, order string) string { return endpoint + "/" + order }

// EndpointOf gives the endpoint of a notify run's scope; "" is the default one.
func EndpointOf(scope string) string {
	endpoint, _, _ := strings.Cut(scope, "/")
	return endpoint
}
