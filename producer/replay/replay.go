package replay

import (
	"context"
	"fmt"

	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// Letter replays one letter in the name of who, with a note for the audit trail. queued
// is false where Redis is away: the sweep will queue it. Errors are ledger.ErrNotFound,
// ledger.ErrNotOpen, or those of the ledger.
func Letter(ctx context.Context, l *ledger.Ledger, q *tasks.Enqueuer, id int64, who, note string) (queued bool, err error) {
	made, err := l.Replay(ctx, id, who, note)
	if err != nil {
		return false, fmt.Errorf("letter %d: %w", id, err)
	}
	if q.EnqueueAll(ctx, made) != nil {
		return false, l.Unqueued(ctx, made)
	}
	return true, nil
}
