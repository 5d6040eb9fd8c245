package worker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// Pool is one asynq server: a bulkhead with its own concurrency.
type Pool struct {
	// Queue is the queue that it serves, which also is its name.
	Queue string
	// Concurrency is how many tasks run at once. Required.
	Concurrency int
}

// Options configure a Worker.
type Options struct {
	// Ledger is the record. Required.
	Ledger *ledger.Ledger
	// Redis is a client of the worker's own; the caller closes it after Shutdown.
	// The worker adds a hook to it, so nobody else should use it. Required.
	Redis redis.UniversalClient
	// Steps are the back ends of the steps. Required.
	Steps Steps
	// Pools are the pools to run. Required.
	Pools []Pool
	// Budgets say when a run dies.
	Budgets Budgets
	// Timeouts are how long one attempt may take; nil is tasks.DefaultTimeouts.
	Timeouts map[pipeline.Step]time.Duration
	// SweepEvery is the interval of the sweep. Default 5 seconds.
	SweepEvery time.Duration
	// ShutdownTimeout is how long Shutdown waits for running tasks. Default 25 seconds.
	ShutdownTimeout time.Duration
	// Ended is told how each attempt ended, once the ledger has it. Nil tells nobody.
	Ended func(ctx context.Context, e End)
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Logger gets one line for each thing that an operator would want to know. Required.
	Logger *slog.Logger
}

// Worker runs pools, the sweep and the recovery in one process.
type Worker struct {
	id       string
	opt      Options
	servers  []*asynq.Server
	handler  *handler
	sweep    *sweeper
	recover  *recoverer
	repairs  *repairCounts
	running  atomic.Bool
	clock    *watch
	pulse    *pulse
	stopping context.CancelFunc
	stop     chan struct{} // closed when the worker shuts down
	stopped  sync.Once
	patience time.Duration // how long the first sign-in may take
	wg       sync.WaitGroup
}

