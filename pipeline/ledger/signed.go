package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// Signed is an upload that was signed for: what the signer knew of the object before
// there was one.
type Signed struct {
	// Bucket is the full bucket name, Key the one key that the signature allows.
	Bucket, Key string
	// Owner is the openid that it was signed for.
	Owner string
	// Order is the order that the file is for; empty for none.
	Order string
	// Position is the place in the order, from 0; nil where unknown.
	Position *int
	// ExpiresAt is when the signature ends. Prune lets the row go some time after it.
	ExpiresAt time.Time
}

type signedRow struct {
	bun.BaseModel `bun:"table:signed_keys,alias:g"`

	UploadID  string `bun:"upload_id,pk"`
	Bucket    string `bun:"bucket"`
	ObjectKey string `bun:"object_key"`
	Owner     string `bun:"owner"`
	OrderID   string `bun:"order_id"`
	Position  *int   `bun:"position"`
	ExpiresAt micros `bun:"expires_at"`
	CreatedAt micros `bun:"created_at"`
}

func (r *signedRow) signed() Signed {
	return Signed{
		Bucket: r.Bucket, Key: r.ObjectKey, Owner: r.Owner, Order: r.OrderID, Position: r.Position,
		ExpiresAt: r.ExpiresAt.time(),
	}
}

// Sign records a key before its signature is given away. A key that was signed before is
// an error of class Conflict and nothing is changed: no second caller may have it.
func (l *Ledger) Sign(ctx context.Context, s Signed) error {
	return l.write(ctx, "sign", func(ctx context.Context, tx bun.Tx) error {
		id := pipeline.UploadID(s.Bucket, s.Key)
		var known int
		if err := tx.NewRaw("SELECT COUNT(*) FROM signed_keys WHERE upload_id = ?", id).Scan(ctx, &known); err != nil {
			return err
		}
		if known > 0 {
			return pipeline.Errorf(pipeline.Conflict, "ledger.sign", s.Key, "the key was signed before")
		}
		_, err := tx.NewRaw(`INSERT INTO signed_keys
			(upload_id, bucket, object_key, owner, order_id, position, expires_at, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			id, s.Bucket, s.Key, s.Owner, s.Order, s.Position, int64(at(s.ExpiresAt)), int64(at(l.now()))).Exec(ctx)
		return err
	})
}

// Signed gives what was signed for, by upload ID, of those uploads that were. Whether the
// signature still holds does not matter: the upload is what came of it.
func (l *Ledger) Signed(ctx context.Context, uploadIDs ...string) (map[string]Signed, error) {
	known := make(map[string]Signed, len(uploadIDs))
	if len(uploadIDs) == 0 {
		return known, nil
	}
	var rows []signedRow
	err := l.db.NewSelect().Model(&rows).Where("g.upload_id IN (?)", bun.List(uploadIDs)).Scan(ctx)
	for i := range rows {
		known[rows[i].UploadID] = rows[i].signed()
	}
	return known, classed("signed", err)
}

// EraseSigned removes at most limit of the keys that were signed for an owner and tells
// how many there were.
func (l *Ledger) EraseSigned(ctx context.Context, owner string, limit int) (int, error) {
	gone := 0
	err := l.write(ctx, "eraseSigned", func(ctx context.Context, tx bun.Tx) error {
		gone = 0
		var ids []string
		err := tx.NewRaw("SELECT upload_id FROM signed_keys WHERE owner = ? LIMIT ?", owner, limit).Scan(ctx, &ids)
		if err != nil || len(ids) == 0 {
			return err
		}
		res, err := tx.NewRaw("DELETE FROM signed_keys WHERE upload_id IN (?)", bun.List(ids)).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		gone = int(n)
		return err
	})
	return gone, err
}
