package sqldb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/uptrace/bun"
)

// CommitError says that nobody knows whether a transaction was committed: the answer to its
// COMMIT was lost. What the transaction wrote tells, once it is read back.
type CommitError struct{ Err error }

// Error says it in words.
func (e *CommitError) Error() string {
	return fmt.Sprintf("the answer to a commit was lost: %v", e.Err)
}

// Unwrap gives the cause.
func (e *CommitError) Unwrap() error { return e.Err }

const (
	// maxRuns is how often a transaction runs that loses against others.
	maxRuns = 30
	// maxPause is how long it waits at most before it runs again.
	maxPause = 250 * time.Millisecond
)

// Write runs fn in one write transaction and commits it when fn returns nil. It runs fn
// again when the transaction lost: a deadlock, a serialization conflict, or the race to
// insert a row that it had not seen. fn must not keep anything of a run that is over. An
// error is a *CommitError where the transaction may have been committed.
func (db *DB) Write(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	for run := 1; ; run++ {
		err := db.writeOnce(ctx, fn)
		if err == nil || run == maxRuns || !db.again(err) {
			return err
		}
		pause := min(maxPause, time.Duration(run)*5*time.Millisecond)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // jitter needs no secret
		}
	}
}

func (db *DB) writeOnce(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done {
			_ = tx.Rollback()
		}
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	done = true
	if err := tx.Commit(); err != nil {
		if db.refused(err) {
			return err
		}
		return &CommitError{Err: err}
	}
	return nil
}

// again tells whether a transaction that ended with err may simply run again.
func (db *DB) again(err error) bool {
	switch db.Engine {
	case Postgres:
		return againPostgres(err)
	case MySQL:
		return againMySQL(err)
	case SQLite:
	}
	return false
}

// refused tells whether a failed COMMIT has certainly committed nothing.
func (db *DB) refused(err error) bool {
	switch db.Engine {
	case Postgres:
		return refusedPostgres(err)
	case MySQL:
		return refusedMySQL(err)
	case SQLite:
	}
	return true // there is no network in between
}
