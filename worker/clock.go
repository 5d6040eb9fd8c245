package worker

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/tasks"
)

// Leases, recovery and the sweep compare times that several workers wrote, so their
// clocks must agree. A lease lasts 30 seconds and is taken back with 14 to go.
const (
	// MaxSkew is how far apart the clocks of a worker and of Redis may be for it to start.
	MaxSkew  = 20 * time.Second
	warnSkew = 10 * time.Second
	// skewEvery is how often a running worker compares its clock.
	skewEvery = time.Minute
)

// ClockError says that the clock of a worker and that of Redis are too far apart for the
// worker to run.
type ClockError struct {
	// Worker and Redis are the two times at the same moment.
	Worker, Redis time.Time
}

// Error tells both times and what to do.
func (e *ClockError) Error() string {
	return fmt.Sprintf("the clock of this machine says %s and the clock of Redis says %s, which is more than %s apart: "+
		"set the wrong one, by NTP for example, and start again",
		e.Worker.UTC().Format(time.RFC3339), e.Redis.UTC().Format(time.RFC3339), MaxSkew)
}

// watch compares the clock of this process with that of Redis.
type watch struct {
	rdb redis.UniversalClient
	now func() time.Time
	log *slog.Logger
}

// Skew gives how far the clock now is ahead of that of Redis.
func Skew(ctx context.Context, rdb redis.UniversalClient, now func() time.Time) (time.Duration, error) {
	skew, _, _, err := (&watch{rdb: rdb, now: now}).skew(ctx)
	return skew, err
}

// skew gives how far this clock is ahead of that of Redis, as seen in the middle of the
// round trip, with both times.
func (w *watch) skew(ctx context.Context) (skew time.Duration, mine, theirs time.Time, err error) {
	// In a cluster all workers have to ask the same server.
	node, _, err := nodeOf(ctx, w.rdb, tasks.QueueChecks)
	if err != nil {
		return 0, mine, theirs, err
	}
	before := w.now()
	theirs, err = node.Time(ctx).Result()
	if err != nil {
		return 0, mine, theirs, fmt.Errorf("redis: %w", err)
	}
	mine = before.Add(w.now().Sub(before) / 2)
	return mine.Sub(theirs), mine, theirs, nil
}

// admit fails with a *ClockError when the clocks are too far apart. A Redis that does not
// tell its time keeps nobody from starting.
func (w *watch) admit(ctx context.Context) error {
	skew, mine, theirs, err := w.skew(ctx)
	switch {
	case err != nil:
		w.log.WarnContext(ctx, "redis does not tell its time, so the clocks are not compared yet", "error", err)
	case skew.Abs() > MaxSkew:
		return &ClockError{Worker: mine, Redis: theirs}
	case skew.Abs() > warnSkew:
		w.warn(ctx, skew)
	}
	return nil
}

// run compares the clocks until ctx ends.
func (w *watch) run(ctx context.Context) {
	tick := time.NewTicker(skewEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.check(ctx)
		}
	}
}

func (w *watch) check(ctx context.Context) {
	if skew, _, _, err := w.skew(ctx); err == nil && skew.Abs() > warnSkew {
		w.warn(ctx, skew)
	}
}

func (w *watch) warn(ctx context.Context, skew time.Duration) {
	w.log.WarnContext(ctx, "the clocks of this machine and of redis are apart: recovery is late or too early, and a worker that starts now may refuse to",
		"ahead", skew.Round(time.Millisecond), "refusedAbove", MaxSkew)
}
