package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// Prunable is a kind of rows that may go after a time.
type Prunable string

// The kinds of rows that Prune removes.
const (
	// PruneAttempts are the ended attempts of uploads that are not in flight and have no
	// open letter.
	PruneAttempts Prunable = "attempts"
	// PruneLetters are resolved and discarded letters of uploads that are not in flight.
	PruneLetters Prunable = "letters"
	// PruneInbound are the IDs of requests, by which repeated ones are known.
	PruneInbound Prunable = "inboundIds"
	// PruneWorkers are workers that vanished.
	PruneWorkers Prunable = "workers"
	// PruneOperations are rows of the audit trail.
	PruneOperations Prunable = "operations"
	// PruneSigned are keys whose upload signature has expired.
	PruneSigned Prunable = "signedKeys"
	// PruneRemovals are the marks of objects whose removal was announced and which no check
	// is going to look at.
	PruneRemovals Prunable = "removals"
)

// Prunables lists the kinds of rows that Prune removes.
func Prunables() []Prunable {
	return []Prunable{PruneAttempts, PruneLetters, PruneInbound, PruneWorkers, PruneOperations, PruneSigned, PruneRemovals}
}

// oldRows is the condition of rows that may go, the column that pages go by, and the
// value that comes before the first.
type oldRows struct{ table, key, first, where string }

// MySQL and PostgreSQL do not agree on aliases in a DELETE, so that tables keep their names.
func noPending(table string) string {
	return ` AND NOT EXISTS (SELECT 1 FROM upload_steps s WHERE s.upload_id = ` + table + `.upload_id AND s.state = 'pending')`
}

func oldRowsOf(kind Prunable) oldRows {
	switch kind {
	case PruneAttempts:
		return oldRows{"attempts", "upload_id", "", `ended_at != 0 AND ended_at < ?` + noPending("attempts") + `
			AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.upload_id = attempts.upload_id AND d.state = 'open')`}
	case PruneLetters:
		return oldRows{"dead_letters", "id", "0", `state IN ('resolved', 'discarded') AND updated_at < ?` + noPending("dead_letters")}
	case PruneInbound:
		return oldRows{"inbound_ids", "id", "", `received_at < ?`}
	case PruneWorkers:
		return oldRows{"workers", "id", "", `seen_at < ?
			AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.worker = workers.id AND a.ended_at = 0)`}
	case PruneOperations:
		return oldRows{"operations", "id", "0", `at < ?`}
	case PruneSigned:
		return oldRows{"signed_keys", "upload_id", "", `expires_at < ?`}
	case PruneRemovals:
		return oldRows{"removals", "upload_id", "", `announced_at < ?` + noPending("removals")}
	}
	return oldRows{}
}

// CountPrunable counts the rows of a kind that are older than before and may go.
func (l *Ledger) CountPrunable(ctx context.Context, kind Prunable, before time.Time) (int, error) {
	o := oldRowsOf(kind)
	var n int
	err := l.db.NewRaw("SELECT COUNT(*) FROM "+o.table+" WHERE "+o.where, int64(at(before))).Scan(ctx, &n)
	return n, classed("countPrunable", err)
}

// Prune removes a page of rows of a kind that are older than before, in one transaction:
// at most limit rows, or for attempts those of at most limit uploads. next is where the
// page after begins; it is empty after the last. The first page begins after "".
func (l *Ledger) Prune(ctx context.Context, kind Prunable, before time.Time, after string, limit int) (next string, gone int, err error) {
	o := oldRowsOf(kind)
	if after == "" {
		after = o.first
	}
	err = l.write(ctx, "prune", func(ctx context.Context, tx bun.Tx) error {
		next, gone = "", 0
		var keys []string
		err := tx.NewRaw("SELECT DISTINCT "+o.key+" FROM "+o.table+" WHERE "+o.key+" > ? AND "+o.where+" ORDER BY "+o.key+" LIMIT ?",
			after, int64(at(before)), limit).Scan(ctx, &keys)
		if err != nil || len(keys) == 0 {
			return err
		}
		res, err := tx.NewRaw("DELETE FROM "+o.table+" WHERE "+o.key+" IN (?) AND "+o.where, bun.List(keys), int64(at(before))).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if gone = int(n); len(keys) == limit {
			next = keys[len(keys)-1]
		}
		return err
	})
	return next, gone, err
}
