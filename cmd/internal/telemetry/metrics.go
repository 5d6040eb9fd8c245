package telemetry

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"
)

// namespace begins the name of every metric of ours.
const namespace = "afterput"

// Metrics holds the metrics of one process. Its methods are safe for concurrent use.
type Metrics struct {
	reg *prometheus.Registry

	steps    *steps
	objects  *objectCalls
	webhooks *webhooks
	urls     *prometheus.CounterVec
	doors    *doors
	redis    *redisCalls
}

// New makes the metrics of a process.
func New() *Metrics {
	m := &Metrics{reg: prometheus.NewRegistry()}
	m.reg.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(),
	)
	m.steps = newSteps(m.reg)
	m.objects = newObjectCalls(m.reg)
	m.webhooks = newWebhooks(m.reg)
	m.urls = newLookups(m.reg)
	m.doors = newDoors(m.reg)
	m.redis = newRedisCalls(m.reg)
	return m
}

// scrapeTimeout bounds one answer of Handler. The questions to Redis and the ledger have
// less, so that a scrape is never lost to them.
const scrapeTimeout = 8 * time.Second

// Handler answers scrapes: the text format, or OpenMetrics with exemplars for who asks for
// it. It lets in anybody: guard it.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.reg, promhttp.HandlerOpts{
		EnableOpenMetrics: true, MaxRequestsInFlight: 4, Timeout: scrapeTimeout, ErrorHandling: promhttp.ContinueOnError,
	})
}

// Gatherer gives the metrics themselves.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.reg }

// counter makes counters and registers them.
func counter(reg prometheus.Registerer, name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	reg.MustRegister(c)
	return c
}

// histogram makes histograms of seconds and registers them.
func histogram(reg prometheus.Registerer, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
	reg.MustRegister(h)
	return h
}

// Buckets in seconds: of what people wait for, 10 ms to 10 min; of calls to others, 5 ms
// to 1 min; and of Redis, 0.5 ms to 2.5 s.
var (
	patient = []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600}
	calling = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	quick   = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}
)

// observe adds a duration to a histogram, with the trace that it is an example of.
func observe(ctx context.Context, h prometheus.Observer, d time.Duration) {
	if id := traceID(ctx); id != "" {
		if e, ok := h.(prometheus.ExemplarObserver); ok {
			e.ObserveWithExemplar(d.Seconds(), prometheus.Labels{"trace_id": id})
			return
		}
	}
	h.Observe(d.Seconds())
}

// traceID gives the trace that a context belongs to, or "" where nobody keeps it.
func traceID(ctx context.Context) string {
	if s := trace.SpanContextFromContext(ctx); s.IsSampled() && s.HasTraceID() {
		return s.TraceID().String()
	}
	return ""
}
