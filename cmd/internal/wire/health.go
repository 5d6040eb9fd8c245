package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/afterput/afterput/cmd/internal/health"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/worker"
)

// serveChecks say whether announcements can be taken: that needs the ledger. Redis and the
// storage away turn nobody off, because the ledger keeps what comes.
func (a *App) serveChecks() []health.Check {
	return []health.Check{
		{Name: "ledger", Needed: true, Run: a.checkLedger},
		{Name: "redis", Run: a.checkRedis},
		{Name: "storage", Run: a.checkStorage},
		{Name: "clock", Run: a.checkClock},
		{Name: "disk", Run: a.checkDisk},
	}
}

// workerChecks say whether a worker can work: it has to run, and needs the ledger, Redis
// and its clock. A storage that is away is for the steps to retry.
func (a *App) workerChecks(w *worker.Worker) []health.Check {
	checks := a.serveChecks()
	for i := range checks {
		if name := checks[i].Name; name == "redis" || name == "clock" {
			checks[i].Needed = true
		}
	}
	return append(checks, health.Check{Name: "worker", Needed: true, Run: func(context.Context) error {
		if !w.Running() {
			return errors.New("it starts or stops")
		}
		return nil
	}})
}

// The reasons are for everybody, and so hold no address and nothing that others have said.

func (a *App) checkLedger(ctx context.Context) error {
	if err := a.Ledger.Ping(ctx); err != nil {
		a.Log.DebugContext(ctx, "the ledger does not answer a probe", "error", err)
		return errors.New("ledger: not reachable")
	}
	return nil
}

func (a *App) checkRedis(ctx context.Context) error {
	if err := a.Desk.Ping(ctx); err != nil {
		a.Log.DebugContext(ctx, "redis does not answer a probe", "error", err)
		return errors.New("redis does not answer: tasks wait in the ledger")
	}
	return nil
}

// probeKey is an object that nobody has, so that asking for it costs a HEAD and no bytes.
const probeKey = "afterput-readyz"

// checkStorage asks each bucket for an object that is not there: 404 is a good answer.
func (a *App) checkStorage(ctx context.Context) error {
	var bad []string
	for _, b := range a.Config.Buckets {
		if b.SecretID == "" {
			continue // serve alone may go without
		}
		_, err := a.Objects.Head(ctx, b.Name, probeKey)
		switch class := pipeline.ClassOf(err); class {
		case "", pipeline.Missing:
		case pipeline.Denied:
			bad = append(bad, b.Name+" refuses the key")
		default:
			bad = append(bad, fmt.Sprintf("%s gives no good answer (%s)", b.Name, class))
		}
		if err != nil {
			a.Log.DebugContext(ctx, "asked a bucket for nothing", "bucket", b.Name, "error", err)
		}
	}
	if len(bad) > 0 {
		return errors.New(strings.Join(bad, "; "))
	}
	return nil
}

// checkClock compares the clock with that of Redis. While Redis is away there is nothing to
// compare, which the check of Redis tells.
func (a *App) checkClock(ctx context.Context) error {
	skew, err := worker.Skew(ctx, a.Redis, time.Now)
	if err == nil && skew.Abs() > worker.MaxSkew {
		return fmt.Errorf("the clock is %s off that of redis; at most %s are good", skew.Round(time.Second), worker.MaxSkew)
	}
	return nil
}

// leastDisk is how much room the ledger's folder and that of temporary files should have.
const leastDisk = 256 << 20

// checkDisk looks for room where files are written: the ledger's if that is SQLite, and
// temporary ones of videos and large answers.
func (a *App) checkDisk(context.Context) error {
	type place struct{ what, dir string }
	places := []place{{"temporary files", os.TempDir()}}
	if path, ok := strings.CutPrefix(a.Config.Ledger.URL.Reveal(), "sqlite://"); ok {
		places = append(places, place{"the ledger", filepath.Dir(path)})
	}
	var bad []string
	for _, p := range places {
		if free, ok := freeDisk(p.dir); ok && free < leastDisk {
			bad = append(bad, fmt.Sprintf("less than %d MiB are left for %s", leastDisk>>20, p.what))
		}
	}
	if len(bad) > 0 {
		return errors.New(strings.Join(bad, "; "))
	}
	return nil
}
