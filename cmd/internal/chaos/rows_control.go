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
		{ID: "C1", Name: "control: a verdict without its letter", Short: true, Control: true, Files: 20, Ledgers: []string{SQLite, Postgres}, Break: noLetter},
		{ID: "C2", Name: "control: no WithoutCancel hook, so late acknowledgements are lost", Short: true, Control: true, Files: 120, Break: noHook},
		{ID: "C3", Name: "control: FLUSHALL and no sweep", Short: true, Control: true, Files: 60, Tune: noSweep, Break: amid(wipeRedis)},
		{ID: "C4", Name: "control: a failover with unreplicated writes and no sweep", Control: true, Files: 90, Ledgers: ordersRows()[0].Ledgers, Redises: []string{Sentinel}, Tune: noSweep, Break: amid(failOver)},
		{ID: "C5", Name: "control: an orders database that acknowledges what it does not keep", Control: true, Files: 60, Break: forgetful},
	}
}

// noLetter lets the database swallow letters, as a verdict would that does not write
// them first.
func noLetter(ctx context.Context, b *Bench) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	if err := each(ctx, b.ledger, map[string][]string{
		SQLite: {"CREATE TRIGGER no_letter BEFORE INSERT ON dead_letters BEGIN SELECT RAISE(IGNORE); END"},
		Postgres: {
			"CREATE FUNCTION no_letter() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
			"CREATE TRIGGER no_letter BEFORE INSERT ON dead_letters FOR EACH ROW EXECUTE FUNCTION no_letter()",
		},
	}[b.On.Ledger]...); err != nil {
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
// it can succeed. Without it the task stays with its worker until its lease is over, and is
// taken back as if the worker had vanished.
func noHook(ctx context.Context, b *Bench) error {
	with, err := b.takenBack(ctx, "")
	if err != nil {
		return err
	}
	if with > 0 {
		return fmt.Errorf("with the hook tasks were taken back %d times as well", with)
	}
	for range 5 { // the line may have been cut while no task ended
		if b.unacked, err = b.takenBack(ctx, "hook=off"); err != nil {
			return err
		}
		b.Fired("cut", 1)
		if b.unacked > 0 {
			return nil
		}
	}
	return errPart
}

// takenBack counts how often tasks of a worker that lives were taken back because they
// had ended and could not be acknowledged.
func (b *Bench) takenBack(ctx context.Context, faults string) (int, error) {
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
	if err := b.Redis.Cut(ctx); err != nil {
		return 0, err
	}
	pause(ctx, 2*time.Second)
	if err := b.Redis.Join(ctx); err != nil {
		return 0, err
	}
	b.Mended()
	if err := wait(); err != nil {
		return 0, err
	}
	if err := b.calm(ctx); err != nil {
		return 0, err
	}
	return worker.said("took back the tasks of a worker that vanished"), worker.Stop()
}
