package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// PausedQueue is a queue that an operator stopped.
type PausedQueue struct {
	Name string
	// Note says why, By who did it.
	Note, By string
	Since    time.Time
	// Until is when the pause ends by itself; zero is never.
	Until time.Time
	// Left is how long it goes on from when it was listed, by the ledger's clock; zero or
	// less says that it is over. It means nothing where Until is zero.
	Left time.Duration
}

// Over tells that its time was over when it was listed.
func (q PausedQueue) Over() bool { return !q.Until.IsZero() && q.Left <= 0 }

// Pause records that a queue is paused, by q.By and for q.Note, until q.Until or, where
// that is zero, until somebody resumes it; the other fields are the ledger's own. The record
// survives a wiped Redis: the sweep pauses the queue there again. A queue that is paused
// takes the new end and note. changed is false where nothing is new.
func (l *Ledger) Pause(ctx context.Context, q PausedQueue) (changed bool, err error) {
	err = l.write(ctx, "pause", func(ctx context.Context, tx bun.Tx) error {
		now := l.now()
		was, err := pauseOf(ctx, tx, q.Name)
		if err != nil {
			return err
		}
		paused := was.Paused && !was.pause(now).Over()
		note, since := text(q.Note, maxError), at(now)
		if paused {
			since = was.Since
		}
		if changed = !paused || was.Until != at(q.Until) || was.Note != note; !changed {
			return nil
		}
		_, err = tx.NewRaw("INSERT INTO queues (name, paused, note, paused_by, until, updated_at) VALUES (?, TRUE, ?, ?, ?, ?)"+
			l.db.Upsert([]string{"name"}, []string{"paused", "note", "paused_by", "until", "updated_at"}),
			q.Name, note, text(q.By, maxError), int64(at(q.Until)), int64(since)).Exec(ctx)
		if err != nil {
			return err
		}
		filter := "queue " + q.Name
		if !q.Until.IsZero() {
			filter += " until " + q.Until.UTC().Format(time.RFC3339)
		}
		return record(ctx, tx, &operationRow{At: at(now), Who: q.By, What: "pause", Filter: filter, Note: q.Note, Counts: "1"})
	})
	return changed, err
}

// Resume ends the pause of a queue in the name of who. changed is false where it was not
// paused.
func (l *Ledger) Resume(ctx context.Context, queue, who, note string) (changed bool, err error) {
	err = l.write(ctx, "resume", func(ctx context.Context, tx bun.Tx) error {
		r, err := tx.NewRaw("UPDATE queues SET paused = FALSE, updated_at = ? WHERE name = ? AND paused = TRUE", int64(at(l.now())), queue).Exec(ctx)
		if err != nil {
			return err
		}
		return resumed(ctx, tx, r, &changed, &operationRow{At: at(l.now()), Who: who, Filter: "queue " + queue, Note: note})
	})
	return changed, err
}

// EndPause ends the pause of a queue if its time is over: one that was prolonged since it
// was listed stays. changed is false where there is nothing to end.
func (l *Ledger) EndPause(ctx context.Context, queue string) (changed bool, err error) {
	err = l.write(ctx, "endPause", func(ctx context.Context, tx bun.Tx) error {
		now := l.now()
		r, err := tx.NewRaw("UPDATE queues SET paused = FALSE, updated_at = ? WHERE name = ? AND paused = TRUE AND until BETWEEN 1 AND ?",
			int64(at(now)), queue, int64(at(now))).Exec(ctx)
		if err != nil {
			return err
		}
		return resumed(ctx, tx, r, &changed, &operationRow{At: at(now), Who: "sweep", Filter: "queue " + queue, Note: "its time was over"})
	})
	return changed, err
}

// resumed writes the audit trail where a pause has ended.
func resumed(ctx context.Context, tx bun.Tx, r sql.Result, changed *bool, op *operationRow) error {
	n, err := r.RowsAffected()
	if *changed = n > 0; err != nil || !*changed {
		return err
	}
	op.What, op.Counts = "resume", "1"
	return record(ctx, tx, op)
}

// PausedQueues lists the queues that are paused, also those whose time is over until the
// sweep has ended their pause.
func (l *Ledger) PausedQueues(ctx context.Context) ([]PausedQueue, error) {
	var rows []pauseRow
	err := l.db.NewRaw("SELECT * FROM queues WHERE paused = TRUE ORDER BY name").Scan(ctx, &rows)
	out, now := make([]PausedQueue, 0, len(rows)), l.now()
	for i := range rows {
		out = append(out, rows[i].pause(now))
	}
	return out, classed("pausedQueues", err)
}

type pauseRow struct {
	Name   string `bun:"name"`
	Paused bool   `bun:"paused"`
	Note   string `bun:"note"`
	By     string `bun:"paused_by"`
	Until  micros `bun:"until"`
	Since  micros `bun:"updated_at"`
}

func (r *pauseRow) pause(now time.Time) PausedQueue {
	q := PausedQueue{Name: r.Name, Note: r.Note, By: r.By, Since: r.Since.time(), Until: r.Until.time()}
	if !q.Until.IsZero() {
		q.Left = q.Until.Sub(now)
	}
	return q
}

func pauseOf(ctx context.Context, tx bun.Tx, queue string) (pauseRow, error) {
	var row pauseRow
	err := tx.NewRaw("SELECT * FROM queues WHERE name = ?", queue).Scan(ctx, &row)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return row, err
}
