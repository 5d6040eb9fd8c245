package ledger

import (
	"context"
	"database/sql"
	"errors"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// OrderBook is the ledger's side of an attach.
type OrderBook struct {
	*Ledger
	// Made are the runs that the commits wished for: enqueue them after the attach.
	Made []pipeline.Wish
}

var _ pipeline.OrderBook = (*OrderBook)(nil)

// CommitOrder is part of pipeline.OrderBook.
func (b *OrderBook) CommitOrder(ctx context.Context, order, holder string, c pipeline.OrderCommit) error {
	made, err := b.Ledger.CommitOrder(ctx, order, holder, c)
	b.Made = append(b.Made, made...)
	return err
}

// orderUpdated wishes for telling the endpoints that want order.updated of the array that
// an attach left.
//
// A delivery is a notify run like that of an outcome, so that schedule, sweep, letters and
// replay are the same. Its row belongs to the upload that was linked to the order first,
// with the endpoint and the order as its scope: all writes of an order meet in one row for
// each endpoint, and a newer revision takes the place of one that was not delivered. An
// outcome does not tell of notify runs, so that of this upload stays what it is.
func (w *wishes) orderUpdated(ctx context.Context, revision int, o pipeline.OrderUpdate) error {
	endpoints := w.l.wanted(pipeline.OrderUpdated)
	if len(endpoints) == 0 {
		return nil
	}
	var first string
	err := w.tx.NewRaw("SELECT upload_id FROM order_links WHERE order_id = ? ORDER BY seq LIMIT 1", o.Order).Scan(ctx, &first)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	u, err := w.l.lockUpload(ctx, w.tx, first)
	if err != nil {
		return err
	}
	o.Revision = revision
	kept, err := toJSON(Notice{Order: &o, At: w.now.UnixMicro()})
	if err != nil {
		return err
	}
	for _, endpoint := range endpoints {
		if err := w.want(ctx, u, pipeline.StepNotify, pipeline.OrderScope(endpoint, o.Order), kept); err != nil {
			return err
		}
	}
	return nil
}

// forgetOrderEvents empties what was told of an order, because it names a file that is
// erased. What is on its way goes out as it is.
func forgetOrderEvents(ctx context.Context, tx bun.Tx, order string) error {
	var rows []stepRow
	err := tx.NewSelect().Model(&rows).Where("step = ? AND state != ? AND result != ''", string(pipeline.StepNotify), string(pipeline.Pending)).
		Where("upload_id IN (SELECT upload_id FROM order_links WHERE order_id = ?)", order).Scan(ctx)
	if err != nil {
		return err
	}
	for i := range rows {
		if r := &rows[i]; r.Scope != pipeline.OrderScope(pipeline.EndpointOf(r.Scope), order) {
			continue
		}
		// Not put: the upload is not locked, and may be about to tell something new.
		_, err := tx.NewUpdate().Model(&rows[i]).Set("result = ''").WherePK().
			Where("gen = ? AND state = ?", rows[i].Gen, rows[i].State).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}
