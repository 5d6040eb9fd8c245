package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline/sqldb"
)

const (
	// readBackWait is how long a lost answer to a COMMIT is looked after.
	readBackWait = 15 * time.Second
	// slotLife is how long the slot of a process that is gone is kept.
	slotLife = 7 * 24 * time.Hour
)

// commit runs fn in one transaction. On a server each transaction leaves its mark in a slot,
// a row that no other one writes to meanwhile. Where the connection breaks in the middle of
// a COMMIT, the mark tells whether it took effect.
func (l *Ledger) commit(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	if l.db.Engine == sqldb.SQLite {
		return l.db.Write(ctx, fn)
	}
	slot, mark := "", rand.Text()
	write := func() error {
		return l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
			if slot == "" { // no earlier than here, so that there are no more slots than connections
				slot = l.slots.take()
			}
			if err := l.mark(ctx, tx, slot, mark, "mark", "at"); err != nil {
				return err
			}
			return fn(ctx, tx)
		})
	}
	err := write()
	for lost, ok := errors.AsType[*sqldb.CommitError](err); ok; lost, ok = errors.AsType[*sqldb.CommitError](err) {
		committed, unknown := l.readBack(ctx, slot, mark)
		if unknown != nil {
			// The slot may still be written to by what nobody hears of: it is not used again.
			return errors.Join(lost, unknown)
		}
		if err = nil; !committed {
			err = write()
		}
	}
	if slot != "" {
		l.slots.give(slot)
	}
	return err
}

// mark writes to a slot; of a row that is there only the columns of change.
func (l *Ledger) mark(ctx context.Context, tx bun.Tx, slot, mark string, change ...string) error {
	_, err := tx.NewRaw("INSERT INTO commits (slot, mark, at) VALUES (?, ?, ?)"+l.db.Upsert([]string{"slot"}, change),
		slot, mark, int64(at(l.now()))).Exec(ctx)
	return err
}

// readBack tells whether the transaction that left a mark was committed. Writing to its slot
// waits for one that the server still works on.
func (l *Ledger) readBack(ctx context.Context, slot, mark string) (committed bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readBackWait)
	defer cancel()
	for {
		err = l.db.Write(ctx, func(ctx context.Context, tx bun.Tx) error {
			if err := l.mark(ctx, tx, slot, "", "at"); err != nil {
				return err
			}
			var last string
			err := tx.NewRaw("SELECT mark FROM commits WHERE slot = ?", slot).Scan(ctx, &last)
			committed = last == mark
			return err
		})
		if err == nil {
			return committed, nil
		}
		select { // the server may be starting again
		case <-ctx.Done():
			return false, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// forgetSlots removes the slots of processes that are long gone.
func (l *Ledger) forgetSlots(ctx context.Context) error {
	if l.db.Engine == sqldb.SQLite {
		return nil
	}
	_, err := l.db.NewRaw("DELETE FROM commits WHERE at < ?", int64(at(l.now().Add(-slotLife)))).Exec(ctx)
	return err
}

// slots are those of a process that are free.
type slots struct {
	mu   sync.Mutex
	free []string
}

func (s *slots) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		slot := s.free[n-1]
		s.free = s.free[:n-1]
		return slot
	}
	return rand.Text()
}

func (s *slots) give(slot string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, slot)
}
