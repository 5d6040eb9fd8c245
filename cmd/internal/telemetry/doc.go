// Package telemetry counts and times what afterput does, for Prometheus.
//
// The other packages know nothing of Prometheus: they tell what happens by functions that
// their options take, and package wire gives them the methods of Metrics. What is not an
// event but a state (queues, letters, budgets) is asked for at each scrape, within a
// deadline: what does not answer is left out, and says so by its own gauge.
//
// No label holds an owner, a key, an order or anything else that callers choose: label
// values are steps, classes, routes, configured names and the like. deploy/docs/metrics.md
// lists all metrics, and a test holds it against what a running world gives.
//
// It may be imported by wire and cli only.
package telemetry
