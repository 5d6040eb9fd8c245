package wire

import (
	"net/http"
	"time"

	"github.com/afterput/afterput/cmd/internal/monitor"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/auth"
)

// Handler makes the HTTP side: API, monitor, metrics and health.
func (a *App) Handler() (http.Handler, error) {
	mux := http.NewServeMux()
	if err := a.mount(mux); err != nil {
		return nil, err
	}
	return a.faults.handler(a.Metrics.Doors(auth.WithRequestID(mux))), nil
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
	a.registerHealth(mux, func(h http.Handler) http.Handler { return gate.Require(auth.ScopeMonitor, h) }, a.serveChecks())
	if a.Config.Monitor.Enabled {
		m := monitor.New(a.Redis, a.Config.Monitor.AllowWrites)
		mux.Handle(monitor.Path+"/", gate.Require(auth.ScopeMonitor, m))
		mux.Handle(monitor.Path, http.RedirectHandler(monitor.Path+"/", http.StatusTemporaryRedirect))
	}
	return nil
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
