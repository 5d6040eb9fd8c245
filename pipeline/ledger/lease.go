package ledger

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// Lease takes or renews the lease of a name for holder until now plus d. ok is false
// where another holder has it, or where it is not free yet: see EndLease.
func (l *Ledger) Lease(ctx context.Context, name, holder string, d time.Duration) (ok bool, err error) {
	err = l.write(ctx, "lease", func(ctx context.Context, tx bun.Tx) error {
		now := l.now()
		r, err := tx.NewRaw("UPDATE leases SET holder = ?, until = ? WHERE name = ? AND (until <= ? OR holder = ?)",
			holder, int64(at(now.Add(d))), name, int64(at(now)), holder).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := r.RowsAffected()
		if ok = n == 1; err != nil || ok {
			return err
		}
		var known int
		if err := tx.NewRaw("SELECT COUNT(*) FROM leases WHERE name = ?", name).Scan(ctx, &known); err != nil || known > 0 {
			return err
		}
		_, err = tx.NewRaw("INSERT INTO leases (name, holder, until) VALUES (?, ?, ?)", name, holder, int64(at(now.Add(d)))).Exec(ctx)
		ok = err == nil
		return err
	})
	return ok, err
}

// EndLease gives a lease back. Nobody gets it before free. A holder that lost it changes
// nothing.
func (l *Ledger) EndLease(ctx context.Context, name, holder string, free time.Time) error {
	return l.write(ctx, "endLease", func(ctx context.Context, tx bun.Tx) error {
		_, err := tx.NewRaw("UPDATE leases SET holder = '', until = ? WHERE name = ? AND holder = ?",
			int64(at(free)), name, holder).Exec(ctx)
		return err
	})
}
