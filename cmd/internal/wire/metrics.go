package wire

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/afterput/afterput/cmd/internal/health"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/worker"
)

// watch has each scrape ask Redis and the ledger.
func (a *App) watch() {
	a.Metrics.Queues(a.Desk.Depths, func(ctx context.Context) (time.Duration, error) {
		return worker.Skew(ctx, a.Redis, time.Now)
	})
	a.Metrics.Letters(a.Ledger.OpenLetters)
}

// registerHealth mounts what tells how the process is. open lets everybody read the
// metrics, else guard says who may.
func (a *App) registerHealth(mux producer.Mux, guard func(http.Handler) http.Handler, checks []health.Check) {
	mux.Handle("GET /healthz", http.HandlerFunc(health.Alive))
	mux.Handle("GET /readyz", health.New(checks, health.Options{Logger: a.Log}))
	mux.Handle("GET /metrics", guard(a.Metrics.Handler()))
}

// WorkerHandler answers for a worker process at the address: /metrics, /healthz and
// /readyz. On loopback everybody may read the metrics, because nobody puts a proxy before a
// worker; elsewhere a key of scope monitor is needed.
func (a *App) WorkerHandler(at net.Addr, w *worker.Worker) (http.Handler, error) {
	gate, err := a.gate()
	if err != nil {
		return nil, err
	}
	guard := func(h http.Handler) http.Handler { return gate.Require(auth.ScopeMonitor, h) }
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsLoopback() {
		guard = func(h http.Handler) http.Handler { return h }
	}
	mux := http.NewServeMux()
	a.registerHealth(mux, guard, a.workerChecks(w))
	return a.Metrics.Doors(auth.WithRequestID(mux)), nil
}
