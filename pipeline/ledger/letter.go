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
		row, err := a.end(ctx, tx, w.now, d.Class, d.Cause.Error())
		if err != nil {
			return err
		}
		row.State, row.Code, row.Detail = string(pipeline.Dead), "", text(d.Cause.Error(), 500)
		row.SweepAfter, row.ReadyAt, row.UpdatedAt = 0, 0, at(w.now)
		if err := put(ctx, tx, row); err != nil {
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
		u, err := uploadOf(ctx, tx, a.UploadID)
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
	sum := sha256.Sum256(append([]byte(taskType+"\x00"), payload...))
	return l.write(ctx, "buryRaw", func(ctx context.Context, tx bun.Tx) error {
		now := at(l.now())
		_, err := tx.NewInsert().Model(&letterRow{
			TaskType: text(taskType, 200), Payload: text(string(payload), maxPayload), Class: string(pipeline.Bug),
			Error: text(cause.Error(), maxError),
			Code:  string(pipeline.CodeOf(cause)), Fingerprint: hex.EncodeToString(sum[:8]), Attempts: 1,
			DiedAt: now, State: string(pipeline.LetterOpen), UpdatedAt: now,
		}).On("CONFLICT (fingerprint) WHERE upload_id = '' DO NOTHING").Exec(ctx)
		return err
	})
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
