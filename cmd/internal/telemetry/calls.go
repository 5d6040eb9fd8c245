package telemetry

import (
	"context"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
	"github.com/afterput/afterput/pipeline/objects"
)

// objectCalls are the metrics of requests to COS.
type objectCalls struct {
	count *prometheus.CounterVec
	took  *prometheus.HistogramVec
}

func newObjectCalls(reg prometheus.Registerer) *objectCalls {
	c := &objectCalls{
		count: counter(reg, "object_requests_total",
			"Requests to the object store, by operation and status; none where no answer came.", "op", "code"),
		took: histogram(reg, "object_request_duration_seconds",
			"Time until the object store began to answer.", calling, "op"),
	}
	for _, op := range objects.Ops() {
		c.count.WithLabelValues(op, "200")
		c.took.WithLabelValues(op)
	}
	return c
}

// ObjectCall counts a request to COS. It is for objects.Options.Observe.
func (m *Metrics) ObjectCall(ctx context.Context, c objects.Call) {
	m.objects.count.WithLabelValues(c.Op, codeOf(c.Status)).Inc()
	observe(ctx, m.objects.took.WithLabelValues(c.Op), c.Took)
}

// codeOf is the label of a status: those that have a name, others by their class.
func codeOf(status int) string {
	switch {
	case status == 0:
		return "none"
	case http.StatusText(status) != "":
		return strconv.Itoa(status)
	case status >= 100 && status < 600:
		return strconv.Itoa(status/100) + "xx"
	}
	return "other"
}

// delivered is the outcome of a webhook that the endpoint took.
const delivered = "delivered"

// webhooks are the metrics of deliveries.
type webhooks struct {
	count *prometheus.CounterVec
	took  *prometheus.HistogramVec
}

func newWebhooks(reg prometheus.Registerer) *webhooks {
	return &webhooks{
		count: counter(reg, "webhook_deliveries_total",
			"Webhooks sent, by endpoint: delivered, or the class of the failure.", "endpoint", "outcome"),
		took: histogram(reg, "webhook_delivery_duration_seconds",
			"Time from dialing an endpoint to the end of its answer.", calling, "endpoint"),
	}
}

// Endpoint makes the metrics of an endpoint appear before anything was sent to it.
func (m *Metrics) Endpoint(name string) {
	for _, outcome := range []string{delivered, string(pipeline.Transient), string(pipeline.Throttled), string(pipeline.Denied)} {
		m.webhooks.count.WithLabelValues(name, outcome)
	}
	m.webhooks.took.WithLabelValues(name)
}

// Delivery counts a webhook that was sent. It is for hooks.Options.Observe.
func (m *Metrics) Delivery(ctx context.Context, d hooks.Delivery) {
	outcome := delivered
	if d.Class != "" {
		outcome = string(d.Class)
	}
	m.webhooks.count.WithLabelValues(d.Endpoint, outcome).Inc()
	observe(ctx, m.webhooks.took.WithLabelValues(d.Endpoint), d.Took)
}

const (
	hit  = "hit"
	miss = "miss"
)

func newLookups(reg prometheus.Registerer) *prometheus.CounterVec {
	c := counter(reg, "tempurl_lookups_total", "Files whose URL was asked for, by whether the cache had it.", "result")
	c.WithLabelValues(hit)
	c.WithLabelValues(miss)
	return c
}

// Lookup counts files that the cache of URLs had and had not. It is for
// tempurl.Options.Observe.
func (m *Metrics) Lookup(_ context.Context, hits, misses int) {
	m.urls.WithLabelValues(hit).Add(float64(hits))
	m.urls.WithLabelValues(miss).Add(float64(misses))
}
