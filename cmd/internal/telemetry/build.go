package telemetry

import (
	"runtime"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/afterput/afterput/cmd/internal/release"
)

// buildInfo tells which afterput this is: the value is 1, the labels say it.
func buildInfo() prometheus.Collector {
	version, commit := release.Version()
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Which afterput this is, in its labels; always 1.",
		ConstLabels: prometheus.Labels{"version": version, "commit": commit, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}
