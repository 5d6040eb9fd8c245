package chaos

import (
	"context"
	"errors"
	"fmt"
	"time"
)

func processRows() []Row {
	return []Row{
		{ID: "1", Name: "kill -9 of a worker in the middle of thumbnails", Short: true, Files: 60, Break: killWorker},
		{ID: "1k", Name: "200 random kills -9 among three workers", Files: 1500, Break: killMany},
		{ID: "2", Name: "kill -9 at every step boundary", Short: true, Files: 18, Break: killAtBoundaries},
		{ID: "3", Name: "kill -9 of the producer after the ledger and before the answer", Short: true, Files: 60, Break: killProducer},
		{ID: "4", Name: "ten rolling restarts under load", Files: 400, Break: rollingRestarts},
	}
}

// killWorker kills the only worker in the middle of a run and starts another one.
func killWorker(ctx context.Context, b *Bench) error {
	worker, err := b.Both(ctx)
	if err != nil {
		return err
	}
	b.gen.onlyPhotos = true // a file that is not there takes its own time
	wait := b.Sending(ctx, b.Files)
	if err := b.Middle(ctx); err != nil {
		return err
	}
	worker.Kill()
	b.Fired("kill", 1)
	b.Mended()
	if _, err := b.Worker(ctx, ""); err != nil {
		return err
	}
	return wait()
}

// killMany kills one of three workers at a random moment, again and again, and starts
// another one each time. A kill counts when the worker was at work.
func killMany(ctx context.Context, b *Bench) error {
	const kills = 200
	if _, err := b.Serve(ctx, ""); err != nil {
		return err
	}
	workers := make([]*Process, 3)
	var err error
	for i := range workers {
		if workers[i], err = b.Worker(ctx, ""); err != nil {
			return err
		}
	}
	for hit := 0; hit < kills; {
		wait := b.Sending(ctx, b.Files)
		for running := true; running && hit < kills; {
			pause(ctx, time.Duration(200+b.Rand.IntN(1300))*time.Millisecond)
			open, err := b.open(ctx)
			if err != nil {
				return err
			}
			if running = open > 0; !running {
				break
			}
			i := b.Rand.IntN(len(workers))
			workers[i].Kill()
			hit++
			b.Fired("kill", 1)
			if workers[i], err = b.Worker(ctx, ""); err != nil {
				return err
			}
		}
		if err := wait(); err != nil {
			return err
		}
	}
	b.Mended()
	return nil
}

// boundaries are the effects of a worker, one after the other: it dies right after each.
var boundaries = []string{
	"ledger.begin", "thumb.decoded", "objects.put", "ledger.lockOrder", "ledger.saveIntent", "orders.write",
	"ledger.commitOrder", "ledger.claimWarm", "ledger.finish", "hooks.sent", "redis.evalsha", "ledger.bury",
}

// killAtBoundaries kills a worker at each boundary, with new work for each.
func killAtBoundaries(ctx context.Context, b *Bench) error {
	if _, err := b.Serve(ctx, ""); err != nil {
		return err
	}
	for _, point := range boundaries {
		nth := 1 + b.Rand.IntN(3)
		if point == "ledger.bury" {
			nth = 1
			if err := b.gen.absent(ctx); err != nil {
				return err
			}
		}
		if err := b.Send(ctx, b.Files); err != nil {
			return err
		}
		worker, err := b.Worker(ctx, fmt.Sprintf("kill=%s:%d", point, nth))
		if err != nil {
			return err
		}
		if err := worker.Ended(ctx, time.Minute); err != nil {
			return fmt.Errorf("%s: %w", point, err)
		}
		if worker.said("chaos: killed at "+point) == 0 {
			return fmt.Errorf("%s: %w: see %s", point, errPart, worker.log)
		}
		b.Fired(point, 1)
	}
	b.Mended()
	return nil
}

// killProducer kills serve between ledger and queue, and between queue and answer. The
// phones send again until they are answered.
func killProducer(ctx context.Context, b *Bench) error {
	if _, err := b.Worker(ctx, ""); err != nil {
		return err
	}
	if _, err := b.Serve(ctx, ""); err != nil {
		return err
	}
	for _, point := range []string{"ledger.announce", "http.respond", "redis.evalsha", "ledger.announce", "http.respond"} {
		if err := b.serve.Stop(); err != nil {
			return err
		}
		p, err := b.Serve(ctx, fmt.Sprintf("kill=%s:%d", point, 1+b.Rand.IntN(2)))
		if err != nil {
			return err
		}
		wait := b.Sending(ctx, b.Files/5)
		if err := p.Ended(ctx, time.Minute); err != nil {
			return fmt.Errorf("%s: %w", point, err)
		}
		if p.said("chaos: killed at "+point) == 0 {
			return fmt.Errorf("%s: %w: see %s", point, errPart, p.log)
		}
		b.Fired(point, 1)
		b.Mended()
		if _, err := b.Serve(ctx, ""); err != nil {
			return err
		}
		if err := wait(); err != nil {
			return err
		}
	}
	return nil
}

// rollingRestarts replaces the worker ten times under load. No attempt may fail for it.
func rollingRestarts(ctx context.Context, b *Bench) error {
	worker, err := b.Both(ctx)
	if err != nil {
		return err
	}
	wait := b.Sending(ctx, b.Files)
	if err := b.Middle(ctx); err != nil {
		return err
	}
	for range 10 {
		next, err := b.Worker(ctx, "")
		if err != nil {
			return err
		}
		if err := worker.Stop(); err != nil {
			return err
		}
		worker = next
		b.Fired("restart", 1)
	}
	b.Mended()
	if err := wait(); err != nil {
		return err
	}
	charged, err := b.count(ctx, `SELECT COUNT(*) FROM attempts WHERE class NOT IN ('', 'interrupted', 'superseded', 'missing', 'conflict')`)
	if err == nil && charged > 0 {
		err = fmt.Errorf("%d attempts were charged for a restart", charged)
	}
	if vanished, verr := b.count(ctx, "SELECT COUNT(*) FROM attempts WHERE vanished"); verr != nil || vanished > 0 {
		err = errors.Join(err, verr, fmt.Errorf("%d attempts count as vanished", vanished))
	}
	return err
}

// pause waits, or less when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
