package ledger

import (
	"context"

	"github.com/uptrace/bun"
)

// Card is what a list of tasks shows of an upload.
type Card struct {
	UploadID, Bucket, Key, Owner string
	// Orders are those that it is linked to, the oldest link first.
	Orders []string
}

// Cards reads the cards of uploads, by their IDs; unknown ones are left out. It is meant
// for a page of some hundred.
func (l *Ledger) Cards(ctx context.Context, uploadIDs []string) (map[string]Card, error) {
	cards := make(map[string]Card, len(uploadIDs))
	if len(uploadIDs) == 0 {
		return cards, nil
	}
	var uploads []uploadRow
	err := l.db.NewSelect().Model(&uploads).Column("id", "bucket", "object_key", "owner").
		Where("u.id IN (?)", bun.List(uploadIDs)).Scan(ctx)
	if err != nil {
		return nil, classed("cards", err)
	}
	for i := range uploads {
		u := &uploads[i]
		cards[u.ID] = Card{UploadID: u.ID, Bucket: u.Bucket, Key: u.ObjectKey, Owner: u.Owner}
	}
	var links []linkRow
	err = l.db.NewSelect().Model(&links).Column("order_id", "upload_id").
		Where("k.upload_id IN (?)", bun.List(uploadIDs)).Order("k.seq").Scan(ctx)
	for _, k := range links {
		c := cards[k.UploadID]
		c.Orders = append(c.Orders, k.OrderID)
		cards[k.UploadID] = c
	}
	return cards, classed("cards", err)
}
