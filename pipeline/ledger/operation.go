package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
)

// Operation is one row of the audit trail: what a person did to many rows at once.
type Operation struct {
	// ID is 0 for a new row.
	ID int64
	// At is when it began; Record sets it.
	At time.Time
	// Who and What name the person and the command.
	Who, What string
	// Filter is what it worked on, in the words of the command line.
	Filter string
	// Note is why.
	Note string
	// Counts is what came of it, as JSON; empty while it runs.
	Counts string
}

// Record writes an operation to the audit trail and gives its ID. With an ID it only
// sets the counts of that row: a command records when it begins, so that one that is
// killed has left its trace, and again when it ends.
func (l *Ledger) Record(ctx context.Context, op Operation) (id int64, err error) {
	err = l.write(ctx, "record", func(ctx context.Context, tx bun.Tx) error {
		if op.ID != 0 {
			id = op.ID
			_, err := tx.NewRaw("UPDATE operations SET counts = ? WHERE id = ?", op.Counts, op.ID).Exec(ctx)
			return err
		}
		row := &operationRow{At: at(l.now()), Who: op.Who, What: op.What, Filter: op.Filter, Note: op.Note, Counts: op.Counts}
		err := record(ctx, tx, row)
		id = row.ID
		return err
	})
	return id, err
}

// record writes a row of the audit trail and sets its ID.
func record(ctx context.Context, tx bun.Tx, row *operationRow) error {
	row.Who, row.Filter, row.Note = text(row.Who, maxError), text(row.Filter, maxPayload), text(row.Note, maxError)
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	return err
}

// Operation reads one row of the audit trail.
func (l *Ledger) Operation(ctx context.Context, id int64) (Operation, error) {
	row := new(operationRow)
	err := l.db.NewSelect().Model(row).Where("id = ?", id).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Operation{}, ErrNotFound
	}
	return Operation{
		ID: row.ID, At: row.At.time(), Who: row.Who, What: row.What, Filter: row.Filter, Note: row.Note, Counts: row.Counts,
	}, classed("operation", err)
}

type operationRow struct {
	bun.BaseModel `bun:"table:operations,alias:o"`

	ID     int64  `bun:"id,pk,autoincrement"`
	At     micros `bun:"at"`
	Who    string `bun:"who"`
	What   string `bun:"what"`
	Filter string `bun:"filter"`
	Note   string `bun:"note"`
	Counts string `bun:"counts"`
}
