package ledger

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// Delivery is what was told last to one endpoint of one upload or order, or is to be.
type Delivery struct {
	pipeline.Run
	State pipeline.StepState
	Event pipeline.Event
}

// Endpoint is whom it is for; "" is the default endpoint.
func (d Delivery) Endpoint() string { return pipeline.EndpointOf(d.Scope) }

// DeliveryFilter chooses deliveries. The zero value of a field chooses all.
type DeliveryFilter struct {
	// UploadIDs leave only outcomes of these uploads.
	UploadIDs []string
	// Endpoints are names as in Delivery.Endpoint; Events types such as upload.done.
	Endpoints, Events []string
	// Since and Until bound when the event was fixed.
	Since, Until time.Time
}

func (f DeliveryFilter) passes(d Delivery) bool {
	has := func(list []string, s string) bool { return len(list) == 0 || slices.Contains(list, s) }
	return has(f.Endpoints, d.Endpoint()) && has(f.Events, d.Event.Type) &&
		(len(f.UploadIDs) == 0 || d.Event.Type != pipeline.OrderUpdated) &&
		!d.Event.At.Before(f.Since) && (f.Until.IsZero() || d.Event.At.Before(f.Until))
}

// Deliveries reads up to limit deliveries by upload and scope, from the one after the given,
// and gives those that pass the filter and can be told again: not those that are on their
// way, nor those that were discarded, nor what no endpoint wanted. next is where the following page begins, nil after
// the last one.
func (l *Ledger) Deliveries(ctx context.Context, f DeliveryFilter, after pipeline.Run, limit int) (page []Delivery, next *pipeline.Run, err error) {
	var rows []stepRow
	q := l.db.NewSelect().Model(&rows).
		Where("step = ? AND result != '' AND state NOT IN (?, ?)", string(pipeline.StepNotify), string(pipeline.Pending), string(pipeline.Discarded)).
		Where("(upload_id, scope) > (?, ?)", after.UploadID, after.Scope)
	if len(f.UploadIDs) > 0 {
		q = q.Where("upload_id IN (?)", bun.List(f.UploadIDs))
	}
	if err := q.Order("upload_id", "scope").Limit(int64(limit)).Scan(ctx); err != nil {
		return nil, nil, classed("deliveries", err)
	}
	for i := range rows {
		var n Notice
		if err := json.Unmarshal([]byte(rows[i].Result), &n); err != nil {
			return nil, nil, classed("deliveries", err)
		}
		d := Delivery{Run: rows[i].run(), State: pipeline.StepState(rows[i].State)}
		var ok bool
		if d.Event, ok = n.Event(); ok && !n.Unwanted && f.passes(d) {
			page = append(page, d)
		}
	}
	if len(rows) == limit {
		run := rows[limit-1].run()
		next = &run
	}
	return page, next, nil
}

// Retell wishes for telling an endpoint again what it was told, with the same webhook-id and
// body; the open letter of a delivery that died counts as replayed. ErrSuperseded says that
// something newer is on its way, or was told, since the delivery was read.
func (l *Ledger) Retell(ctx context.Context, d Delivery, note string) ([]pipeline.Wish, error) {
	var w *wishes
	err := l.write(ctx, "retell", func(ctx context.Context, tx bun.Tx) error {
		w = l.wishes(tx)
		if err := l.lockUploads(ctx, tx, d.UploadID); err != nil {
			return err
		}
		row, err := stepOf(ctx, tx, d.Run)
		if err != nil {
			return err
		}
		if row.Gen != d.Gen || row.State != string(d.State) || row.Result == "" {
			return ErrSuperseded
		}
		u, err := l.lockUpload(ctx, tx, d.UploadID)
		if err != nil {
			return err
		}
		if err := w.want(ctx, u, d.Step, d.Scope, row.Result); err != nil {
			return err
		}
		_, err = tx.NewUpdate().Model((*letterRow)(nil)).
			Set("state = ?, note = ?, updated_at = ?", string(pipeline.LetterReplayed), text(note, maxError), int64(at(w.now))).
			Where("upload_id = ? AND step = ? AND scope = ? AND state = ?",
				d.UploadID, string(d.Step), d.Scope, string(pipeline.LetterOpen)).Exec(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return w.list, nil
}
