package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/devworld"
)

func operatorRows() []Row {
	return []Row{
		{ID: "33", Name: "configurations that are wrong", Files: 20, Break: wrongConfig},
		{ID: "34", Name: "two operators replay the same letters under load, one is interrupted", Short: true, Files: 120, Tune: impatientOrders, Break: replayStorm},
		{ID: "34k", Name: "12,000 failures in one burst on one queue, listed and replayed", Files: 12000, Tune: noPatience, Break: burst},
	}
}

// wrongConfig starts serve and worker on configurations that are wrong in one way each.
// Each ends at once with 10, says what to do, and touches nothing.
func wrongConfig(ctx context.Context, b *Bench) error {
	good, err := os.ReadFile(filepath.Join(b.Dir, devworld.ConfigFile))
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"yaml":    string(good) + "\n\t: [",
		"unknown": string(good) + "\nredsi:\n  url: redis://127.0.0.1:1/0\n",
		"type":    "check:\n  maxPixels: many\n",
		"missing": "log:\n  level: info\n",
	} {
		for _, command := range []string{"serve", "worker"} {
			dir := filepath.Join(b.Dir, "wrong-"+name+"-"+command)
			if err := os.MkdirAll(dir, 0o750); err != nil {
				return err
			}
			file := filepath.Join(dir, "afterput.yaml")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				return err
			}
			p, err := launch(ctx, filepath.Join(b.Dir, "wrong-"+name+"-"+command+".log"), []string{"HOME=" + dir}, b.binary, command, "--config", file)
			if err != nil {
				return err
			}
			if err := p.Ended(ctx, 30*time.Second); err != nil {
				p.Kill()
				return err
			}
			left, err := os.ReadDir(dir)
			switch {
			case err != nil:
				return err
			case p.Exit() != 10:
				return fmt.Errorf("%s with a configuration that is wrong (%s) ended with %d: see %s", command, name, p.Exit(), p.log)
			case len(left) != 1:
				return fmt.Errorf("%s with a configuration that is wrong (%s) left %d files", command, name, len(left)-1)
			}
			b.Fired(name, 1)
		}
	}
	return b.SendAll(ctx)
}

// SendAll sends the run's files to a healthy world.
func (b *Bench) SendAll(ctx context.Context) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	return b.Send(ctx, b.Files)
}

func impatientOrders(c *config.Config) { c.Retry.WaitingFor = 2 * time.Second }

// replayStorm makes many letters, mends their cause, and lets two operators replay them
// at once while new uploads arrive. One is interrupted and begins again.
func replayStorm(ctx context.Context, b *Bench) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	b.gen.absentOrders, b.gen.onlyPhotos = true, true
	from := b.gen.orders
	if err := b.Send(ctx, b.Files); err != nil {
		return err
	}
	if err := b.calm(ctx); err != nil {
		return err
	}
	letters, err := b.count(ctx, "SELECT COUNT(*) FROM dead_letters WHERE state = 'open'")
	if err != nil {
		return err
	}
	b.Fired("letters", letters)
	if err := b.gen.makeOrders(ctx, from+1, b.gen.orders); err != nil {
		return err
	}
	b.gen.absentOrders = false
	b.Mended()
	wait := b.Sending(ctx, b.Files/2)
	if err := b.operators(ctx, letters); err != nil {
		return err
	}
	if err := wait(); err != nil {
		return err
	}
	if err := b.calm(ctx); err != nil {
		return err
	}
	return b.replayedOnce(ctx, letters)
}

func noPatience(c *config.Config) { c.Retry.Missing = 1 }

// burst announces files that are not there: a letter for each. Then they are uploaded and
// every letter is replayed. asynq's own archive keeps 9,999 of a queue.
func burst(ctx context.Context, b *Bench) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	b.gen.onlyPhotos = true
	files, err := b.gen.unborn(ctx, b.Files)
	if err != nil {
		return err
	}
	if err := b.calm(ctx); err != nil {
		return err
	}
	letters, err := b.count(ctx, "SELECT COUNT(*) FROM dead_letters WHERE state = 'open' AND class = 'missing'")
	if err != nil {
		return err
	}
	if letters != b.Files {
		return fmt.Errorf("%d files are not there, and %d letters say so", b.Files, letters)
	}
	list, err := b.run(ctx, "", "dead", "list", "--limit", "100000", "-o", "jsonl")
	if err != nil {
		return err
	}
	if err := list.Ended(ctx, 5*time.Minute); err != nil {
		return err
	}
	if listed := list.said(`"class":"missing"`); listed != letters {
		return fmt.Errorf("of %d letters %d are listed", letters, listed)
	}
	b.Fired("letters", letters)
	if err := b.gen.born(ctx, files); err != nil {
		return err
	}
	b.Mended()
	return b.replayAll(ctx)
}

// operators replays from two command lines at once. The first is interrupted and begins
// again.
func (b *Bench) operators(ctx context.Context, letters int) error {
	replay := []string{"dead", "replay", "--all", "--note", "the orders are there", "--rate", fmt.Sprintf("%d/s", max(10, letters/4)), "--yes"}
	interrupted, err := b.run(ctx, "", replay...)
	if err != nil {
		return err
	}
	var eg errgroup.Group
	second, err := b.run(ctx, "", replay...)
	if err != nil {
		return err
	}
	eg.Go(func() error {
		if err := second.Ended(ctx, 5*time.Minute); err != nil {
			return err
		}
		if second.Exit() != 0 {
			return fmt.Errorf("dead replay ended with %d: see %s", second.Exit(), second.log)
		}
		return nil
	})
	err = until(ctx, time.Minute, "some letters are replayed", func() bool {
		n, err := b.count(ctx, "SELECT COUNT(*) FROM dead_letters WHERE state != 'open'")
		return err == nil && n >= letters/8
	})
	err = errors.Join(err, interrupted.Signal(syscall.SIGINT), interrupted.Ended(ctx, time.Minute))
	if interrupted.Exit() == 130 {
		b.Fired("interrupted", 1)
	}
	code, again := b.Command(ctx, replay...)
	if again == nil && code != 0 {
		again = fmt.Errorf("dead replay once more ended with %d", code)
	}
	return errors.Join(err, again, eg.Wait())
}

// replayedOnce sees that each letter was replayed once, and is resolved.
func (b *Bench) replayedOnce(ctx context.Context, letters int) error {
	resolved, err := b.count(ctx, "SELECT COUNT(*) FROM dead_letters WHERE state = 'resolved'")
	if err != nil {
		return err
	}
	if resolved != letters {
		return fmt.Errorf("%d of %d letters are resolved", resolved, letters)
	}
	// A run begins at gen 1, and each replay raises it once.
	twice, err := b.count(ctx, "SELECT COUNT(*) FROM dead_letters d JOIN upload_steps s USING (upload_id, step, scope) WHERE s.gen > d.gen + 1")
	if err == nil && twice > 0 {
		err = fmt.Errorf("%d letters were replayed more than once", twice)
	}
	return err
}
