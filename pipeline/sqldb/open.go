package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"
)

// Dialect names an SQL engine.
type Dialect string

// The engines.
const (
	// SQLite is the embedded engine.
	SQLite Dialect = "sqlite"
	// Postgres is PostgreSQL, 13 or later.
	Postgres Dialect = "postgres"
	// MySQL is MySQL 8 and MariaDB 10.5 or later.
	MySQL Dialect = "mysql"
)

// DB is an open database with its dialect. Reads may run beside each other; writes go
// through Write, one at a time where the engine has one writer.
type DB struct {
	*bun.DB
	// Engine tells which engine it is.
	Engine Dialect
	writer *bun.DB
	// name is what messages call it: never with a password.
	name string
	path string // of an SQLite file
}

const (
	// maxConns is how many connections a process has to a server.
	maxConns = 16
	// connLife is how long one is used, so that a proxy or a failover moves them all.
	connLife = 30 * time.Minute
	// lockWait is how long a statement waits for a lock of SQLite, or of a row of a server.
	lockWait = 10 * time.Second
)

// source is what a URL names.
type source struct {
	engine Dialect
	path   string // SQLite
	name   string
	// connect makes the pool of a server; ours says that the database is our own.
	connect func(ours bool) (*sql.DB, error)
}

// Create opens the database that rawURL names and creates an SQLite file that does not
// exist yet, with its folder. It does not migrate.
func Create(ctx context.Context, rawURL string) (*DB, error) {
	src, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	if src.engine == SQLite {
		if err := os.MkdirAll(filepath.Dir(src.path), 0o750); err != nil {
			return nil, fmt.Errorf("database folder: %w", err)
		}
	}
	return src.open(ctx, true)
}

// Open opens the database that rawURL names, which has to exist: it is somebody else's, and
// keeps its time zone, in which the owner's columns without a zone are written.
func Open(ctx context.Context, rawURL string) (*DB, error) {
	src, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	if src.engine == SQLite {
		if _, err := os.Stat(src.path); err != nil {
			return nil, fmt.Errorf("database file: %w", err)
		}
	}
	return src.open(ctx, false)
}

// Check tells what is wrong with a database URL, without opening it and without its
// password.
func Check(rawURL string) error {
	_, err := parse(rawURL)
	return err
}

// EngineOf tells which engine a database URL is for, without opening it.
func EngineOf(rawURL string) (Dialect, error) {
	src, err := parse(rawURL)
	return src.engine, err
}

func parse(rawURL string) (source, error) {
	scheme, rest, _ := strings.Cut(rawURL, "://")
	switch scheme {
	case string(SQLite):
		if rest == "" {
			return source{}, errors.New("database URL: there is no path after sqlite://")
		}
		return source{engine: SQLite, path: rest, name: rest}, nil
	case string(Postgres), "postgresql":
		return parsePostgres(rawURL)
	case string(MySQL):
		return parseMySQL(rawURL)
	}
	return source{}, fmt.Errorf("database URL %q: want sqlite:///path/file.db, postgres://user@host/database or mysql://user@host/database", redact(rawURL))
}

func (src source) open(ctx context.Context, ours bool) (*DB, error) {
	if src.engine == SQLite {
		return openFile(ctx, src.path)
	}
	pool, err := src.connect(ours)
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(maxConns)
	pool.SetMaxIdleConns(maxConns)
	pool.SetConnMaxLifetime(connLife)
	// Before bun, which asks MySQL for its version and would go on without.
	if err := pool.PingContext(ctx); err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("open %s: %w", src.name, err)
	}
	db := bun.NewDB(pool, dialectOf(src.engine), bun.WithDiscardUnknownColumns())
	return &DB{DB: db, Engine: src.engine, writer: db, name: src.name}, nil
}

func dialectOf(engine Dialect) schema.Dialect {
	if engine == Postgres {
		return postgresDialect()
	}
	return mysqlDialect()
}

// SQL gives the plain database/sql pool that writes may use, for code that knows
// nothing of bun.
func (db *DB) SQL() *sql.DB { return db.writer.DB }

// Close closes every connection.
func (db *DB) Close() error {
	err := db.DB.Close()
	if db.writer != db.DB {
		err = errors.Join(err, db.writer.Close())
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
