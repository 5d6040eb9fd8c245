package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// Cursor is a place in the order of due steps.
type Cursor struct {
	SweepAfter int64
	Run        pipeline.Run
}

// Due is a page of pending steps that the sweep must look at.
type Due struct {
	Wishes []pipeline.Wish
	// Next is the cursor of the next page; More is false on the last one.
	Next Cursor
	More bool
}

// dueRow is a pending step with its bucket.
type dueRow struct {
	stepRow `bun:",extend"`
	Bucket  string `bun:"bucket"`
}

// Due reads pending steps whose sweep time has come, or every pending step when all is
// set, oldest first. Steps that a live worker works on are left out: one that gave a
// sign of life in the last 15 seconds, until the hold of its attempt has passed.
func (l *Ledger) Due(ctx context.Context, all bool, after Cursor, limit int) (Due, error) {
	if all {
		return l.pending(ctx, never, never, after, limit)
	}
	return l.pending(ctx, at(l.now()), never, after, limit)
}

// Ahead reads pending steps whose sweep time has not come, soonest first, without those
// that changed within the grace and those that a live worker works on.
func (l *Ledger) Ahead(ctx context.Context, after Cursor, limit int) (Due, error) {
	now := l.now()
	if ahead := int64(at(now)); after.SweepAfter < ahead {
		after = Cursor{SweepAfter: ahead, Run: pipeline.Run{UploadID: "~"}} // after all of this moment
	}
	return l.pending(ctx, never, at(now.Add(-l.grace)), after, limit)
}

// never is a time that does not come.
const never = micros(1<<62 - 1)

// pending reads a page of pending steps whose sweep time is not after before and that have
// not changed since quiet.
func (l *Ledger) pending(ctx context.Context, before, quiet micros, after Cursor, limit int) (Due, error) {
	now := l.now()
	var rows []dueRow
	err := l.db.NewRaw(`SELECT s.*, u.bucket FROM upload_steps s JOIN uploads u ON u.id = s.upload_id
		WHERE s.state = 'pending' AND s.sweep_after <= ? AND s.updated_at <= ?
		AND (s.sweep_after, s.upload_id, s.step, s.scope) > (?, ?, ?, ?)
		AND NOT (s.sweep_after > ? AND EXISTS (SELECT 1 FROM attempts a JOIN workers w ON w.id = a.worker
			WHERE a.upload_id = s.upload_id AND a.step = s.step AND a.scope = s.scope AND a.gen = s.gen
			AND a.ended_at = 0 AND w.seen_at > ?))
		ORDER BY s.sweep_after, s.upload_id, s.step, s.scope LIMIT ?`,
		int64(before), int64(quiet), after.SweepAfter, after.Run.UploadID, string(after.Run.Step), after.Run.Scope,
		int64(at(now)), int64(at(now.Add(-WorkerLife))), limit).Scan(ctx, &rows)
	if err != nil {
		return Due{}, classed("due", err)
	}
	due := Due{More: len(rows) == limit, Next: after}
	for i := range rows {
		r := &rows[i]
		due.Next = Cursor{SweepAfter: int64(r.SweepAfter), Run: r.run()}
		due.Wishes = append(due.Wishes, pipeline.Wish{Run: r.run(), Bucket: r.Bucket, ReadyAt: r.ReadyAt.time()})
	}
	return due, nil
}

// Swept notes that the tasks of these runs are in the queue, so that the sweep looks at
// them again only after the grace.
func (l *Ledger) Swept(ctx context.Context, wishes []pipeline.Wish) error {
	if len(wishes) == 0 {
		return nil
	}
	return l.write(ctx, "swept", func(ctx context.Context, tx bun.Tx) error {
		now := l.now()
		return sweepAt(ctx, tx, wishes, func(w pipeline.Wish) time.Time {
			if w.ReadyAt.After(now) {
				return w.ReadyAt.Add(l.grace)
			}
			return now.Add(l.grace)
		})
	})
}