// New makes a worker; Start runs it.
func New(opt Options) (*Worker, error) {
	switch {
	case opt.Ledger == nil, opt.Redis == nil, opt.Logger == nil:
		return nil, errors.New("worker: ledger, redis and logger are required")
	case len(opt.Pools) == 0:
		return nil, errors.New("worker: no pool to run")
	}
	if opt.Timeouts == nil {
		opt.Timeouts = tasks.DefaultTimeouts()
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.SweepEvery <= 0 {
		opt.SweepEvery = 5 * time.Second
	}
	if opt.ShutdownTimeout <= 0 {
		opt.ShutdownTimeout = 25 * time.Second
	}
	w := &Worker{id: workerID(), opt: opt, stop: make(chan struct{}), patience: signInPatience}
	log := opt.Logger.With("worker", w.id)
	opt.Redis.AddHook(uncancelled{})
	opt.Redis.AddHook(newBrake(w.stop, log))
	queue := tasks.NewEnqueuer(opt.Redis, opt.Timeouts, opt.Now)
	inspect := asynq.NewInspectorFromRedisClient(opt.Redis)
	desk := tasks.NewDesk(opt.Redis)
	w.pulse = &pulse{ping: func(ctx context.Context) error { return desk.Ping(ctx, w.recover.queues...) }, log: log}
	w.handler = &handler{
		ledger: opt.Ledger, queue: queue, inspect: inspect, steps: opt.Steps,
		budgets: opt.Budgets.withDefaults(), timeouts: opt.Timeouts, pulse: w.pulse, worker: w.id, ended: opt.Ended, now: opt.Now, log: log,
		outage: &outage{ping: opt.Ledger.Ping, every: time.Second, stop: w.stop, log: log},
	}
	w.repairs = newRepairCounts()
	w.sweep = &sweeper{
		ledger: opt.Ledger, queue: queue, rdb: opt.Redis, desk: desk, inspect: inspect,
		repairs: w.repairs, every: opt.SweepEvery, now: opt.Now, log: log,
	}
	w.recover = &recoverer{
		rdb: opt.Redis, script: redis.NewScript(takeBack), ledger: opt.Ledger, repairs: w.repairs, now: opt.Now, log: log,
	}
	w.clock = &watch{rdb: opt.Redis, now: opt.Now, log: log}
	for _, p := range opt.Pools {
		w.recover.queues = append(w.recover.queues, p.Queue)
		w.servers = append(w.servers, w.server(p))
	}
	return w, nil
}

// ID names the worker in attempts: host-pid-random.
func (w *Worker) ID() string { return w.id }

// Running tells whether the worker has started and does not stop yet.
func (w *Worker) Running() bool { return w.running.Load() }

// Repairs counts what the sweep and the recovery of this worker have put right since it
// was made, with a count for each of Repairs().
func (w *Worker) Repairs() map[Repair]int64 { return w.repairs.all() }

func (w *Worker) server(p Pool) *asynq.Server {
	return asynq.NewServerFromRedisClient(w.opt.Redis, asynq.Config{
		Concurrency:              p.Concurrency,
		Queues:                   map[string]int{p.Queue: 1},
		RetryDelayFunc:           retryDelay,
		IsFailure:                isFailure,
		ShutdownTimeout:          w.opt.ShutdownTimeout,
		TaskCheckInterval:        200 * time.Millisecond,
		DelayedTaskCheckInterval: 500 * time.Millisecond,
		Logger:                   newAsynqLog(w.opt.Logger.With("worker", w.id, "pool", p.Queue)),
		LogLevel:                 asynq.WarnLevel,
	})
}

// Start runs the worker until Shutdown. The ledger must be there, for the worker signs
// in to it; one that is away for a moment has 30 seconds to come back. It fails with a
// *ClockError where the clock is more than 20 seconds off that of Redis.
func (w *Worker) Start(ctx context.Context) error {
	if err := w.clock.admit(ctx); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	if err := w.signIn(ctx); err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	ctx, w.stopping = context.WithCancel(context.WithoutCancel(ctx))
	for _, s := range w.servers {
		if err := s.Start(w.handler); err != nil {
			w.Shutdown() //nolint:contextcheck // it signs off although the start has failed
			return fmt.Errorf("worker: %w", err)
		}
	}
	for _, loop := range []func(context.Context){w.heartbeat, w.sweep.run, w.recover.run, w.clock.run, w.pulse.run} {
		w.wg.Go(func() { loop(ctx) })
	}
	w.running.Store(true)
	w.opt.Logger.InfoContext(ctx, "worker started", "worker", w.id, "pools", w.pools())
	return nil
}

// Shutdown stops fetching, waits for running tasks up to the timeout, gives the others
// back to the queue and marks their attempts interrupted.
func (w *Worker) Shutdown() {
	w.running.Store(false)
	w.stopped.Do(func() { close(w.stop) })
	var pools sync.WaitGroup
	for _, s := range w.servers {
		pools.Go(s.Shutdown)
	}
	pools.Wait()
	if w.stopping != nil {
		w.stopping()
	}
	w.wg.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := w.opt.Ledger.Leave(ctx, w.id); err != nil {
		w.opt.Logger.WarnContext(ctx, "worker could not sign off", "worker", w.id, "error", err)
	}
	w.opt.Logger.InfoContext(ctx, "worker stopped", "worker", w.id)
}

// A worker that starts beside a migration, a backup or a restart of the database finds
// the ledger locked or away for a moment.
const (
	signInPatience = 30 * time.Second
	signInEvery    = time.Second
)

// signIn signs in to the ledger, and tries again for as long as it has patience.
func (w *Worker) signIn(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	tick := time.NewTicker(signInEvery)
	defer tick.Stop()
	for {
		err := w.opt.Ledger.Heartbeat(ctx, w.id, w.pools())
		if err == nil {
			return nil
		}
		w.opt.Logger.WarnContext(ctx, "the ledger does not let the worker in yet", "worker", w.id, "error", err)
		select {
		case <-w.stop:
			return err
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// heartbeat signs in to the ledger every 5 seconds.
func (w *Worker) heartbeat(ctx context.Context) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := w.opt.Ledger.Heartbeat(ctx, w.id, w.pools()); err != nil && ctx.Err() == nil {
			w.opt.Logger.WarnContext(ctx, "worker could not sign in", "worker", w.id, "error", err)
		}
	}
}

func (w *Worker) pools() string {
	names := make([]string, 0, len(w.opt.Pools))
	for _, p := range w.opt.Pools {
		names = append(names, fmt.Sprintf("%s:%d", p.Queue, p.Concurrency))
	}
	return strings.Join(names, " ")
}

func workerID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	b := make([]byte, 3)
	_, _ = rand.Read(b) // never fails: crypto/rand.Read
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), hex.EncodeToString(b))
}
