package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// sweeper compares ledger and queue and queues again what is missing. Every instance
// may run one; they do no harm to each other.
type sweeper struct {
	ledger  *ledger.Ledger
	queue   *tasks.Enqueuer
	rdb     redis.UniversalClient
	desk    *tasks.Desk
	inspect *asynq.Inspector
	repairs *repairCounts
	every   time.Duration
	now     func() time.Time
	log     *slog.Logger

	rolled  ledger.Cursor     // where roll goes on
	scanned map[string]uint64 // where leftovers goes on, by server
	foreign map[string]bool   // archived tasks that are not ours and have their letter
	page    map[string]int64  // where the look at an archive goes on, by queue
}

// run sweeps until ctx ends. A trouble that lasts is logged once a minute.
func (s *sweeper) run(ctx context.Context) {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	var said time.Time
	for {
		if _, err := s.sweep(ctx); err == nil {
			said = time.Time{}
		} else if ctx.Err() == nil && time.Since(said) > time.Minute {
			said = time.Now()
			s.log.WarnContext(ctx, "sweep failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sweep makes one round: over the steps whose time has come, or over every pending step
// when Redis has lost its memory or a queue. It tells how many tasks it queued. What
// cannot be repaired now keeps nothing else from being repaired.
func (s *sweeper) sweep(ctx context.Context) (requeued int, err error) {
	epoch, lost, err := s.epoch(ctx)
	if err != nil {
		return 0, err
	}
	done := tally{}
	defer func() { s.account(ctx, done, requeued) }()
	unlisted, err := s.publishQueues(ctx)
	if !lost && unlisted > 0 {
		done[RepairQueue] += unlisted
	}
	errs := errors.Join(err, s.pause(ctx), s.tidyArchives(ctx, done))
	orphans, err := s.ledger.Reap(ctx)
	if done[RepairAttempt] += orphans; orphans > 0 {
		s.log.WarnContext(ctx, "attempts of workers that vanished, their steps are swept", "attempts", orphans)
	}
	requeued, passed := s.pass(ctx, lost || unlisted > 0, done)
	if lost && requeued > 0 {
		s.log.WarnContext(ctx, "redis had lost tasks of pending steps, they are queued again", "tasks", requeued)
	}
	if errs = errors.Join(errs, err, passed); passed != nil {
		return requeued, errs
	}
	if lost {
		done[RepairMemory]++
		s.log.InfoContext(ctx, "swept every pending step of a redis that is new, wiped or restarted", "epoch", epoch)
		return requeued, errors.Join(errs, s.note(ctx, epoch))
	}
	rolled, err := s.roll(ctx, done)
	return requeued + rolled, errors.Join(errs, err, s.leftovers(ctx, done))
}

// account counts and logs what one round has repaired.
func (s *sweeper) account(ctx context.Context, done tally, requeued int) {
	s.repairs.add(done)
	if attrs := done.attrs(); len(attrs) > 0 {
		s.log.InfoContext(ctx, "swept", append(attrs, "requeued", requeued)...)
	}
}

// publishQueues makes our queues visible to inspectors and tells how many were not: a
// client publishes a queue only once in its life, so that a wiped Redis or a deleted queue
// would hide it for ever.
func (s *sweeper) publishQueues(ctx context.Context) (unlisted int, err error) {
	names := make([]any, 0, 5)
	for _, q := range tasks.Queues() {
		names = append(names, q)
	}
	n, err := s.rdb.SAdd(ctx, "asynq:queues", names...).Result()
	if err != nil {
		return 0, fmt.Errorf("redis: %w", err)
	}
	return int(n), nil
}