// Unqueued notes that the tasks of these runs could not be queued, so that the sweep
// looks at them in its next round.
func (l *Ledger) Unqueued(ctx context.Context, wishes []pipeline.Wish) error {
	return l.write(ctx, "unqueued", func(ctx context.Context, tx bun.Tx) error {
		return sweepAt(ctx, tx, wishes, func(pipeline.Wish) time.Time { return l.now() })
	})
}

func sweepAt(ctx context.Context, tx bun.Tx, wishes []pipeline.Wish, when func(pipeline.Wish) time.Time) error {
	for _, w := range wishes {
		_, err := tx.NewUpdate().Model((*stepRow)(nil)).Set("sweep_after = ?", int64(at(when(w)))).
			Where("upload_id = ? AND step = ? AND scope = ? AND gen = ? AND state = 'pending'",
				w.UploadID, string(w.Step), w.Scope, w.Gen).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// Reap ends the open attempts of workers that gave no sign of life for a while, as
// interrupted, and makes their steps due. It gives their number.
func (l *Ledger) Reap(ctx context.Context) (int, error) {
	var orphans []attemptRow
	err := l.db.NewRaw(`SELECT a.* FROM attempts a WHERE a.ended_at = 0
		AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = a.worker AND w.seen_at > ?)
		LIMIT 1000`, int64(at(l.now().Add(-WorkerLife)))).Scan(ctx, &orphans)
	if err != nil || len(orphans) == 0 {
		return 0, classed("reap", err)
	}
	return len(orphans), l.write(ctx, "reap", func(ctx context.Context, tx bun.Tx) error {
		if err := l.lockUploads(ctx, tx, uploadsOfAttempts(orphans)...); err != nil {
			return err
		}
		wishes := make([]pipeline.Wish, 0, len(orphans))
		for i := range orphans {
			o := &orphans[i]
			_, err := tx.NewUpdate().Model((*attemptRow)(nil)).
				Set("ended_at = ?, class = ?, error = ?", int64(at(l.now())), string(pipeline.Interrupted), "the worker vanished").
				Set("vanished = TRUE").
				Where("upload_id = ? AND step = ? AND scope = ? AND gen = ? AND n = ? AND ended_at = 0",
					o.UploadID, o.Step, o.Scope, o.Gen, o.N).Exec(ctx)
			if err != nil {
				return err
			}
			wishes = append(wishes, pipeline.Wish{Run: pipeline.Run{
				UploadID: o.UploadID, Step: pipeline.Step(o.Step), Scope: o.Scope, Gen: o.Gen,
			}})
		}
		if err := l.wishes(tx).lateWrites(ctx, orphans); err != nil {
			return err
		}
		return sweepAt(ctx, tx, wishes, func(pipeline.Wish) time.Time { return l.now() })
	})
}

// Worked tells whether a worker that gives signs of life has an open attempt of a run,
// named as in a task ID by step, upload and gen.
func (l *Ledger) Worked(ctx context.Context, step pipeline.Step, uploadID string, gen int) (bool, error) {
	var n int
	err := l.db.NewRaw(`SELECT COUNT(*) FROM attempts a JOIN workers w ON w.id = a.worker
		WHERE a.upload_id = ? AND a.step = ? AND a.gen = ? AND a.ended_at = 0 AND w.seen_at > ?`,
		uploadID, string(step), gen, int64(at(l.now().Add(-WorkerLife)))).Scan(ctx, &n)
	return n > 0, classed("worked", err)
}

// Wanted tells whether a run, named as in a task ID by step, upload and gen, is pending.
func (l *Ledger) Wanted(ctx context.Context, step pipeline.Step, uploadID string, gen int) (bool, error) {
	var n int
	err := l.db.NewRaw("SELECT COUNT(*) FROM upload_steps WHERE upload_id = ? AND step = ? AND gen = ? AND state = ?",
		uploadID, string(step), gen, string(pipeline.Pending)).Scan(ctx, &n)
	return n > 0, classed("wanted", err)
}

// WorkerLife is how long a worker counts as alive after its last sign of life.
const WorkerLife = 15 * time.Second

// Heartbeat notes that a worker lives. pools is for people to read.
func (l *Ledger) Heartbeat(ctx context.Context, worker, pools string) error {
	return l.write(ctx, "heartbeat", func(ctx context.Context, tx bun.Tx) error {
		now := int64(at(l.now()))
		_, err := tx.NewRaw("INSERT INTO workers (id, pools, started_at, seen_at) VALUES (?, ?, ?, ?)"+
			l.db.Upsert([]string{"id"}, []string{"seen_at"}), worker, pools, now, now).Exec(ctx)
		return err
	})
}

// Leave notes that a worker stops: its open attempts end as interrupted, which charges
// nobody, and its row goes.
func (l *Ledger) Leave(ctx context.Context, worker string) error {
	return l.write(ctx, "leave", func(ctx context.Context, tx bun.Tx) error {
		var open []attemptRow
		if err := tx.NewSelect().Model(&open).Where("worker = ? AND ended_at = 0", worker).Scan(ctx); err != nil {
			return err
		}
		if err := l.lockUploads(ctx, tx, uploadsOfAttempts(open)...); err != nil {
			return err
		}
		if err := l.wishes(tx).lateWrites(ctx, open); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Model((*attemptRow)(nil)).
			Set("ended_at = ?, class = ?, error = ?", int64(at(l.now())), string(pipeline.Interrupted), "the worker was stopped").
			Where("worker = ? AND ended_at = 0", worker).Exec(ctx)
		if err != nil {
			return err
		}
		_, err = tx.NewRaw("DELETE FROM workers WHERE id = ?", worker).Exec(ctx)
		return err
	})
}

func uploadsOfAttempts(rows []attemptRow) []string {
	ids := make([]string, 0, len(rows))
	for i := range rows {
		ids = append(ids, rows[i].UploadID)
	}
	return ids
}

// ClaimWarm opens an attempt for each of up to limit pending warm steps of a bucket
// that are ready and that nobody works on. hold is as for Begin.
func (l *Ledger) ClaimWarm(ctx context.Context, bucket, worker string, limit int, hold time.Duration) ([]*OpenAttempt, error) {
	var claimed []*OpenAttempt
	err := l.write(ctx, "claimWarm", func(ctx context.Context, tx bun.Tx) error {
		now := l.now()
		claimed = nil
		var rows []stepRow
		err := tx.NewRaw(`SELECT s.* FROM upload_steps s JOIN uploads u ON u.id = s.upload_id
			WHERE s.step = 'warm' AND s.state = 'pending' AND s.ready_at <= ? AND u.bucket = ?
			AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.upload_id = s.upload_id AND a.step = 'warm'
				AND a.scope = '' AND a.gen = s.gen AND a.ended_at = 0 AND a.started_at > ?)
			ORDER BY s.ready_at LIMIT ?`, int64(at(now)), bucket, int64(at(now.Add(-hold))), limit).Scan(ctx, &rows)
		if err != nil {
			return err
		}
		for i := range rows {
			a, err := l.claim(ctx, tx, &rows[i], worker, hold)
			if err != nil {
				return err
			}
			if a != nil {
				claimed = append(claimed, a)
			}
		}
		return nil
	})
	return claimed, err
}

// claim opens an attempt of a step that was found free, unless another worker was faster.
func (l *Ledger) claim(ctx context.Context, tx bun.Tx, found *stepRow, worker string, hold time.Duration) (*OpenAttempt, error) {
	u, err := l.lockUpload(ctx, tx, found.UploadID)
	if err != nil {
		return nil, err
	}
	row, err := stepOf(ctx, tx, found.run())
	if err != nil {
		return nil, err
	}
	if *row != *found {
		return nil, nil //nolint:nilnil // it is somebody else's now, which is no error
	}
	return l.begin(ctx, tx, u, row, worker, hold)
}
