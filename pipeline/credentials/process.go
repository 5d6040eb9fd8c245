package credentials

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/qsign"
)

// Options configure a Process.
type Options struct {
	// Command is the program and its arguments. No shell reads it. Required.
	Command []string
	// Env names the variables that it gets of our environment, beside PATH and HOME.
	Env []string
	// Timeout is for one run. Defaults to 10 s.
	Timeout time.Duration
	// Margin is how long before their end keys are asked for anew, at most half of their
	// life. Defaults to 5 min.
	Margin time.Duration
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// Logger gets a line for each run. Defaults to none.
	Logger *slog.Logger
}

const (
	// lasting is how long keys are kept that have no end.
	lasting = time.Hour
	// pause is how long the program is left alone after it failed.
	pause = 5 * time.Second
)

// Process gives the keys that a program prints. It is safe for concurrent use.
type Process struct {
	opt Options

	ctx    context.Context //nolint:containedctx // of the runs, which belong to no caller
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	key    qsign.Key
	renew  time.Time     // when key is asked for anew
	retry  time.Time     // when the program is run again after it failed
	err    error         // why it failed last; nil after a success
	flight chan struct{} // closed when the run under way ends; nil without one
}

// New makes a Process. It runs nothing yet.
func New(opt Options) (*Process, error) {
	if len(opt.Command) == 0 || opt.Command[0] == "" {
		return nil, errors.New("credentials: no command")
	}
	if opt.Timeout <= 0 {
		opt.Timeout = 10 * time.Second
	}
	if opt.Margin <= 0 {
		opt.Margin = 5 * time.Minute
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Process{opt: opt}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p, nil
}

// Close ends a run under way and waits for that.
func (p *Process) Close() error {
	p.cancel()
	p.wg.Wait()
	return nil
}

// Key gives a key that holds now. While one is kept that has not ended nobody waits for
// its successor; without one all wait for the same run of the program. Errors are of class
// Transient.
func (p *Process) Key(ctx context.Context) (qsign.Key, error) {
	for {
		key, flight, err := p.held()
		if flight == nil {
			return key, err
		}
		select {
		case <-flight:
		case <-ctx.Done():
			return qsign.Key{}, pipeline.Errorf(pipeline.Transient, op, "", "waiting for keys: %w", context.Cause(ctx))
		}
	}
}

const op = "credentials"

// held gives the key that is kept, or why there is none, or the run to wait for. It starts
// one where that is due.
func (p *Process) held() (qsign.Key, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.opt.Now()
	good := p.key.ID != "" && (p.key.Expires.IsZero() || now.Before(p.key.Expires))
	if good && now.Before(p.renew) {
		return p.key, nil, nil
	}
	if p.flight == nil && !now.Before(p.retry) {
		if p.ctx.Err() != nil {
			return qsign.Key{}, nil, pipeline.Errorf(pipeline.Transient, op, "", "closed")
		}
		p.flight = make(chan struct{})
		p.wg.Go(p.refresh)
	}
	switch {
	case good:
		return p.key, nil, nil
	case p.flight != nil:
		return qsign.Key{}, p.flight, nil
	}
	return qsign.Key{}, nil, p.err
}

// refresh runs the program once and keeps what came of it.
func (p *Process) refresh() {
	out, err := p.run(p.ctx)
	now := p.opt.Now()
	var key qsign.Key
	if err == nil {
		key, err = parse(out, now)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() {
		close(p.flight)
		p.flight = nil
	}()
	if err != nil {
		p.retry = now.Add(pause)
		p.err = &pipeline.Error{Class: pipeline.Transient, Op: op, Key: p.opt.Command[0], RetryAfter: pause, Err: err}
		p.opt.Logger.Warn("no keys from the credential program", "command", p.opt.Command[0], "error", err, "keptUntil", p.key.Expires)
		return
	}
	p.key, p.err, p.retry = key, nil, time.Time{}
	p.renew = now.Add(lasting)
	if !key.Expires.IsZero() {
		p.renew = key.Expires.Add(-min(p.opt.Margin, key.Expires.Sub(now)/2))
	}
	p.opt.Logger.Info("keys from the credential program", "command", p.opt.Command[0], "secretId", key.ID, "expires", key.Expires)
}

// Forget lets go of a key that the service refused as ended, if it still is the one that
// is kept. The next call of Key runs the program.
func (p *Process) Forget(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.key.ID == id {
		p.key = qsign.Key{}
	}
	return true
}
