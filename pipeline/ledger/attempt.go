package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// OpenAttempt is an attempt that is being made. It is the fence of everything that the
// attempt writes to the ledger.
type OpenAttempt struct {
	pipeline.Run
	// N counts the attempts of the run from 1.
	N int
	// Worker is the process that makes it.
	Worker string
	// Upload is the upload as it was when the attempt began.
	Upload pipeline.Upload
	// Kept is what the row's result held: for notify the outcome to send.
	Kept json.RawMessage
	// Spent counts the failed attempts of this run by class.
	Spent map[pipeline.Class]int
	// Removal is what the bucket announced of the object's removal; only for a check.
	Removal Removal
	// StartedAt is when the attempt began.
	StartedAt time.Time
	// Asked is when that was announced, or wished for by hand, which made the run necessary;
	// zero where an older version wished for it. A run that died was asked for before it died.
	Asked time.Time
	// Since is when the first attempt of this run began, now for the first.
	Since time.Time
	// Suspect says that an earlier attempt of this step was left unfinished by a worker
	// that vanished, or found it to be poison: it may kill the process that makes it. A
	// worker that was stopped in an orderly way accuses nobody.
	Suspect bool
}

// Holder names the attempt where it holds something.
func (a *OpenAttempt) Holder() string {
	return fmt.Sprintf("%s:%s:%d.%d@%s", a.Step, a.UploadID, a.Gen, a.N, a.Worker)
}

// StaleError says why a run cannot begin: it is not the newest, or the step has ended.
type StaleError struct {
	// Gen and State are those of the step now.
	Gen   int
	State pipeline.StepState
}

// Error says it in words.
func (e *StaleError) Error() string {
	return fmt.Sprintf("stale run: the step is %s at gen %d", e.State, e.Gen)
}

// Is makes errors.Is(err, ErrSuperseded) true.
func (e *StaleError) Is(target error) bool { return target == ErrSuperseded }

// Begin opens an attempt of a run. It fails with a *StaleError when the run is not the
// newest or not pending, with ErrNotFound when the ledger does not know the upload. An
// attempt of the same run that is still open is closed as interrupted: its worker
// vanished or will find itself superseded.
//
// hold is how long the sweep leaves the step alone while the worker gives no sign.
func (l *Ledger) Begin(ctx context.Context, run pipeline.Run, worker string, hold time.Duration) (*OpenAttempt, error) {
	var a *OpenAttempt
	err := l.write(ctx, "begin", func(ctx context.Context, tx bun.Tx) error {
		u, err := l.lockUpload(ctx, tx, run.UploadID)
		if err != nil {
			return err
		}
		row, err := stepOf(ctx, tx, run)
		if err != nil {
			return err
		}
		if row.Gen != run.Gen || row.State != string(pipeline.Pending) {
			return &StaleError{Gen: row.Gen, State: pipeline.StepState(row.State)}
		}
		a, err = l.begin(ctx, tx, u, row, worker, hold)
		return err
	})
	return a, err
}

func (l *Ledger) begin(
	ctx context.Context, tx bun.Tx, u *uploadRow, row *stepRow, worker string, hold time.Duration,
) (*OpenAttempt, error) {
	now := l.now()
	run := row.run()
	a := &OpenAttempt{
		Run: run, Worker: worker, Upload: u.upload(), Kept: rawJSON(row.Result),
		Asked: row.AskedAt.time(), Spent: map[pipeline.Class]int{}, StartedAt: now, Since: now, N: 1,
	}
	var err error
	if run.Step == pipeline.StepCheck {
		if a.Removal, err = removalOf(ctx, tx, run.UploadID); err != nil {
			return nil, err
		}
	}
	tries, err := attemptsOf(ctx, tx, run)
	if err != nil {
		return nil, err
	}
	for i, t := range tries {
		if i == 0 {
			a.Since = t.StartedAt.time()
		}
		a.N = t.N + 1
		if t.Class != "" && t.EndedAt != 0 {
			a.Spent[pipeline.Class(t.Class)]++
		}
	}
	if err := closeOpen(ctx, tx, run, worker, now); err != nil {
		return nil, err
	}
	if a.Suspect, err = suspect(ctx, tx, run); err != nil {
		return nil, err
	}
	if _, err := tx.NewInsert().Model(&attemptRow{
		UploadID: run.UploadID, Step: string(run.Step), Scope: run.Scope, Gen: run.Gen, N: a.N,
		Worker: worker, StartedAt: at(now),
	}).Exec(ctx); err != nil {
		return nil, err
	}
	row.StartedGen, row.SweepAfter, row.UpdatedAt = row.Gen, at(now.Add(hold)), at(now)
	return a, l.put(ctx, tx, row)
}

func attemptsOf(ctx context.Context, db bun.IDB, run pipeline.Run) ([]attemptRow, error) {
	var rows []attemptRow
	err := db.NewSelect().Model(&rows).
		Where("upload_id = ? AND step = ? AND scope = ? AND gen = ?", run.UploadID, string(run.Step), run.Scope, run.Gen).
		Order("n").Scan(ctx)
	return rows, err
}

// end closes the attempt and gives its step row. ErrSuperseded means that another
// attempt or a newer run has taken over.
func (a *OpenAttempt) end(ctx context.Context, tx bun.Tx, now time.Time, class pipeline.Class, msg string) (*stepRow, error) {
	r, err := tx.NewUpdate().Model((*attemptRow)(nil)).
		Set("ended_at = ?, class = ?, error = ?", int64(at(now)), string(class), text(msg, maxError)).
		Where("upload_id = ? AND step = ? AND scope = ? AND gen = ? AND n = ? AND ended_at = 0",
			a.UploadID, string(a.Step), a.Scope, a.Gen, a.N).Exec(ctx)
	if err != nil {
		return nil, err
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return nil, orSuperseded(err)
	}
	row, err := stepOf(ctx, tx, a.Run)
	if err != nil {
		return nil, err
	}
	if row.Gen != a.Gen || row.State != string(pipeline.Pending) {
		return nil, ErrSuperseded
	}
	return row, nil
}

