package ledger

import (
	"context"
	"errors"
	"strings"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// KeyRange names a page of a bucket's uploads in the order of their keys' UTF-8 bytes,
// which is the order of a bucket's listing.
type KeyRange struct {
	// Bucket is the full bucket name.
	Bucket string
	// Prefix is what the keys begin with; empty for all.
	Prefix string
	// After is the key that the page comes after; empty for the first page.
	After string
	// Limit is the page size; 0 means 1000.
	Limit int
}

// KeyedUpload is an upload with what a comparison with the bucket needs.
type KeyedUpload struct {
	pipeline.Upload
	// Steps are its steps, without their results.
	Steps []pipeline.StepRecord
	// Unattached are its links to orders that never held it.
	Unattached []pipeline.Link
}

// UploadsByKey reads one page. A page that is shorter than its limit is the last.
func (l *Ledger) UploadsByKey(ctx context.Context, r KeyRange) ([]KeyedUpload, error) {
	if r.Limit <= 0 {
		r.Limit = 1000
	}
	var rows []uploadRow
	err := l.db.NewSelect().Model(&rows).
		Where("u.object_key >= ? AND u.object_key > ? AND u.bucket = ?", r.Prefix, r.After, r.Bucket).
		Order("u.object_key").Limit(int64(r.Limit)).Scan(ctx)
	if err != nil {
		return nil, classed("uploadsByKey", err)
	}
	page := make([]KeyedUpload, 0, len(rows))
	at := make(map[string]int, len(rows))
	ids := make([]string, 0, len(rows))
	for i := range rows {
		if !strings.HasPrefix(rows[i].ObjectKey, r.Prefix) {
			break // the keys with the prefix stand together
		}
		at[rows[i].ID] = len(page)
		ids = append(ids, rows[i].ID)
		page = append(page, KeyedUpload{Upload: rows[i].upload()})
	}
	if len(page) == 0 {
		return nil, nil
	}
	return page, classed("uploadsByKey", l.complete(ctx, page, at, ids))
}

// complete adds steps and links to a page; at finds an upload's place by its ID.
func (l *Ledger) complete(ctx context.Context, page []KeyedUpload, at map[string]int, ids []string) error {
	var steps []stepRow
	if err := l.db.NewSelect().Model(&steps).ExcludeColumn("result").
		Where("upload_id IN (?)", bun.List(ids)).Order("upload_id", "step", "scope").Scan(ctx); err != nil {
		return err
	}
	for i := range steps {
		u := &page[at[steps[i].UploadID]]
		u.Steps = append(u.Steps, steps[i].record())
	}
	var links []linkRow
	if err := l.db.NewSelect().Model(&links).
		Where("upload_id IN (?) AND attached = ?", bun.List(ids), false).Order("seq").Scan(ctx); err != nil {
		return err
	}
	for _, k := range links {
		u := &page[at[k.UploadID]]
		u.Unattached = append(u.Unattached, pipeline.Link{
			Seq: k.Seq, Order: k.OrderID, UploadID: k.UploadID, FileID: u.FileID, Owner: u.Owner,
			Batch: k.Batch, Position: k.Position, CreatedAt: k.CreatedAt.time(), Live: u.Accepted(),
		})
	}
	return nil
}

// Reconsider wishes for another run of a step that ended by itself, or that was never
// taken up. It gives nothing for one that is pending, which runs anyway, and for one
// that is dead or discarded, which is for a person to decide.
func (l *Ledger) Reconsider(ctx context.Context, run pipeline.Run) ([]pipeline.Wish, error) {
	var w *wishes
	err := l.write(ctx, "reconsider", func(ctx context.Context, tx bun.Tx) error {
		w = l.wishes(tx)
		u, err := l.lockUpload(ctx, tx, run.UploadID)
		if err != nil {
			return err
		}
		row, err := stepOf(ctx, tx, run)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err == nil && row.State != string(pipeline.Done) && row.State != string(pipeline.Skipped) {
			return nil
		}
		return w.want(ctx, u, run.Step, run.Scope, "")
	})
	if err != nil {
		return nil, err
	}
	return w.list, nil
}

// Regenerate wishes for another run of the thumbnails of an accepted upload, if they are
// done or were skipped. That run trusts what keep leaves of the last one's result; keep
// tells with false that there is nothing to do. It gives nothing for thumbnails that are
// pending, dead or discarded.
func (l *Ledger) Regenerate(
	ctx context.Context, uploadID string, keep func(pipeline.StepRecord) (pipeline.ThumbnailResult, bool),
) ([]pipeline.Wish, error) {
	var w *wishes
	err := l.write(ctx, "regenerate", func(ctx context.Context, tx bun.Tx) error {
		w = l.wishes(tx)
		u, err := l.lockUpload(ctx, tx, uploadID)
		if err != nil {
			return err
		}
		row, err := stepOf(ctx, tx, pipeline.Run{UploadID: uploadID, Step: pipeline.StepThumbnail})
		if err != nil {
			return err
		}
		if u.Reason != "" || (row.State != string(pipeline.Done) && row.State != string(pipeline.Skipped)) {
			return nil
		}
		kept, ok := keep(row.record())
		if !ok {
			return nil
		}
		result, err := toJSON(kept)
		if err != nil {
			return err
		}
		return w.want(ctx, u, pipeline.StepThumbnail, "", result)
	})
	if err != nil {
		return nil, err
	}
	return w.list, nil
}
