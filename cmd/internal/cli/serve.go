package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/worker"
)

func (a *app) serveCmd() *cobra.Command {
	var withWorker bool
	cmd := &cobra.Command{
		Use: "serve", GroupID: "run", Short: "Take announcements over HTTP; monitor and health", Args: cobra.NoArgs,
		Long: `Serves POST /v1/uploads, POST /v1/events/cos, GET /v1/uploads/{id}, GET /put-sign,
GET /post-policy and more on http.listen until it is interrupted: GET /openapi.json lists
them. /healthz, /readyz, /metrics and /monitor are there as well.`,
		Example: "  afterput serve\n  afterput serve --with-worker",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			defer stopped(cmd.Context(), &err)
			cfg, log, err := a.load()
			if err != nil {
				return err
			}
			if err := errors.Join(cfg.RequireServe(), onlyIf(withWorker, cfg.RequireWorker)); err != nil {
				return err
			}
			w, err := wire.Open(cmd.Context(), cfg, log)
			if err != nil {
				return err
			}
			defer func() { _ = w.Close() }()
			ln, err := new(net.ListenConfig).Listen(cmd.Context(), "tcp", cfg.HTTP.Listen)
			if err != nil {
				return fmt.Errorf("listen: %w", err)
			}
			return a.serve(cmd.Context(), w, ln, withWorker)
		},
	}
	cmd.Flags().BoolVar(&withWorker, "with-worker", false, "run every worker pool in this process as well")
	return cmd
}

func (a *app) workerCmd() *cobra.Command {
	var pools []string
	cmd := &cobra.Command{
		Use: "worker", GroupID: "run", Short: "Run worker pools", Args: cobra.NoArgs,
		Long: `Runs the named pools, or all: checks, thumbnails, orders, urls, hooks. Stops within 25 s of
SIGTERM and charges nobody. With worker.listen it answers /metrics, /healthz and /readyz
there, from before it starts until it has stopped.`,
		Example: "  afterput worker\n  afterput worker --pool thumbnails",
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			defer stopped(cmd.Context(), &err)
			cfg, log, err := a.load()
			if err != nil {
				return err
			}
			if err := cfg.RequireWorker(); err != nil {
				return err
			}
			w, err := wire.Open(cmd.Context(), cfg, log)
			if err != nil {
				return err
			}
			defer func() { _ = w.Close() }()
			wk, err := w.Worker(cmd.Context(), pools)
			if errors.Is(err, wire.ErrNoPool) {
				return failf(exitUsage, "usage", "", "%w", err)
			}
			if err != nil {
				return err
			}
			if err := w.PingRedis(cmd.Context()); err != nil {
				return err
			}
			quiet, err := a.watchWorker(cmd.Context(), w, wk)
			if err != nil {
				return err
			}
			defer quiet()
			if err := wk.Start(cmd.Context()); err != nil {
				return err
			}
			stop, err := w.StartPeriodic(cmd.Context())
			if err != nil {
				wk.Shutdown()
				return err
			}
			defer stop()
			<-cmd.Context().Done()
			wk.Shutdown()
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&pools, "pool", nil, "pools to run (default all)")
	return cmd
}

// watchWorker answers for a worker on worker.listen, if that is set, until quiet is called.
func (a *app) watchWorker(ctx context.Context, w *wire.App, wk *worker.Worker) (quiet func(), err error) {
	if w.Config.Worker.Listen == "" {
		return func() {}, nil
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", w.Config.Worker.Listen)
	if err != nil {
		return nil, fmt.Errorf("worker.listen: %w", err)
	}
	h, err := w.WorkerHandler(ln.Addr(), wk)
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	srv, done := wire.Server(h), make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(ln) // ends when it is closed
	}()
	w.Log.InfoContext(ctx, "answering for the worker", "listen", ln.Addr().String())
	return func() {
		_ = srv.Close()
		<-done
	}, nil
}

// stopped makes a service that was told to stop while it was starting end in peace.
func stopped(ctx context.Context, err *error) {
	if errors.Is(context.Cause(ctx), errInterrupted) && errors.Is(*err, context.Canceled) {
		*err = nil
	}
}

func onlyIf(cond bool, check func() error) error {
	if cond {
		return check()
	}
	return nil
}

// serve runs the HTTP side, and a worker if wanted, until ctx ends.
func (a *app) serve(ctx context.Context, w *wire.App, ln net.Listener, withWorker bool) error {
	h, err := w.Handler()
	if err != nil {
		return err
	}
	var wk *worker.Worker
	if withWorker {
		if wk, err = w.Worker(ctx, nil); err != nil {
			return err
		}
		if err := wk.Start(ctx); err != nil {
			return err
		}
		defer wk.Shutdown() //nolint:contextcheck // ctx has ended by then
		stop, err := w.StartPeriodic(ctx)
		if err != nil {
			return err
		}
		defer stop()
	}
	if ln, err = w.Listener(ln); err != nil {
		return err
	}
	srv := w.Server(h)
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	w.Log.InfoContext(ctx, "serving", "listen", ln.Addr().String())
	select {
	case <-ctx.Done():
	case err := <-done:
		return fmt.Errorf("serve: %w", err)
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		_ = srv.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
