package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/schema"
)

// sessionPostgres is said on each new connection, because a proxy such as PgBouncer may
// refuse it among the parameters of the connection. A client that vanished in the middle of
// a transaction must not hold its locks for long.
var sessionPostgres = fmt.Sprintf(
	"SET lock_timeout = %d; SET idle_in_transaction_session_timeout = 30000", lockWait.Milliseconds())

func parsePostgres(rawURL string) (source, error) {
	cfg, err := pgx.ParseConfig(rawURL)
	if err != nil {
		// The parser's own words may hold the password.
		return source{}, fmt.Errorf("database URL %q cannot be read: want postgres://user:password@host:5432/database?sslmode=verify-full", redact(rawURL))
	}
	if cfg.Database == "" {
		return source{}, fmt.Errorf("database URL %q names no database", redact(rawURL))
	}
	// Queries come with their values in them, so that preparing one would be a second trip for
	// nothing; it would not pass a proxy that shares connections either.
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	return source{
		engine: Postgres, name: fmt.Sprintf("postgres://%s:%d/%s", cfg.Host, cfg.Port, cfg.Database),
		connect: func(ours bool) (*sql.DB, error) {
			session := sessionPostgres
			if ours {
				session += "; SET TIME ZONE 'UTC'"
			}
			return stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
				_, err := conn.Exec(ctx, session)
				return err
			})), nil
		},
	}, nil
}

func postgresDialect() schema.Dialect { return pgdialect.New() }

// The SQLSTATEs of transactions that may simply run again
// (postgresql.org/docs/current/errcodes-appendix.html).
func againPostgres(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch e.Code {
	case "40001", "40P01", "23505": // serialization_failure, deadlock_detected, unique_violation
		return true
	}
	return false
}

// refusedPostgres tells that the server said no to a COMMIT. One that is shut down
// (class 57) says nothing of what it did.
func refusedPostgres(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && !strings.HasPrefix(e.Code, "57")
}
