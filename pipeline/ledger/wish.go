package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// arrival is how long the task of a fresh wish may take into the queue before the sweep
// looks for it: the process may have died between the commit and the enqueue. Once the
// sweep has seen the task it looks again only after the grace.
const arrival = 10 * time.Second

// wishes collects the runs that a transaction asks for.
type wishes struct {
	l    *Ledger
	tx   bun.Tx
	now  time.Time
	list []pipeline.Wish
	// asked is when that was announced which the wishes follow from; 0 is now.
	asked micros
}

// want makes sure that the step runs after this moment: a new row, a new gen for one
// that started or ended, nothing for one that is pending and has not started.
func (w *wishes) want(ctx context.Context, u *uploadRow, step pipeline.Step, scope, result string) error {
	row, err := stepOf(ctx, w.tx, pipeline.Run{UploadID: u.ID, Step: step, Scope: scope})
	if errors.Is(err, ErrNotFound) {
		row = &stepRow{UploadID: u.ID, Step: string(step), Scope: scope}
	} else if err != nil {
		return err
	}
	if row.State != string(pipeline.Pending) && row.State != string(pipeline.Dead) || row.AskedAt == 0 {
		row.AskedAt = cmp.Or(w.asked, at(w.now)) // what is open since then is as late as it was
	}
	if row.State != string(pipeline.Pending) || row.StartedGen >= row.Gen {
		row.Gen++
	}
	row.State, row.Code, row.Detail, row.Result = string(pipeline.Pending), "", "", result
	row.ReadyAt = at(w.now)
	row.SweepAfter = at(w.now.Add(min(arrival, w.l.grace)))
	row.UpdatedAt = at(w.now)
	if err := w.l.put(ctx, w.tx, row); err != nil {
		return err
	}
	w.list = append(w.list, pipeline.Wish{Run: row.run(), Bucket: u.Bucket})
	return nil
}

// notBefore puts the last wish off until at. One that another wish asked for before keeps
// its task, which may run earlier.
func (w *wishes) notBefore(ctx context.Context, when time.Time) error {
	if !when.After(w.now) {
		return nil
	}
	last := &w.list[len(w.list)-1]
	last.ReadyAt = when
	_, err := w.tx.NewUpdate().Model((*stepRow)(nil)).
		Set("ready_at = ?, sweep_after = ?", int64(at(when)), int64(at(when.Add(min(arrival, w.l.grace))))).
		Where("upload_id = ? AND step = ? AND scope = ?", last.UploadID, string(last.Step), last.Scope).Exec(ctx)
	return err
}

// skip records a step that has nothing to do, without a task.
func (w *wishes) skip(ctx context.Context, u *uploadRow, step pipeline.Step, detail string) error {
	return w.l.put(ctx, w.tx, &stepRow{
		UploadID: u.ID, Step: string(step), Gen: 1, StartedGen: 1, State: string(pipeline.Skipped),
		Detail: detail, UpdatedAt: at(w.now),
	})
}

// put writes every column of a step's row, new or not.
func (l *Ledger) put(ctx context.Context, tx bun.IDB, row *stepRow) error {
	_, err := tx.NewInsert().Model(row).On(l.db.OnConflict("upload_id", "step", "scope")).Exec(ctx)
	return err
}

func stepOf(ctx context.Context, db bun.IDB, run pipeline.Run) (*stepRow, error) {
	row := new(stepRow)
	err := db.NewSelect().Model(row).
		Where("upload_id = ? AND step = ? AND scope = ?", run.UploadID, string(run.Step), run.Scope).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotFound
	}
	return row, err
}

func stepsOf(ctx context.Context, db bun.IDB, uploadID string) ([]stepRow, error) {
	var rows []stepRow
	err := db.NewSelect().Model(&rows).Where("upload_id = ?", uploadID).Order("step", "scope").Scan(ctx)
	return rows, err
}

// uploadOf reads an upload row, outside of transactions that write.
func uploadOf(ctx context.Context, db bun.IDB, id string) (*uploadRow, error) {
	row := new(uploadRow)
	return row, found(db.NewSelect().Model(row).Where("id = ?", id).Scan(ctx))
}

// lockUpload reads an upload row in a transaction that writes. From then on the whole upload
// is ours, its steps, attempts and letters too, because each such transaction locks this row
// or, in SQLite, the database first.
func (l *Ledger) lockUpload(ctx context.Context, tx bun.Tx, id string) (*uploadRow, error) {
	row := new(uploadRow)
	return row, found(l.db.ForUpdate(tx.NewSelect().Model(row).Where("id = ?", id)).Scan(ctx))
}

// lockUploads locks those of the uploads that there are, in an order that is always the
// same, for a transaction that is going to write to several or that need not read them.
func (l *Ledger) lockUploads(ctx context.Context, tx bun.Tx, ids ...string) error {
	if l.db.Engine == sqldb.SQLite || len(ids) == 0 {
		return nil
	}
	var locked []string
	return l.db.ForUpdate(tx.NewSelect().Model((*uploadRow)(nil)).Column("id").
		Where("id IN (?)", bun.List(ids)).Order("id")).Scan(ctx, &locked)
}

// found makes ErrNotFound of no rows.
func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}

func (l *Ledger) wishes(tx bun.Tx) *wishes { return &wishes{l: l, tx: tx, now: l.now()} }
