package retention

import (
	"context"
	"encoding/json"
	"time"

	"github.com/afterput/afterput/pipeline/ledger"
)

// page is how many rows one transaction removes at most.
const page = 500

// Pruned counts rows by kind.
type Pruned map[ledger.Prunable]int

// Total counts the rows of every kind.
func (p Pruned) Total() int {
	n := 0
	for _, count := range p {
		n += count
	}
	return n
}

// Prunable counts what Prune would remove.
func Prunable(ctx context.Context, l *ledger.Ledger, before time.Time) (Pruned, error) {
	counts := Pruned{}
	for _, kind := range ledger.Prunables() {
		n, err := l.CountPrunable(ctx, kind, before)
		if err != nil {
			return counts, err
		}
		counts[kind] = n
	}
	return counts, nil
}

// Prune removes what is older than before and records it in the audit trail, also when it
// is cut off. The counts are what was removed.
func Prune(ctx context.Context, l *ledger.Ledger, before time.Time, who, note string) (Pruned, error) {
	counts := Pruned{}
	op := ledger.Operation{Who: who, What: "prune", Filter: "before " + before.UTC().Format(time.RFC3339), Note: note}
	id, err := l.Record(ctx, op)
	if err != nil {
		return counts, err
	}
	for _, kind := range ledger.Prunables() {
		if err = pruneKind(ctx, l, kind, before, counts); err != nil {
			break
		}
	}
	kept, merr := json.Marshal(counts)
	if merr != nil {
		return counts, merr
	}
	op.ID, op.Counts = id, string(kept)
	if _, rerr := l.Record(context.WithoutCancel(ctx), op); err == nil {
		err = rerr
	}
	return counts, err
}

func pruneKind(ctx context.Context, l *ledger.Ledger, kind ledger.Prunable, before time.Time, counts Pruned) error {
	counts[kind] = 0
	after := ""
	for {
		next, n, err := l.Prune(ctx, kind, before, after, page)
		if err != nil {
			return err
		}
		counts[kind] += n
		if after = next; next == "" {
			return nil
		}
	}
}
