package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// How long an attach may hold an order without a sign of life, how long another one waits
// for it before it gives the task back, and how often that one looks: each look is a
// transaction that writes.
const (
	orderLease   = 45 * time.Second
	orderWait    = 10 * time.Second
	orderPoll    = 5 * time.Millisecond
	maxOrderPoll = 80 * time.Millisecond
)

type orderRow struct {
	bun.BaseModel `bun:"table:order_state,alias:o"`

	OrderID   string `bun:"order_id,pk"`
	LockOwner string `bun:"lock_owner"`
	LockUntil micros `bun:"lock_until"`
	Intent    string `bun:"intent"`
	Last      string `bun:"last"`
	Told      string `bun:"told"`
	Revision  int    `bun:"revision"`
	UpdatedAt micros `bun:"updated_at"`
}

// LockOrder takes the order for holder, waiting up to ten seconds for another holder.
// It is part of pipeline.OrderBook.
func (l *Ledger) LockOrder(ctx context.Context, order, holder string) (pipeline.OrderState, error) {
	deadline := time.Now().Add(orderWait)
	for pause := orderPoll; ; pause = min(2*pause, maxOrderPoll) {
		st, taken, err := l.tryLockOrder(ctx, order, holder)
		if err != nil || taken {
			return st, err
		}
		if time.Now().After(deadline) {
			return st, pipeline.Errorf(pipeline.Conflict, "ledger.lockOrder", order, "another attach holds the order")
		}
		select {
		case <-ctx.Done():
			return st, classed("lockOrder", ctx.Err())
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // jitter needs no secret
		}
	}
}

func (l *Ledger) tryLockOrder(ctx context.Context, order, holder string) (st pipeline.OrderState, taken bool, err error) {
	err = l.write(ctx, "lockOrder", func(ctx context.Context, tx bun.Tx) error {
		taken = false
		now := l.now()
		row := new(orderRow)
		err := l.db.ForUpdate(tx.NewSelect().Model(row).Where("order_id = ?", order)).Scan(ctx)
		fresh := errors.Is(err, sql.ErrNoRows)
		if err != nil && !fresh {
			return err
		}
		if row.LockOwner != "" && row.LockOwner != holder && row.LockUntil > at(now) {
			if gone, err := l.holderGone(ctx, tx, row.LockOwner); err != nil || !gone {
				return err
			}
		}
		row.OrderID, row.LockOwner, row.LockUntil, row.UpdatedAt = order, holder, at(now.Add(orderLease)), at(now)
		if fresh {
			_, err = tx.NewInsert().Model(row).Exec(ctx)
		} else {
			_, err = tx.NewUpdate().Model(row).Column("lock_owner", "lock_until", "updated_at").WherePK().Exec(ctx)
		}
		if err != nil {
			return err
		}
		taken = true
		st, err = orderState(ctx, tx, row)
		return err
	})
	return st, taken, err
}

// holderGone tells whether the worker behind a holder signed off or gave no sign of life
// for a while. A holder that names no worker is believed until its lease ends.
func (l *Ledger) holderGone(ctx context.Context, tx bun.Tx, holder string) (bool, error) {
	_, worker, ok := strings.Cut(holder, "@")
	if !ok {
		return false, nil
	}
	var alive int
	err := tx.NewRaw("SELECT COUNT(*) FROM workers WHERE id = ? AND seen_at > ?",
		worker, int64(at(l.now().Add(-WorkerLife)))).Scan(ctx, &alive)
	return alive == 0, err
}

