package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
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
	// File is the name that it has among the migrations. Empty for one that a newer program
	// has applied.
	File string
	// AppliedAt is zero where the database has not had it yet.
	AppliedAt time.Time
}

// Migrations lists the goose migrations in files, and those that the database has had
// besides, by version, and tells which it has had. It only reads.
func (db *DB) Migrations(ctx context.Context, files fs.FS) ([]Migration, error) {
	p, err := db.migrations(files)
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", db.name, err)
	}
	had, err := db.had(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrations of %s: %w", db.name, err)
	}
	var list []Migration
	for _, s := range p.ListSources() {
		list = append(list, Migration{Version: s.Version, File: s.Path, AppliedAt: had[s.Version]})
		delete(had, s.Version)
	}
	for version, at := range had {
		list = append(list, Migration{Version: version, AppliedAt: at})
	}
	slices.SortFunc(list, func(a, b Migration) int { return cmp.Compare(a.Version, b.Version) })
	return list, nil
}

// had tells which versions the database has had, and when; none where goose has not been
// there.
func (db *DB) had(ctx context.Context) (map[int64]time.Time, error) {
	store, err := database.NewStore(db.goose(), goose.DefaultTablename)
	if err != nil {
		return nil, err
	}
	tables := map[Dialect]string{
		SQLite:   "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?",
		Postgres: "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = ?",
		MySQL:    "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ?",
	}
	var there int
	if err := db.NewRaw(tables[db.Engine], goose.DefaultTablename).Scan(ctx, &there); err != nil || there == 0 {
		return nil, err
	}
	versions, err := store.ListMigrations(ctx, db.writer.DB)
	if err != nil {
		return nil, err
	}
	had := make(map[int64]time.Time, len(versions))
	for _, v := range versions {
		if v.Version == 0 { // of the table itself
			continue
		}
		m, err := store.GetMigration(ctx, db.writer.DB, v.Version)
		if err != nil {
			return nil, err
		}
		if m.IsApplied {
			had[v.Version] = m.Timestamp.UTC()
		}
	}
	return had, nil
}

func (db *DB) migrations(files fs.FS) (*goose.Provider, error) {
	return goose.NewProvider(db.goose(), db.writer.DB, files)
}

// goose is what goose calls the engine.
func (db *DB) goose() goose.Dialect {
	switch db.Engine {
	case Postgres:
		return goose.DialectPostgres
	case MySQL:
		return goose.DialectMySQL
	case SQLite:
	}
	return goose.DialectSQLite3
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
