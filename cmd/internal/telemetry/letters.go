package telemetry

import (
	"cmp"
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// letters asks the ledger at each scrape.
type letters struct {
	poll     poll[[]ledger.LettersOpen]
	up, open *prometheus.Desc
}

// Letters has each scrape ask the ledger for the open letters. While open fails or hangs
// there is only ledger_up, which is 0.
func (m *Metrics) Letters(open func(context.Context) ([]ledger.LettersOpen, error)) {
	m.reg.MustRegister(&letters{
		poll: poll[[]ledger.LettersOpen]{limit: askLimit, ask: open},
		up:   desc("ledger_up", "Whether the ledger answered this scrape."),
		open: desc("dead_letters", "Open dead letters, by step and class; step none is what is no task of afterput.", "step", "class"),
	})
}

// Describe implements prometheus.Collector.
func (l *letters) Describe(to chan<- *prometheus.Desc) {
	to <- l.up
	to <- l.open
}

// mortal are the classes that steps die of most; they are shown at 0 as well.
var mortal = []pipeline.Class{pipeline.Transient, pipeline.Missing, pipeline.Waiting, pipeline.Denied, pipeline.Invalid, pipeline.Poison, pipeline.Bug}

// Collect implements prometheus.Collector.
func (l *letters) Collect(to chan<- prometheus.Metric) {
	open, ok := l.poll.get()
	to <- gauge(l.up, truth(ok))
	if !ok {
		return
	}
	type group struct{ step, class string }
	counts := make(map[group]int)
	for _, step := range pipeline.Steps() {
		for _, class := range mortal {
			counts[group{string(step), string(class)}] = 0
		}
	}
	for _, o := range open {
		counts[group{cmp.Or(string(o.Step), noStep), string(o.Class)}] += o.Count
	}
	for g, n := range counts {
		to <- gauge(l.open, float64(n), g.step, g.class)
	}
}
