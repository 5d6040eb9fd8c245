package sqldb

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	_ "modernc.org/sqlite" // the database/sql driver "sqlite"
)

// Dialect names an SQL engine.
type Dialect string

// SQLite is the embedded engine.
const SQLite Dialect = "sqlite"

// DB is an open database with its dialect. Reads may run beside each other; writes go
// through Write, one at a time where the engine has one writer.
type DB struct {
	*bun.DB
	// Engine tells which engine it is.
	Engine Dialect
	writer *bun.DB
	path   string
}

// busyTimeout is how long a statement waits for SQLite's write lock.
const busyTimeout = 10 * time.Second

// Create opens the database that rawURL names and creates an SQLite file that does not
// exist yet, with its folder. It does not migrate.
func Create(ctx context.Context, rawURL string) (*DB, error) {
	path, err := pathOf(rawURL)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("database folder: %w", err)
	}
	return open(ctx, path)
}

// Open opens the database that rawURL names, which has to exist: it is somebody else's.
func Open(ctx context.Context, rawURL string) (*DB, error) {
	path, err := pathOf(rawURL)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("database file: %w", err)
	}
	return open(ctx, path)
}

func pathOf(rawURL string) (string, error) {
	scheme, path, ok := strings.Cut(rawURL, "://")
	if !ok || scheme != string(SQLite) {
		return "", fmt.Errorf("database URL %q: want sqlite:///path/file.db", redact(rawURL))
	}
	if path == "" {
		return "", fmt.Errorf("database URL %q: there is no path after sqlite://", redact(rawURL))
	}
	return path, nil
}

func open(ctx context.Context, path string) (*DB, error) {
	reader, err := openSQLite(path, 4)
	if err != nil {
		return nil, err
	}
	writer, err := openSQLite(path, 1)
	if err != nil {
		_ = reader.Close()
		return nil, err
	}
	db := &DB{DB: reader, Engine: SQLite, writer: writer, path: path}
	if err := writer.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return db, nil
}

func openSQLite(path string, conns int) (*bun.DB, error) {
	q := url.Values{}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()))
	q.Add("_pragma", "journal_mode(WAL)")
	q.Add("_pragma", "synchronous(FULL)")
	q.Add("_pragma", "foreign_keys(ON)")
	q.Set("_txlock", "immediate")
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	pool.SetMaxOpenConns(conns)
	pool.SetMaxIdleConns(conns)
	return bun.NewDB(pool, sqlitedialect.New()), nil
}

// openReadOnly opens a file that nobody writes to.
func openReadOnly(path string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&immutable=1")
}

// Write runs fn in one write transaction and commits it when fn returns nil.
func (db *DB) Write(ctx context.Context, fn func(ctx context.Context, tx bun.Tx) error) error {
	return db.writer.RunInTx(ctx, nil, fn)
}

// SQL gives the plain database/sql pool that writes may use, for code that knows
// nothing of bun.
func (db *DB) SQL() *sql.DB { return db.writer.DB }

// Close closes every connection.
func (db *DB) Close() error {
	err := db.DB.Close()
	if werr := db.writer.Close(); err == nil {
		err = werr
	}
	return err
}

// redact keeps of a URL that we cannot read only its scheme: a password may be anywhere.
func redact(raw string) string {
	if scheme, _, ok := strings.Cut(raw, "://"); ok {
		return scheme + "://[redacted]"
	}
	return "[redacted]"
}
