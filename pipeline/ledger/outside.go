package ledger

import (
	"context"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// StepAt is a step with the object that it works on.
type StepAt struct {
	pipeline.StepRecord
	Bucket, Key string
}

// StepsAt reads a page of the steps of one kind in one state by upload and scope, from
// the one after the given run. before leaves out rows that changed at or after it; the
// zero time leaves out none. since is as for Books. Steps that a live worker works on
// are left out.
func (l *Ledger) StepsAt(ctx context.Context, step pipeline.Step, state pipeline.StepState, since, before time.Time, after pipeline.Run, limit int) ([]StepAt, error) {
	last := at(before)
	if before.IsZero() {
		last = micros(1<<62 - 1)
	}
	var rows []struct {
		stepRow   `bun:",extend"`
		Bucket    string `bun:"bucket"`
		ObjectKey string `bun:"object_key"`
	}
	err := l.db.NewRaw(`SELECT s.*, u.bucket, u.object_key FROM upload_steps s JOIN uploads u ON u.id = s.upload_id
		WHERE s.step = ? AND s.state = ? AND u.created_at >= ? AND s.updated_at < ?
		AND (s.upload_id, s.scope) > (?, ?)
		AND NOT EXISTS (SELECT 1 FROM attempts a JOIN workers w ON w.id = a.worker
			WHERE a.upload_id = s.upload_id AND a.step = s.step AND a.scope = s.scope AND a.gen = s.gen
			AND a.ended_at = 0 AND w.seen_at > ?)
		ORDER BY s.upload_id, s.scope LIMIT ?`,
		string(step), string(state), int64(at(since)), int64(last), after.UploadID, after.Scope,
		int64(at(l.now().Add(-WorkerLife))), limit).Scan(ctx, &rows)
	out := make([]StepAt, 0, len(rows))
	for i := range rows {
		out = append(out, StepAt{StepRecord: rows[i].record(), Bucket: rows[i].Bucket, Key: rows[i].ObjectKey})
	}
	return out, classed("stepsAt", err)
}

// Graced is the time before which a pending step that did not change has to have a task
// in the queue: the sweep's grace has passed.
func (l *Ledger) Graced() time.Time { return l.now().Add(-l.grace) }

// LinkedOrders reads a page of the orders that have links, by their IDs, from the one
// after the given. since leaves out links that were committed before it.
func (l *Ledger) LinkedOrders(ctx context.Context, since time.Time, after string, limit int) ([]string, error) {
	var ids []string
	err := l.db.NewRaw(`SELECT DISTINCT order_id FROM order_links WHERE order_id > ? AND created_at >= ?
		ORDER BY order_id LIMIT ?`, after, int64(at(since)), limit).Scan(ctx, &ids)
	return ids, classed("linkedOrders", err)
}

// LinkAt is a link with the object that it is about.
type LinkAt struct {
	pipeline.Link
	Key string
	// Moving says that a step of the upload is pending, so that the order may change.
	Moving bool
}

// OrderLinks reads the links of an order, oldest first.
func (l *Ledger) OrderLinks(ctx context.Context, order string) ([]LinkAt, error) {
	var rows []struct {
		linkRow   `bun:",extend"`
		FileID    string `bun:"file_id"`
		Owner     string `bun:"owner"`
		Reason    string `bun:"reason"`
		CheckedAt micros `bun:"checked_at"`
		ObjectKey string `bun:"object_key"`
		Moving    bool   `bun:"moving"`
	}
	err := l.db.NewRaw(`SELECT k.*, u.file_id, u.owner, u.reason, u.checked_at, u.object_key, `+someStep+`'pending') AS moving
		FROM order_links k JOIN uploads u ON u.id = k.upload_id WHERE k.order_id = ? ORDER BY k.seq`, order).Scan(ctx, &rows)
	out := make([]LinkAt, 0, len(rows))
	for _, r := range rows {
		out = append(out, LinkAt{Key: r.ObjectKey, Moving: r.Moving, Link: pipeline.Link{
			Seq: r.Seq, Order: r.OrderID, UploadID: r.UploadID, FileID: r.FileID, Owner: r.Owner,
			Batch: r.Batch, Position: r.Position, CreatedAt: r.CreatedAt.time(),
			Attached: r.Attached, Written: r.Written, Live: r.CheckedAt != 0 && r.Reason == "",
		}})
	}
	return out, classed("orderLinks", err)
}
