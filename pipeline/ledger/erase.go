package ledger

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// Owned counts what the ledger holds of one owner.
type Owned struct {
	Uploads  int `json:"uploads"`
	InFlight int `json:"inFlight"`
	Links    int `json:"links"`
	Letters  int `json:"letters"`
	Attempts int `json:"attempts"`
}

// Owned counts what the ledger holds of an owner.
func (l *Ledger) Owned(ctx context.Context, owner string) (Owned, error) {
	var o Owned
	const of = ` x JOIN uploads u ON u.id = x.upload_id WHERE u.owner = ?0),`
	err := l.db.NewRaw(`SELECT
		(SELECT COUNT(*) FROM order_links`+of+`
		(SELECT COUNT(*) FROM dead_letters`+of+`
		(SELECT COUNT(*) FROM attempts`+of+`
		(SELECT COUNT(*) FROM uploads u WHERE u.owner = ?0 AND `+someStep+`'pending')),
		(SELECT COUNT(*) FROM uploads u WHERE u.owner = ?0)`, owner).
		Scan(ctx, &o.Links, &o.Letters, &o.Attempts, &o.InFlight, &o.Uploads)
	return o, classed("owned", err)
}

// OwnerUploads pages through the uploads of an owner by ID, from the one after the given.
func (l *Ledger) OwnerUploads(ctx context.Context, owner, after string, limit int) ([]pipeline.Upload, error) {
	var rows []uploadRow
	err := l.db.NewSelect().Model(&rows).Where("u.owner = ? AND u.id > ?", owner, after).Order("id").Limit(int64(limit)).Scan(ctx)
	return uploadsOf(rows), classed("ownerUploads", err)
}

// Erase removes an upload with its steps, attempts, links and letters, and the memory of
// orders that have no other link. One in flight is an error of class Conflict and stays;
// one that is not there is no error.
func (l *Ledger) Erase(ctx context.Context, uploadID string) error {
	return l.write(ctx, "erase", func(ctx context.Context, tx bun.Tx) error {
		if err := l.lockUploads(ctx, tx, uploadID); err != nil {
			return err
		}
		var pending int
		err := tx.NewRaw("SELECT COUNT(*) FROM upload_steps WHERE upload_id = ? AND state = 'pending'", uploadID).Scan(ctx, &pending)
		if err != nil {
			return err
		}
		if pending > 0 {
			return pipeline.Errorf(pipeline.Conflict, "ledger.erase", uploadID, "the upload is in flight")
		}
		orders, err := ordersOf(ctx, tx, uploadID)
		if err != nil {
			return err
		}
		for _, order := range orders {
			if err := forgetOrderEvents(ctx, tx, order); err != nil {
				return err
			}
		}
		for _, table := range []string{"attempts", "dead_letters", "upload_steps", "order_links", "removals"} {
			if _, err := tx.NewRaw("DELETE FROM "+table+" WHERE upload_id = ?", uploadID).Exec(ctx); err != nil {
				return err
			}
		}
		for _, order := range orders {
			_, err := tx.NewRaw(`DELETE FROM order_state WHERE order_id = ? AND lock_owner = '' AND intent = ''
				AND NOT EXISTS (SELECT 1 FROM order_links k WHERE k.order_id = ?)`, order, order).Exec(ctx)
			if err != nil {
				return err
			}
		}
		_, err = tx.NewRaw("DELETE FROM uploads WHERE id = ?", uploadID).Exec(ctx)
		return err
	})
}
