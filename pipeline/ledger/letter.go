package ledger

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"regexp"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// Death is why a step dies.
type Death struct {
	Class pipeline.Class
	Cause error
	// TaskType and Payload are the task as Redis held it.
	TaskType string
	Payload  []byte
}

// Bury ends an attempt whose step will not succeed without a person: the step is dead
// and its letter open. There is one letter for each step of an upload; it is opened
// again when the step dies again.
func (l *Ledger) Bury(ctx context.Context, a *OpenAttempt, d Death) (letterID int64, made []pipeline.Wish, err error) {
	err = l.write(ctx, "bury", func(ctx context.Context, tx bun.Tx) error {
		w := l.wishes(tx)
		if err := l.lockUploads(ctx, tx, a.UploadID); err != nil {
			return err
		}
		row, err := a.end(ctx, tx, w.now, d.Class, d.Cause.Error())
		if err != nil {
			return err
		}
		w.asked = row.AskedAt
		row.State, row.Code, row.Detail = string(pipeline.Dead), "", text(d.Cause.Error(), 500)
		row.SweepAfter, row.ReadyAt, row.UpdatedAt = 0, 0, at(w.now)
		if err := l.put(ctx, tx, row); err != nil {
			return err
		}
		letterID, err = openLetter(ctx, tx, &letterRow{
			UploadID: a.UploadID, Step: string(a.Step), Scope: a.Scope, Gen: a.Gen,
			TaskType: d.TaskType, Payload: text(string(d.Payload), maxPayload), Class: string(d.Class),
			Code: string(pipeline.CodeOf(d.Cause)), Error: text(d.Cause.Error(), maxError),
			Fingerprint: fingerprint(d.Class, a.Step, d.Cause.Error()),
			Attempts:    a.N, DiedAt: at(w.now), State: string(pipeline.LetterOpen), UpdatedAt: at(w.now),
		})
		if err != nil {
			return err
		}
		u, err := l.lockUpload(ctx, tx, a.UploadID)
		if err != nil {
			return err
		}
		err = w.settle(ctx, u)
		made = w.list
		return err
	})
	return letterID, made, err
}

func openLetter(ctx context.Context, tx bun.Tx, row *letterRow) (int64, error) {
	old := new(letterRow)
	err := tx.NewSelect().Model(old).
		Where("upload_id = ? AND step = ? AND scope = ? AND upload_id != ''", row.UploadID, row.Step, row.Scope).Scan(ctx)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		_, err = tx.NewInsert().Model(row).Exec(ctx)
		return row.ID, err
	case err != nil:
		return 0, err
	}
	row.ID, row.Note = old.ID, old.Note
	_, err = tx.NewUpdate().Model(row).WherePK().Exec(ctx)
	return row.ID, err
}

// BuryRaw keeps a task that nobody can read as a letter of class bug. The same task
// twice is one letter.
func (l *Ledger) BuryRaw(ctx context.Context, taskType string, payload []byte, cause error) error {
	_, err := l.buryRaw(ctx, &letterRow{TaskType: taskType, Payload: text(string(payload), maxPayload), Class: string(pipeline.Bug)}, payload, cause)
	return err
}

// BuryBody keeps what came through a door and could not be understood as a letter of
// class invalid, and gives the letter. door names where it came in, such as
// events/eventbridge. The same body twice is one letter. At most 1 MiB of it is kept.
func (l *Ledger) BuryBody(ctx context.Context, door string, body []byte, cause error) (letterID int64, err error) {
	return l.buryRaw(ctx, &letterRow{TaskType: door, Payload: text(string(body), maxBody), Class: string(pipeline.Invalid)}, body, cause)
}

func (l *Ledger) buryRaw(ctx context.Context, row *letterRow, payload []byte, cause error) (id int64, err error) {
	sum := sha256.Sum256(append([]byte(row.TaskType+"\x00"), payload...))
	now := at(l.now())
	row.TaskType, row.Error, row.Code = text(row.TaskType, 200), text(cause.Error(), maxError), string(pipeline.CodeOf(cause))
	row.Fingerprint, row.Attempts, row.State = hex.EncodeToString(sum[:8]), 1, string(pipeline.LetterOpen)
	row.DiedAt, row.UpdatedAt = now, now
	err = l.write(ctx, "buryRaw", func(ctx context.Context, tx bun.Tx) error {
		err := tx.NewRaw("SELECT id FROM dead_letters WHERE fingerprint = ? AND upload_id = ''", row.Fingerprint).Scan(ctx, &id)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		fresh := *row
		_, err = tx.NewInsert().Model(&fresh).Exec(ctx)
		id = fresh.ID
		return err
	})
	return id, err
}

// Replay gives the step of an open letter a fresh budget: its gen rises. The wish is
// what to enqueue; it is nil where the step is under way or done already. It stands in
// the audit trail in the name of who.
func (l *Ledger) Replay(ctx context.Context, letterID int64, who, note string) ([]pipeline.Wish, error) {
	return l.act(ctx, letterID, pipeline.LetterReplayed, note, nil, who)
}

// ReplayRun is Replay for the letter of a run, for an operator who pressed Run on the
// archived task.
func (l *Ledger) ReplayRun(ctx context.Context, run pipeline.Run, who string) ([]pipeline.Wish, error) {
	row := new(letterRow)
	err := l.db.NewSelect().Model(row).Where("upload_id = ? AND step = ? AND scope = ? AND state = ?",
		run.UploadID, string(run.Step), run.Scope, string(pipeline.LetterOpen)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ErrNotOpen
	}
	if err != nil {
		return nil, classed("replayRun", err)
	}
	return l.Replay(ctx, row.ID, who, "Run on the archived task")
}

func resolveLetters(ctx context.Context, tx bun.Tx, run pipeline.Run, now time.Time) error {
	_, err := tx.NewUpdate().Model((*letterRow)(nil)).
		Set("state = ?, updated_at = ?", string(pipeline.LetterResolved), int64(at(now))).
		Where("upload_id = ? AND step = ? AND scope = ? AND state IN (?, ?)", run.UploadID, string(run.Step), run.Scope,
			string(pipeline.LetterOpen), string(pipeline.LetterReplayed)).Exec(ctx)
	return err
}

// The parts of an error that differ between letters of the same cause: quoted names,
// hex, numbers.
var varying = regexp.MustCompile(`"[^"]*"|[0-9a-f]{8,}|[0-9]+`)

// fingerprint groups letters that died of the same cause.
func fingerprint(class pipeline.Class, step pipeline.Step, msg string) string {
	sum := sha256.Sum256([]byte(string(class) + "\x00" + string(step) + "\x00" + varying.ReplaceAllString(msg, "?")))
	return hex.EncodeToString(sum[:4])
}