func orSuperseded(err error) error {
	if err == nil {
		return ErrSuperseded
	}
	return err
}

// Retry ends an attempt that failed and will be tried again at readyAt.
func (l *Ledger) Retry(ctx context.Context, a *OpenAttempt, class pipeline.Class, cause error, readyAt time.Time) error {
	return l.write(ctx, "retry", func(ctx context.Context, tx bun.Tx) error {
		if err := l.lockUploads(ctx, tx, a.UploadID); err != nil {
			return err
		}
		now := l.now()
		row, err := a.end(ctx, tx, now, class, cause.Error())
		if err != nil {
			return err
		}
		row.ReadyAt, row.SweepAfter, row.UpdatedAt = at(readyAt), at(readyAt.Add(l.grace)), at(now)
		return l.put(ctx, tx, row)
	})
}

// Supersede ends an attempt that found other content than the last check saw, or none:
// the step stays skipped until the check, which it wishes for at checkAt or at once if
// that has passed, has looked again.
func (l *Ledger) Supersede(ctx context.Context, a *OpenAttempt, cause error, checkAt time.Time) ([]pipeline.Wish, error) {
	var w *wishes
	err := l.write(ctx, "supersede", func(ctx context.Context, tx bun.Tx) error {
		w = l.wishes(tx)
		if err := l.lockUploads(ctx, tx, a.UploadID); err != nil {
			return err
		}
		row, err := a.end(ctx, tx, w.now, pipeline.Superseded, cause.Error())
		if err != nil {
			return err
		}
		w.asked = row.AskedAt
		row.State, row.Detail = string(pipeline.Skipped), "the object is another one than the check saw"
		row.SweepAfter, row.UpdatedAt = 0, at(w.now)
		if err := l.put(ctx, tx, row); err != nil {
			return err
		}
		u, err := l.lockUpload(ctx, tx, a.UploadID)
		if err != nil {
			return err
		}
		// The check must take the later steps up again although it ended them.
		u.ETag = ""
		if _, err := tx.NewUpdate().Model(u).Column("etag").WherePK().Exec(ctx); err != nil {
			return err
		}
		if err := w.want(ctx, u, pipeline.StepCheck, "", ""); err != nil {
			return err
		}
		return w.notBefore(ctx, checkAt)
	})
	if err != nil {
		return nil, err
	}
	return w.list, nil
}

// Rechecks counts the attempts of a step that ended in Supersede since it last succeeded
// or died. Runs that a newer run overtook do not count.
func (l *Ledger) Rechecks(ctx context.Context, run pipeline.Run) (int, error) {
	var n int
	err := l.db.NewRaw(`SELECT COUNT(*) FROM attempts a
		WHERE a.upload_id = ? AND a.step = ? AND a.scope = ? AND a.class = ? AND a.error <> ''
		AND a.gen > COALESCE((SELECT MAX(s.gen) FROM attempts s WHERE s.upload_id = a.upload_id AND s.step = a.step
			AND s.scope = a.scope AND s.ended_at <> 0 AND s.class = ''), 0)
		AND a.gen > COALESCE((SELECT MAX(d.gen) FROM dead_letters d WHERE d.upload_id = a.upload_id AND d.step = a.step
			AND d.scope = a.scope), 0)`,
		run.UploadID, string(run.Step), run.Scope, string(pipeline.Superseded)).Scan(ctx, &n)
	return n, classed("rechecks", err)
}

// Late closes an attempt that found itself superseded. With again, which is for one that
// may have written what is not the newest, it wishes for another run of the step.
func (l *Ledger) Late(ctx context.Context, a *OpenAttempt, again bool) ([]pipeline.Wish, error) {
	run := a.Run
	var w *wishes
	err := l.write(ctx, "late", func(ctx context.Context, tx bun.Tx) error {
		w = l.wishes(tx)
		if err := l.lockUploads(ctx, tx, run.UploadID); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Model((*attemptRow)(nil)).
			Set("ended_at = ?, class = ?", int64(at(w.now)), string(pipeline.Superseded)).
			Where("upload_id = ? AND step = ? AND scope = ? AND gen = ? AND n = ? AND ended_at = 0",
				run.UploadID, string(run.Step), run.Scope, run.Gen, a.N).Exec(ctx)
		if err != nil || !again {
			return err
		}
		u, err := l.lockUpload(ctx, tx, run.UploadID)
		if err != nil {
			return err
		}
		return w.want(ctx, u, run.Step, run.Scope, "")
	})
	if err != nil {
		return nil, err
	}
	return w.list, nil
}

// lateWrites wishes for the steps whose older run ended unheard: it may have written after
// the newer run did.
func (w *wishes) lateWrites(ctx context.Context, ended []attemptRow) error {
	for i := range ended {
		o := &ended[i]
		if s := pipeline.Step(o.Step); s != pipeline.StepThumbnail && s != pipeline.StepWarm {
			continue
		}
		u, err := w.l.lockUpload(ctx, w.tx, o.UploadID)
		if err != nil {
			return err
		}
		row, err := stepOf(ctx, w.tx, pipeline.Run{UploadID: o.UploadID, Step: pipeline.Step(o.Step), Scope: o.Scope})
		if err != nil {
			return err
		}
		if row.Gen == o.Gen {
			continue
		}
		if err := w.want(ctx, u, pipeline.Step(o.Step), o.Scope, ""); err != nil {
			return err
		}
	}
	return nil
}
