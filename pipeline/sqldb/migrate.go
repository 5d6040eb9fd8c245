package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
)

// Migrate brings the schema up to the newest of the goose migrations in files. Several
// processes may call it at once: a lock lets one of them work while the others wait.
func (db *DB) Migrate(ctx context.Context, files fs.FS) error {
	unlock, err := db.lockMigrations(ctx)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", db.name, err)
	}
	defer unlock()
	p, err := db.migrations(files)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", db.name, err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", db.name, err)
	}
	return nil
}

// Migration is one step of the schema.
type Migration struct {
	Version int64
	// File is the name that it has among the migrations.
	File string
	// AppliedAt is zero where the database has not had it yet.
	AppliedAt time.Time
}

// Migrations lists the goose migrations in files and tells which of them the database has
// had. It changes nothing but to make goose's own table.
func (db *DB) Migrations(ctx context.Context, files fs.FS) ([]Migration, error) {
	p, err := db.migrations(files)
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", db.name, err)
	}
	status, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", db.name, err)
	}
	list := make([]Migration, 0, len(status))
	for _, s := range status {
		m := Migration{Version: s.Source.Version, File: s.Source.Path}
		if s.State == goose.StateApplied {
			m.AppliedAt = s.AppliedAt.UTC()
		}
		list = append(list, m)
	}
	return list, nil
}

func (db *DB) migrations(files fs.FS) (*goose.Provider, error) {
	dialect := goose.DialectSQLite3
	switch db.Engine {
	case Postgres:
		dialect = goose.DialectPostgres
	case MySQL:
		dialect = goose.DialectMySQL
	case SQLite:
	}
	return goose.NewProvider(dialect, db.writer.DB, files)
}

// lockMigrations holds the lock of the migrations. It dies with its process, so a crash
// leaves nothing to clean.
func (db *DB) lockMigrations(ctx context.Context) (func(), error) {
	switch db.Engine {
	case Postgres:
		// The key is the beginning of "afterput". lock_timeout does not bound the wait: a
		// migration of a large ledger takes long.
		return db.lockSession(ctx, "SET lock_timeout = 0", "SELECT pg_advisory_lock(7018122563)")
	case MySQL:
		// Names of locks are those of the whole server, and at most 64 characters.
		return db.lockSession(ctx, "SELECT GET_LOCK(CONCAT('afterput ', SHA1(DATABASE())), 31536000)")
	case SQLite:
	}
	return db.lockFile(ctx)
}

// lockSession locks on a connection of its own, which is closed to unlock.
func (db *DB) lockSession(ctx context.Context, statements ...string) (func(), error) {
	conn, err := db.writer.DB.Conn(ctx)
	if err != nil {
		return nil, err
	}
	unlock := func() {
		// A connection that is bad is not used again but closed.
		_ = conn.Raw(func(any) error { return driver.ErrBadConn })
		_ = conn.Close()
	}
	for _, s := range statements {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			unlock()
			return nil, err
		}
	}
	return unlock, nil
}

// lockFile holds the write lock of a sibling SQLite file.
func (db *DB) lockFile(ctx context.Context) (func(), error) {
	lock, err := openSQLite(db.path+".migrate", 1)
	if err != nil {
		return nil, err
	}
	tx, err := lock.BeginTx(ctx, &sql.TxOptions{})
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return func() {
		_ = tx.Rollback()
		_ = lock.Close()
	}, nil
}
