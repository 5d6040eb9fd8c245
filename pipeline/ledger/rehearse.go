package ledger

import (
	"context"
	"errors"

	"github.com/uptrace/bun"
)

// Rehearse tells whether the ledger takes writes, by one that is taken back: nothing changes.
func (l *Ledger) Rehearse(ctx context.Context) error {
	undo := errors.New("rehearsed")
	err := l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := l.ping(ctx, tx); err != nil {
			return err
		}
		return undo
	})
	if errors.Is(err, undo) {
		return nil
	}
	return classed("rehearse", err)
}
