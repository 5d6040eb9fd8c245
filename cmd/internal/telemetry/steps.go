package telemetry

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/worker"
)

// noStep is the step of tasks that nobody can read, and of letters without a task.
const noStep = "none"

// steps are the metrics of attempts.
type steps struct {
	ended   *prometheus.CounterVec
	failed  *prometheus.CounterVec
	refused *prometheus.CounterVec
	took    *prometheus.HistogramVec
	late    *prometheus.HistogramVec
}

func newSteps(reg prometheus.Registerer) *steps {
	s := &steps{
		ended: counter(reg, "steps_ended_total",
			"Steps of uploads that came to an end here: done, skipped or dead.", "step", "state"),
		failed: counter(reg, "attempts_failed_total",
			"Attempts that failed, by the class of the failure; most are tried again.", "step", "class"),
		refused: counter(reg, "uploads_refused_total",
			"Uploads that a step refused, by the code that clients see.", "code"),
		took: histogram(reg, "attempt_duration_seconds",
			"How long one attempt of a step took, whatever came of it.", patient, "step"),
		late: histogram(reg, "step_latency_seconds",
			"From the announcement of an upload until a step of it was done, waits and retries included.", patient, "step"),
	}
	for _, step := range pipeline.Steps() {
		for _, state := range []pipeline.StepState{pipeline.Done, pipeline.Skipped, pipeline.Dead} {
			s.ended.WithLabelValues(string(step), string(state))
		}
		for _, class := range pipeline.Classes() {
			s.failed.WithLabelValues(string(step), string(class))
		}
		s.took.WithLabelValues(string(step))
		s.late.WithLabelValues(string(step))
	}
	s.ended.WithLabelValues(noStep, string(pipeline.Dead))
	s.failed.WithLabelValues(noStep, string(pipeline.Bug))
	for _, code := range pipeline.ContentCodes() {
		s.refused.WithLabelValues(string(code))
	}
	return s
}

// Attempt counts an attempt that ended. It is for worker.Options.Ended.
func (m *Metrics) Attempt(ctx context.Context, e worker.End) {
	s, step := m.steps, string(e.Step)
	if e.Step == "" {
		s.ended.WithLabelValues(noStep, string(e.State)).Inc()
		s.failed.WithLabelValues(noStep, string(e.Class)).Inc()
		return
	}
	if e.State != pipeline.Pending {
		s.ended.WithLabelValues(step, string(e.State)).Inc()
	}
	if e.Class != "" {
		s.failed.WithLabelValues(step, string(e.Class)).Inc()
	}
	if e.Code != "" {
		s.refused.WithLabelValues(string(e.Code)).Inc()
	}
	observe(ctx, s.took.WithLabelValues(step), e.Took)
	if e.State == pipeline.Done && e.Late > 0 {
		observe(ctx, s.late.WithLabelValues(step), e.Late)
	}
}
