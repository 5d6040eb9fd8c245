package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/afterput/afterput/cmd/internal/config"
)

// controlRows switch one protection off each. Their counts must fail, or the battery
// would not notice that the protection is missing.
func controlRows() []Row {
	return []Row{
		{ID: "C1", Name: "control: a verdict without its letter", Short: true, Control: true, Files: 20, Break: noLetter},
		{ID: "C2", Name: "control: no WithoutCancel hook, so late acknowledgements are lost", Short: true, Control: true, Files: 120, Break: noHook},
		{ID: "C3", Name: "control: FLUSHALL and no sweep", Short: true, Control: true, Files: 60, Tune: noSweep, Break: amid(wipeRedis)},
	}
}

// noLetter lets the database swallow letters, as a verdict would that does not write
// them first.
func noLetter(ctx context.Context, b *Bench) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	if _, err := b.ledger.ExecContext(ctx, `CREATE TRIGGER no_letter BEFORE INSERT ON dead_letters BEGIN SELECT RAISE(IGNORE); END`); err != nil {
		return err
	}
	for range 3 {
		if err := b.gen.absent(ctx); err != nil {
			return err
		}
	}
	b.Fired("swallowed", 3)
	return b.Send(ctx, b.Files)
}

// noSweep is a sweep that never comes.
func noSweep(c *config.Config) { c.Sweep.Every = 24 * time.Hour }

// noHook cuts the line to Redis for two seconds while tasks end, first with the hook and
// then without. asynq repeats an acknowledgement every five seconds; only with the hook
// it can succeed, without it the task stays with its worker until its lease is over.
func noHook(ctx context.Context, b *Bench) error {
	with, err := b.unacknowledged(ctx, "")
	if err != nil {
		return err
	}
	if with > 0 {
		return fmt.Errorf("with the hook %d tasks were not acknowledged either", with)
	}
	without, err := b.unacknowledged(ctx, "hook=off")
	if err != nil {
		return err
	}
	b.Fired("cut", 2)
	b.unacked = without
	return nil
}

// unacknowledged counts the tasks that are still in the hands of a worker although their
// steps have ended, ten seconds after the line is back.
func (b *Bench) unacknowledged(ctx context.Context, faults string) (int, error) {
	worker, err := b.Worker(ctx, faults)
	if err != nil {
		return 0, err
	}
	if b.serve == nil {
		if _, err := b.Serve(ctx, ""); err != nil {
			return 0, err
		}
	}
	made := b.thumbnails()
	wait := b.Sending(ctx, b.Files/2)
	if err := until(ctx, time.Minute, "the first thumbnails are there", func() bool { return b.thumbnails() > made+9 }); err != nil {
		return 0, err
	}
	b.Redis.Cut()
	pause(ctx, 2*time.Second)
	if err := b.Redis.Join(); err != nil {
		return 0, err
	}
	b.Mended()
	if err := wait(); err != nil {
		return 0, err
	}
	pause(ctx, time.Until(b.mended.Add(10*time.Second)))
	left := 0
	for _, q := range queues {
		n, err := b.Redis.Client.LLen(ctx, "asynq:{"+q+"}:active").Result()
		if err != nil {
			return 0, err
		}
		left += int(n)
	}
	return left, worker.Stop()
}
