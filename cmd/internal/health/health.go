package health

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// State is how a part or a process is.
type State string

// The states. A process is Ready while every check that it needs is; Degraded is ready
// too, with something that somebody should look at.
const (
	Ready    State = "ready"
	Degraded State = "degraded"
	Unready  State = "unready"
)

// Check looks at one part.
type Check struct {
	// Name is one word.
	Name string
	// Needed says that the process is not ready while the check fails; else it is degraded.
	Needed bool
	// Run gives nil, or what is wrong, in words for everybody: they are told to whoever asks.
	// It should return soon after ctx ends.
	Run func(ctx context.Context) error
}

// Finding is what a check found.
type Finding struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	// Reason says what is wrong; empty where nothing is.
	Reason string `json:"reason,omitempty"`
	// Millis is how long the check took.
	Millis int64 `json:"ms"`
}

// Report is the answer to a probe.
type Report struct {
	Schema string    `json:"schema"`
	State  State     `json:"state"`
	Checks []Finding `json:"checks"`
}

// schema names the form of a Report.
const schema = "afterput.ready.v1"

// Options tune a Prober.
type Options struct {
	// Timeout is how long one check may take. Defaults to 2 seconds.
	Timeout time.Duration
	// Keep is how long a report is given again. Defaults to 1 second.
	Keep time.Duration
	// Logger gets a line whenever a check fails or is well again. Required.
	Logger *slog.Logger
}

// Prober runs checks for probes. It is safe for concurrent use.
type Prober struct {
	parts []*part
	opt   Options

	turn    chan struct{} // taken while checks run: one round at a time
	last    Report
	at      time.Time
	reasons map[string]string // of checks that failed in the last round
}

// part is a check and what came of it.
type part struct {
	Check
	flying chan error // of a run that has not answered
}

// New makes a Prober.
func New(checks []Check, opt Options) *Prober {
	if opt.Timeout <= 0 {
		opt.Timeout = 2 * time.Second
	}
	if opt.Keep <= 0 {
		opt.Keep = time.Second
	}
	p := &Prober{opt: opt, turn: make(chan struct{}, 1), reasons: map[string]string{}}
	for _, c := range checks {
		p.parts = append(p.parts, &part{Check: c})
	}
	return p
}

// Report gives the state of the process, as it was found at most Options.Keep ago.
func (p *Prober) Report(ctx context.Context) Report {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	if p.at.IsZero() || time.Since(p.at) >= p.opt.Keep {
		p.last = p.round(context.WithoutCancel(ctx)) // for whoever asks next, too
		p.at = time.Now()
	}
	return p.last
}

// round runs every check.
func (p *Prober) round(ctx context.Context) Report {
	report := Report{Schema: schema, State: Ready, Checks: make([]Finding, len(p.parts))}
	var wg sync.WaitGroup
	for i, c := range p.parts {
		wg.Go(func() { report.Checks[i] = c.find(ctx, p.opt.Timeout) })
	}
	wg.Wait()
	for _, f := range report.Checks {
		if f.State == Unready || (f.State == Degraded && report.State == Ready) {
			report.State = f.State
		}
		p.tell(ctx, f)
	}
	return report
}

func (c *part) find(ctx context.Context, limit time.Duration) Finding {
	began := time.Now()
	err := c.look(ctx, limit)
	f := Finding{Name: c.Name, State: Ready, Millis: time.Since(began).Milliseconds()}
	switch {
	case err == nil:
		return f
	case c.Needed:
		f.State = Unready
	default:
		f.State = Degraded
	}
	f.Reason = err.Error()
	return f
}

// look runs the check. One that hangs is not run beside itself: the next look waits for
// what it says.
func (c *part) look(ctx context.Context, limit time.Duration) error {
	if c.flying == nil {
		answer := make(chan error, 1)
		c.flying = answer
		go func() {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			answer <- c.Run(ctx)
		}()
	}
	patience := time.NewTimer(limit)
	defer patience.Stop()
	select {
	case err := <-c.flying:
		c.flying = nil
		return err
	case <-patience.C:
		return errors.New("no answer in time")
	}
}

// tell logs what has changed since the last round.
func (p *Prober) tell(ctx context.Context, f Finding) {
	was, failed := p.reasons[f.Name]
	switch {
	case f.Reason == "" && failed:
		delete(p.reasons, f.Name)
		p.opt.Logger.InfoContext(ctx, "a part is well again", "part", f.Name)
	case f.Reason != "" && f.Reason != was:
		p.reasons[f.Name] = f.Reason
		p.opt.Logger.WarnContext(ctx, "not as it should be", "part", f.Name, "state", f.State, "reason", f.Reason)
	}
}

// ServeHTTP answers a probe: 200 while the process is ready or degraded, else 503, with
// the Report as JSON.
func (p *Prober) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	report := p.Report(r.Context())
	status := http.StatusOK
	if report.State == Unready {
		status = http.StatusServiceUnavailable
	}
	b, err := json.Marshal(report)
	if err != nil { // strings and numbers always are JSON
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}

// Alive answers that the process lives, whatever it depends on.
func Alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n"))
}
