package producer

import (
	"net/http"

	"github.com/afterput/afterput/producer/events"
)

// postCOSEvent takes POST /v1/events/cos: the JSON of a COS trigger, as it is or through
// a topic of CMQ or TDMQ.
func (a *API) postCOSEvent(w http.ResponseWriter, r *http.Request) {
	a.takeEvents(w, r, door{"cos-event", "events/cos", events.DecodeCOS})
}

// postEventBridge takes POST /v1/events/eventbridge: CloudEvents, one or several.
func (a *API) postEventBridge(w http.ResponseWriter, r *http.Request) {
	a.takeEvents(w, r, door{"eventbridge", "events/eventbridge", events.DecodeEventBridge})
}
