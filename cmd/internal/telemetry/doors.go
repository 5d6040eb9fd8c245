package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// nowhere is the route of requests that no door took.
const nowhere = "other"

// doors are the metrics of the HTTP side.
type doors struct {
	count  *prometheus.CounterVec
	took   *prometheus.HistogramVec
	flying prometheus.Gauge
}

func newDoors(reg prometheus.Registerer) *doors {
	d := &doors{
		count: counter(reg, "http_requests_total", "Answers of the HTTP side, by route and status.", "route", "code"),
		took: histogram(reg, "http_request_duration_seconds",
			"Time from the header of a request to the end of its answer, by route.", patient, "route"),
		flying: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "http_requests_in_flight", Help: "Requests that are being answered now.",
		}),
	}
	reg.MustRegister(d.flying)
	return d
}

// Doors counts and times what next answers. The route is the pattern of the ServeMux that
// next has inside, so that nobody makes new ones.
func (m *Metrics) Doors(next http.Handler) http.Handler {
	d := m.doors
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, began := r.Context(), time.Now()
		d.flying.Inc()
		rec := &recorder{ResponseWriter: w, request: r}
		defer func() {
			d.flying.Dec()
			route, status := r.Pattern, rec.status
			if route == "" || route == "/" {
				route = nowhere
			}
			if status == 0 {
				status = http.StatusOK
			}
			d.count.WithLabelValues(route, codeOf(status)).Inc()
			observe(ctx, d.took.WithLabelValues(route), time.Since(began))
		}()
		next.ServeHTTP(rec, r)
	})
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	request *http.Request
	status  int
}

// Unwrap lets http.ResponseController find what else the writer can do.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	if status == http.StatusRequestEntityTooLarge && r.request.ProtoMajor == 1 {
		// http.MaxBytesReader cannot tell the server through us that the rest of the body
		// is not wanted.
		r.Header().Set("Connection", "close")
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}
