package ledger

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"
)

// Removal is what the bucket announced about the removal of an object since a check last
// decided on it.
type Removal int

// What may have been announced.
const (
	// NotRemoved: no removal.
	NotRemoved Removal = iota
	// RemovedBefore: a removal, and afterwards the object again. Events come in any order,
	// so that both may be the last word: the object may be on its way.
	RemovedBefore
	// RemovedLast: a removal, and nothing afterwards. There is nothing to wait for.
	RemovedLast
)

// markRemoval marks an object whose removal was announced, known or not, and notes when
// it is announced again afterwards.
func (w *wishes) markRemoval(ctx context.Context, uploadID string, removed bool) error {
	if !removed {
		_, err := w.tx.NewRaw("UPDATE removals SET again = TRUE WHERE upload_id = ?", uploadID).Exec(ctx)
		return err
	}
	_, err := w.tx.NewRaw("INSERT INTO removals (upload_id, announced_at, again) VALUES (?, ?, FALSE)"+
		w.l.db.Upsert([]string{"upload_id"}, []string{"announced_at", "again"}), uploadID, int64(at(w.now))).Exec(ctx)
	return err
}

// forgetRemoval takes the mark away: a check has decided.
func forgetRemoval(ctx context.Context, tx bun.Tx, uploadID string) error {
	_, err := tx.NewRaw("DELETE FROM removals WHERE upload_id = ?", uploadID).Exec(ctx)
	return err
}

func removalOf(ctx context.Context, tx bun.Tx, uploadID string) (Removal, error) {
	var again bool
	err := tx.NewRaw("SELECT again FROM removals WHERE upload_id = ?", uploadID).Scan(ctx, &again)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return NotRemoved, nil
	case err != nil || again:
		return RemovedBefore, err
	}
	return RemovedLast, nil
}
