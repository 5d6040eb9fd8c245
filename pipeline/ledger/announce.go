package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// Announced is what became of one announcement.
type Announced struct {
	UploadID string
	// FileID is the name that orders hold for it: that of the first announcement. Empty
	// where the ledger kept nothing.
	FileID string
	// New says that the ledger had not seen the object before.
	New bool
}

// AnnounceResult is what became of one call of Announce.
type AnnounceResult struct {
	// Announced answers the announcements by position.
	Announced []Announced
	// Replayed says that the inbound ID was seen before, so that nothing was changed.
	Replayed bool
	// Wishes are the runs to enqueue.
	Wishes []pipeline.Wish
}

// Announce records announcements in one transaction: uploads, links to orders and a
// pending check for each. Announcing the same object again changes nothing but its
// count, adds the link if that is new, and wishes for another check when the last one
// has started already.
//
// inboundID names the request for senders that repeat theirs (webhook-id); "" for none.
func (l *Ledger) Announce(ctx context.Context, inboundID string, anns []pipeline.Announcement) (AnnounceResult, error) {
	var res AnnounceResult
	err := l.write(ctx, "announce", func(ctx context.Context, tx bun.Tx) error {
		w := l.wishes(tx)
		res = AnnounceResult{Announced: make([]Announced, 0, len(anns))}
		fresh, err := l.rememberInbound(ctx, tx, inboundID)
		if err != nil {
			return err
		}
		res.Replayed = !fresh
		ids := make([]string, 0, len(anns))
		for _, a := range anns {
			ids = append(ids, pipeline.UploadID(a.Bucket, a.Key))
		}
		if err := l.lockUploads(ctx, tx, ids...); err != nil {
			return err
		}
		for _, a := range anns {
			if !fresh {
				res.Announced = append(res.Announced, Announced{UploadID: pipeline.UploadID(a.Bucket, a.Key)})
				continue
			}
			one, err := w.announce(ctx, a)
			if err != nil {
				return err
			}
			res.Announced = append(res.Announced, one)
		}
		res.Wishes = w.list
		return nil
	})
	return res, err
}

func (l *Ledger) rememberInbound(ctx context.Context, tx bun.Tx, id string) (fresh bool, err error) {
	if id == "" {
		return true, nil
	}
	var seen int
	if err := tx.NewRaw("SELECT COUNT(*) FROM inbound_ids WHERE id = ?", id).Scan(ctx, &seen); err != nil || seen > 0 {
		return false, err
	}
	_, err = tx.NewRaw("INSERT INTO inbound_ids (id, received_at) VALUES (?, ?)", id, int64(at(l.now()))).Exec(ctx)
	return true, err
}

func (w *wishes) announce(ctx context.Context, a pipeline.Announcement) (Announced, error) {
	id := pipeline.UploadID(a.Bucket, a.Key)
	u, err := w.l.lockUpload(ctx, w.tx, id)
	isNew := errors.Is(err, ErrNotFound)
	if isNew || err == nil {
		if err := w.markRemoval(ctx, id, a.Removed); err != nil {
			return Announced{}, err
		}
	}
	switch {
	case isNew && a.Removed:
		// There is nothing to look after, but its creation may be announced later.
		return Announced{UploadID: id}, nil
	case err == nil && a.Removed:
		if given, err := w.givenUp(ctx, u); err != nil || given {
			return Announced{UploadID: id, FileID: u.FileID}, err
		}
	}
	switch {
	case isNew:
		u = &uploadRow{
			ID: id, Bucket: a.Bucket, ObjectKey: a.Key, FileID: a.FileID, Owner: a.Owner, Source: a.Source,
			Announcements: 1, CreatedAt: at(w.now), UpdatedAt: at(w.now),
		}
		_, err = w.tx.NewInsert().Model(u).Exec(ctx)
	case err == nil:
		u.Announcements++
		if u.Owner == "" {
			u.Owner = a.Owner
		}
		u.UpdatedAt = at(w.now)
		_, err = w.tx.NewUpdate().Model(u).Column("announcements", "owner", "updated_at").WherePK().Exec(ctx)
	}
	if err != nil {
		return Announced{}, err
	}
	if a.Order != "" {
		if err := w.link(ctx, u, a); err != nil {
			return Announced{}, err
		}
	}
	return Announced{UploadID: id, FileID: u.FileID, New: isNew}, w.want(ctx, u, pipeline.StepCheck, "", "")
}

// givenUp tells that an operator discarded the check of an upload that no check has ever
// seen: that its object is removed then tells nothing, and must not open its letter again.
func (w *wishes) givenUp(ctx context.Context, u *uploadRow) (bool, error) {
	if u.CheckedAt != 0 {
		return false, nil
	}
	check, err := stepOf(ctx, w.tx, pipeline.Run{UploadID: u.ID, Step: pipeline.StepCheck})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil && check.State == string(pipeline.Discarded), err
}

// link ties the upload to the order. An announcement that knows its batch or position
// completes a link that came without; what is known is never overwritten.
func (w *wishes) link(ctx context.Context, u *uploadRow, a pipeline.Announcement) error {
	var rows []linkRow
	err := w.tx.NewSelect().Model(&rows).Where("order_id = ? AND upload_id = ?", a.Order, u.ID).Scan(ctx)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		_, err = w.tx.NewInsert().Model(&linkRow{
			OrderID: a.Order, UploadID: u.ID, Batch: a.Batch, Position: a.Position, CreatedAt: at(w.now),
		}).Exec(ctx)
		return err
	}
	k := &rows[0]
	switch {
	case k.Batch == "" && a.Batch != "":
		k.Batch = a.Batch
		if a.Position != nil {
			k.Position = a.Position
		}
	case k.Position == nil && a.Position != nil:
		k.Position = a.Position
	default:
		return nil
	}
	if _, err := w.tx.NewUpdate().Model(k).Column("batch", "position").WherePK().Exec(ctx); err != nil {
		return fmt.Errorf("link %s to order: %w", u.ID, err)
	}
	// The place of an entry that may stand in the order already has changed.
	if _, err := stepOf(ctx, w.tx, pipeline.Run{UploadID: u.ID, Step: pipeline.StepAttach, Scope: a.Order}); err == nil {
		return w.want(ctx, u, pipeline.StepAttach, a.Order, "")
	}
	return nil
}
