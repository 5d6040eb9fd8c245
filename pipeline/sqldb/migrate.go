package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// Migrate brings the schema up to the newest of the goose migrations in files. Several
// processes may call it at once: a lock lets one of them work while the others wait.
func (db *DB) Migrate(ctx context.Context, files fs.FS) error {
	unlock, err := db.lockMigrations(ctx)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", db.path, err)
	}
	defer unlock()
	p, err := goose.NewProvider(goose.DialectSQLite3, db.writer.DB, files)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", db.path, err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", db.path, err)
	}
	return nil
}

// lockMigrations holds the write lock of a sibling SQLite file. The lock dies with its
// process, so a crash leaves nothing to clean.
func (db *DB) lockMigrations(ctx context.Context) (func(), error) {
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
