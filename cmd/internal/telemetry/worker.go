package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/afterput/afterput/pipeline/thumb"
	"github.com/afterput/afterput/worker"
)

// repairs shows what sweep and recovery have put right.
type repairs struct {
	counts func() map[worker.Repair]int64
	total  *prometheus.Desc
}

// Worker shows what the worker of this process does: what its sweep and recovery have put
// right, and its thumbnail engine. A second worker takes the place of the first.
func (m *Metrics) Worker(counts func() map[worker.Repair]int64, e *thumb.Engine) {
	for _, c := range []prometheus.Collector{newRepairs(counts), newEngine(e)} {
		m.reg.Unregister(c)
		m.reg.MustRegister(c)
	}
}

func newRepairs(counts func() map[worker.Repair]int64) *repairs {
	return &repairs{counts: counts, total: desc("repairs_total", "What the sweep and the recovery put right, by kind.", "repair")}
}

// Describe implements prometheus.Collector.
func (r *repairs) Describe(to chan<- *prometheus.Desc) { to <- r.total }

// Collect implements prometheus.Collector.
func (r *repairs) Collect(to chan<- prometheus.Metric) {
	for repair, n := range r.counts() {
		to <- count(r.total, float64(n), string(repair))
	}
}

// engine shows what the thumbnail engine does.
type engine struct {
	*thumb.Engine
	images, used, limit, waiting *prometheus.Desc
}

func newEngine(e *thumb.Engine) *engine {
	return &engine{
		Engine:  e,
		images:  desc("thumbnail_images_total", "Images that thumbnails were made of, by the path through the engine and the type.", "path", "type"),
		used:    desc("thumbnail_budget_used_bytes", "Memory of the budget that images take now: files as they were read, and pixels.", "share"),
		limit:   desc("thumbnail_budget_limit_bytes", "Memory that the budget has for files and for pixels.", "share"),
		waiting: desc("thumbnail_budget_waiting_images", "Images that wait for their share of the budget.", "share"),
	}
}

// Describe implements prometheus.Collector.
func (e *engine) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{e.images, e.used, e.limit, e.waiting} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (e *engine) Collect(to chan<- prometheus.Metric) {
	type way struct{ path, kind string }
	ways := map[way]uint64{{thumb.PathFast, "image/jpeg"}: 0, {thumb.PathStandard, "image/jpeg"}: 0}
	for p, n := range e.Paths() { // of any shrink, which would be a label without bounds
		ways[way{p.Name, p.Type}] += n
	}
	for w, n := range ways {
		to <- count(e.images, float64(n), w.path, w.kind)
	}
	files, pixels := e.Budget()
	for share, use := range map[string]thumb.Use{"files": files, "pixels": pixels} {
		to <- gauge(e.used, float64(use.Bytes), share)
		to <- gauge(e.limit, float64(use.Limit), share)
		to <- gauge(e.waiting, float64(use.Waiting), share)
	}
}
