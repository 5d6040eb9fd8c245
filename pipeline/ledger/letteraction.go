package ledger

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// Discard gives up on an open letter: its step is discarded, and the upload settles as
// discarded where nothing else is pending or dead. The wishes are what to enqueue: the
// outcome is notified. It stands in the audit trail in the name of who.
func (l *Ledger) Discard(ctx context.Context, letterID int64, who, note string) ([]pipeline.Wish, error) {
	return l.act(ctx, letterID, pipeline.LetterDiscarded, note, nil, who)
}

// ReplayLetter is Replay for a letter that was listed: by compare-and-set, so that a
// letter which somebody else replayed since, also one that died again, is ErrNotOpen.
// It leaves the audit trail to the caller, who has one row for the whole command.
func (l *Ledger) ReplayLetter(ctx context.Context, seen pipeline.Letter, note string) ([]pipeline.Wish, error) {
	return l.act(ctx, seen.ID, pipeline.LetterReplayed, note, &seen, "")
}

// DiscardLetter is Discard for a letter that was listed, as ReplayLetter is Replay.
func (l *Ledger) DiscardLetter(ctx context.Context, seen pipeline.Letter, note string) ([]pipeline.Wish, error) {
	return l.act(ctx, seen.ID, pipeline.LetterDiscarded, note, &seen, "")
}

// act gives an open letter another state in one transaction, and its step what follows. seen is nil where the
// letter need not be as it was listed; then who stands in the audit trail.
func (l *Ledger) act(
	ctx context.Context, id int64, to pipeline.LetterState, note string, seen *pipeline.Letter, who string,
) (made []pipeline.Wish, err error) {
	name, step := "replay", (*wishes).replay
	if to == pipeline.LetterDiscarded {
		name, step = "discard", (*wishes).discard
	}
	err = l.write(ctx, name, func(ctx context.Context, tx bun.Tx) error {
		made = nil
		w := l.wishes(tx)
		row, err := l.openRow(ctx, tx, id)
		if err != nil {
			return err
		}
		if seen != nil && row.Gen != seen.Gen {
			return ErrNotOpen
		}
		if err := step(w, ctx, row); err != nil {
			return err
		}
		row.State, row.Note, row.UpdatedAt = string(to), text(note, maxError), at(w.now)
		if _, err := tx.NewUpdate().Model(row).Column("state", "note", "updated_at").WherePK().Exec(ctx); err != nil {
			return err
		}
		made = w.list
		if seen != nil {
			return nil
		}
		return record(ctx, tx, &operationRow{At: at(w.now), Who: who, What: name, Filter: "letter " + itoa(row.ID), Note: note, Counts: "1"})
	})
	return made, err
}

// openRow reads an open letter that is going to change, after it locked its upload.
func (l *Ledger) openRow(ctx context.Context, tx bun.Tx, id int64) (*letterRow, error) {
	row := new(letterRow)
	if err := found(tx.NewSelect().Model(row).Column("upload_id").Where("id = ?", id).Scan(ctx)); err != nil {
		return nil, err
	}
	if err := l.lockUploads(ctx, tx, row.UploadID); err != nil {
		return nil, err
	}
	err := found(l.db.ForUpdate(tx.NewSelect().Model(row).Where("id = ?", id)).Scan(ctx))
	if err == nil && row.State != string(pipeline.LetterOpen) {
		err = ErrNotOpen
	}
	return row, err
}

func (w *wishes) replay(ctx context.Context, row *letterRow) error {
	if row.UploadID == "" {
		return pipeline.Errorf(pipeline.Invalid, "ledger.replay", "", "the letter holds a task that nobody can read: announce the file again instead")
	}
	u, step, err := w.dead(ctx, row)
	if err != nil || step.State != string(pipeline.Dead) {
		return err
	}
	return w.want(ctx, u, pipeline.Step(row.Step), row.Scope, step.Result)
}

func (w *wishes) discard(ctx context.Context, row *letterRow) error {
	if row.UploadID == "" {
		return nil
	}
	u, step, err := w.dead(ctx, row)
	if err != nil || step.State != string(pipeline.Dead) {
		return err
	}
	step.State, step.UpdatedAt = string(pipeline.Discarded), at(w.now)
	if err := w.l.put(ctx, w.tx, step); err != nil {
		return err
	}
	return w.settle(ctx, u)
}

// dead reads the upload and the step that a letter is about.
func (w *wishes) dead(ctx context.Context, row *letterRow) (*uploadRow, *stepRow, error) {
	u, err := w.l.lockUpload(ctx, w.tx, row.UploadID)
	if err != nil {
		return nil, nil, err
	}
	step, err := stepOf(ctx, w.tx, pipeline.Run{UploadID: row.UploadID, Step: pipeline.Step(row.Step), Scope: row.Scope})
	return u, step, err
}
