package wire

import (
	"context"
	"net/http"
	"time"

	"github.com/afterput/afterput/cmd/internal/monitor"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/auth"
)

// Handler makes the HTTP side: API, monitor and health.
func (a *App) Handler() (http.Handler, error) {
	mux := http.NewServeMux()
	if err := a.mount(mux); err != nil {
		return nil, err
	}
	return a.faults.handler(auth.WithRequestID(mux)), nil
}

// mount mounts every door. What is mounted here is in the OpenAPI document, or a page.
func (a *App) mount(mux producer.Mux) error {
	p, err := a.Producer()
	if err != nil {
		return err
	}
	gate, err := a.gate()
	if err != nil {
		return err
	}
	api := producer.NewAPI(p, gate, int64(a.Config.HTTP.MaxBody))
	api.Register(mux)
	if err := a.registerTempURLs(mux, api); err != nil {
		return err
	}
	if err := a.registerSign(mux, gate, p); err != nil {
		return err
	}
	mux.Handle("GET /healthz", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) }))
	mux.Handle("GET /readyz", http.HandlerFunc(a.ready))
	if a.Config.Monitor.Enabled {
		m := monitor.New(a.Redis, a.Config.Monitor.AllowWrites)
		mux.Handle(monitor.Path+"/", gate.Require(auth.ScopeMonitor, m))
		mux.Handle(monitor.Path, http.RedirectHandler(monitor.Path+"/", http.StatusTemporaryRedirect))
	}
	return nil
}

// ready answers 200 when announcements can be taken: that needs the ledger. Redis away
// is told, but turns nobody off, because the ledger keeps what comes.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	if err := a.Ledger.Ping(ctx); err != nil {
		a.Log.WarnContext(ctx, "not ready", "error", err)
		http.Error(w, "ledger: not reachable", http.StatusServiceUnavailable)
		return
	}
	if err := a.Desk.Ping(ctx); err != nil {
		_, _ = w.Write([]byte("ok, but redis does not answer: tasks wait in the ledger\n"))
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// Server makes the HTTP server with deadlines against slow clients.
func (a *App) Server(h http.Handler) *http.Server {
	p := a.Config.HTTP.Progress
	return server(h, auth.Progress{Bytes: int64(p.Bytes), Every: p.Every, AtMost: p.AtMost})
}

// Server makes an HTTP server with the default deadlines.
func Server(h http.Handler) *http.Server { return server(h, auth.Progress{}) }

func server(h http.Handler, p auth.Progress) *http.Server {
	p = p.Filled()
	const header, answer = 5 * time.Second, time.Minute
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true) // over TLS only
	return &http.Server{
		Handler: p.Watch(h), Protocols: protocols, MaxHeaderBytes: 32 << 10, ReadHeaderTimeout: header,
		ReadTimeout: header + p.AtMost, WriteTimeout: header + p.AtMost + answer, IdleTimeout: 2 * time.Minute,
	}
}