func orderState(ctx context.Context, tx bun.Tx, row *orderRow) (st pipeline.OrderState, err error) {
	if row.Last != "" {
		if err := json.Unmarshal([]byte(row.Last), &st.Last); err != nil {
			return st, err
		}
	}
	if row.Intent != "" {
		st.Intent = new(pipeline.Intent)
		if err := json.Unmarshal([]byte(row.Intent), st.Intent); err != nil {
			return st, err
		}
	}
	var rows []struct {
		linkRow   `bun:",extend"`
		FileID    string `bun:"file_id"`
		Owner     string `bun:"owner"`
		Reason    string `bun:"reason"`
		CheckedAt micros `bun:"checked_at"`
	}
	err = tx.NewRaw(`SELECT k.*, u.file_id, u.owner, u.reason, u.checked_at
		FROM order_links k JOIN uploads u ON u.id = k.upload_id WHERE k.order_id = ? ORDER BY k.seq`, row.OrderID).
		Scan(ctx, &rows)
	for _, r := range rows {
		st.Links = append(st.Links, pipeline.Link{
			Seq: r.Seq, Order: r.OrderID, UploadID: r.UploadID, FileID: r.FileID, Owner: r.Owner,
			Batch: r.Batch, Position: r.Position, CreatedAt: r.CreatedAt.time(),
			Attached: r.Attached, Written: r.Written, Live: r.CheckedAt != 0 && r.Reason == "", Unchecked: r.CheckedAt == 0,
		})
	}
	return st, err
}

// SaveIntent records a write before it happens. It is part of pipeline.OrderBook.
func (l *Ledger) SaveIntent(ctx context.Context, order, holder string, in pipeline.Intent) error {
	kept, err := toJSON(in)
	if err != nil {
		return err
	}
	return l.write(ctx, "saveIntent", func(ctx context.Context, tx bun.Tx) error {
		return l.updateOrder(ctx, tx, order, holder, func(row *orderRow) {
			row.Intent = kept
			if row.Told == "" {
				row.Told = in.Before
			}
		})
	})
}

// CommitOrder keeps what the order holds after an attach, as pipeline.OrderBook says. The
// wishes are for telling of c.Now those who subscribed to order.updated.
func (l *Ledger) CommitOrder(ctx context.Context, order, holder string, c pipeline.OrderCommit) ([]pipeline.Wish, error) {
	kept, err := toJSON(c.Last)
	if err != nil {
		return nil, err
	}
	var w *wishes
	err = l.write(ctx, "commitOrder", func(ctx context.Context, tx bun.Tx) error {
		w = l.wishes(tx)
		revision := 0
		err := l.updateOrder(ctx, tx, order, holder, func(row *orderRow) {
			row.Intent, row.Last = "", kept
			if c.Now != nil && row.tells(pipeline.ArrayHash(c.Now.FileIDs)) {
				revision = row.Revision
			}
		})
		if err != nil {
			return err
		}
		for _, k := range c.Links {
			_, err := tx.NewUpdate().Model((*linkRow)(nil)).
				Set("attached = ?, written = ?", k.Attached, k.Written).
				Where("seq = ? AND (attached != ? OR written != ?)", k.Seq, k.Attached, k.Written).Exec(ctx)
			if err != nil {
				return err
			}
		}
		if revision == 0 {
			return nil
		}
		return w.orderUpdated(ctx, revision, *c.Now)
	})
	if err != nil {
		return nil, err
	}
	return w.list, nil
}

// tells notes that subscribers hear of an array, unless they know it: then it is false.
func (r *orderRow) tells(array string) bool {
	if r.Told == "" || r.Told == array {
		return false
	}
	r.Told = array
	r.Revision++
	return true
}

// UnlockOrder gives the order back. It is part of pipeline.OrderBook.
func (l *Ledger) UnlockOrder(ctx context.Context, order, holder string) error {
	return l.write(ctx, "unlockOrder", func(ctx context.Context, tx bun.Tx) error {
		err := l.updateOrder(ctx, tx, order, holder, func(row *orderRow) { row.LockOwner, row.LockUntil = "", 0 })
		if pipeline.ClassOf(err) == pipeline.Conflict {
			return nil
		}
		return err
	})
}

// updateOrder changes the order's row, provided that holder holds it.
func (l *Ledger) updateOrder(ctx context.Context, tx bun.Tx, order, holder string, change func(*orderRow)) error {
	row := new(orderRow)
	err := l.db.ForUpdate(tx.NewSelect().Model(row).Where("order_id = ? AND lock_owner = ?", order, holder)).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return pipeline.Errorf(pipeline.Conflict, "ledger.order", order, "the attach lost its hold of the order")
	}
	if err != nil {
		return err
	}
	change(row)
	row.UpdatedAt = at(l.now())
	_, err = tx.NewUpdate().Model(row).WherePK().Exec(ctx)
	return err
}
