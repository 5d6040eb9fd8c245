package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// PausedQueue is a queue that an operator stopped.
type PausedQueue struct {
	Name string
	// Note says why.
	Note  string
	Since time.Time
}

// SetPaused records that a queue is paused, or not any more, in the name of who. The
// record survives a wiped Redis: the sweep pauses the queue there again. changed is
// false where it was so already.
func (l *Ledger) SetPaused(ctx context.Context, queue string, paused bool, who, note string) (changed bool, err error) {
	err = l.write(ctx, "setPaused", func(ctx context.Context, tx bun.Tx) error {
		now := l.now()
		var was bool
		if err := tx.NewRaw("SELECT COUNT(*) > 0 FROM queues WHERE name = ? AND paused", queue).Scan(ctx, &was); err != nil {
			return err
		}
		if changed = was != paused; !changed {
			return nil
		}
		_, err := tx.NewRaw(`INSERT INTO queues (name, paused, note, updated_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET paused = EXCLUDED.paused, note = EXCLUDED.note, updated_at = EXCLUDED.updated_at`,
			queue, paused, text(note, maxError), int64(at(now))).Exec(ctx)
		if err != nil {
			return err
		}
		what := "resume"
		if paused {
			what = "pause"
		}
		return record(ctx, tx, &operationRow{At: at(now), Who: who, What: what, Filter: "queue " + queue, Note: note, Counts: "1"})
	})
	return changed, err
}

// PausedQueues lists the queues that are paused.
func (l *Ledger) PausedQueues(ctx context.Context) ([]PausedQueue, error) {
	var rows []struct {
		Name      string `bun:"name"`
		Note      string `bun:"note"`
		UpdatedAt micros `bun:"updated_at"`
	}
	err := l.db.NewRaw("SELECT name, note, updated_at FROM queues WHERE paused ORDER BY name").Scan(ctx, &rows)
	out := make([]PausedQueue, 0, len(rows))
	for _, r := range rows {
		out = append(out, PausedQueue{Name: r.Name, Note: r.Note, Since: r.UpdatedAt.time()})
	}
	return out, classed("pausedQueues", err)
}

// OpenLettersByStep counts the open letters of each step.
func (l *Ledger) OpenLettersByStep(ctx context.Context) (map[pipeline.Step]int, error) {
	var rows []struct {
		Step string `bun:"step"`
		N    int    `bun:"n"`
	}
	err := l.db.NewRaw("SELECT step, COUNT(*) AS n FROM dead_letters WHERE state = 'open' GROUP BY step").Scan(ctx, &rows)
	out := make(map[pipeline.Step]int, len(rows))
	for _, r := range rows {
		out[pipeline.Step(r.Step)] = r.N
	}
	return out, classed("openLetters", err)
}
