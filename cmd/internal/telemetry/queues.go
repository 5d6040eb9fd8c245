package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/afterput/afterput/tasks"
)

// askLimit is how long a scrape waits for Redis, and for the ledger.
const askLimit = 2 * time.Second

// engineState is what Redis tells at a scrape.
type engineState struct {
	depths []tasks.Depth
	skew   time.Duration
}

// queues asks Redis at each scrape.
type queues struct {
	poll                            poll[engineState]
	up, depth, oldest, paused, skew *prometheus.Desc
}

// Queues has each scrape ask Redis for the queues and the clock. depths and skew get a
// context with a deadline; while one of them fails or hangs there is only redis_up, which
// is 0.
func (m *Metrics) Queues(depths func(context.Context) ([]tasks.Depth, error), skew func(context.Context) (time.Duration, error)) {
	m.reg.MustRegister(&queues{
		poll: poll[engineState]{limit: askLimit, ask: func(ctx context.Context) (s engineState, err error) {
			if s.depths, err = depths(ctx); err == nil {
				s.skew, err = skew(ctx)
			}
			return s, err
		}},
		up:     desc("redis_up", "Whether Redis answered this scrape."),
		depth:  desc("queue_tasks", "Tasks in Redis, by queue and state. Other sums up queues that are not of afterput.", "queue", "state"),
		oldest: desc("queue_oldest_age_seconds", "How long the oldest pending task of a queue has waited; 0 where none waits.", "queue"),
		paused: desc("queue_paused", "Whether a queue is paused in Redis.", "queue"),
		skew:   desc("clock_skew_seconds", "How far the clock of this process is ahead of that of Redis."),
	})
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// Describe implements prometheus.Collector.
func (q *queues) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{q.up, q.depth, q.oldest, q.paused, q.skew} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (q *queues) Collect(to chan<- prometheus.Metric) {
	state, ok := q.poll.get()
	to <- gauge(q.up, truth(ok))
	if !ok {
		return
	}
	to <- gauge(q.skew, state.skew.Seconds())
	for _, d := range state.depths {
		for s, n := range d.Tasks {
			to <- gauge(q.depth, float64(n), d.Queue, string(s))
		}
		to <- gauge(q.oldest, d.Oldest.Seconds(), d.Queue)
		to <- gauge(q.paused, truth(d.Paused), d.Queue)
	}
}

func gauge(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func count(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
