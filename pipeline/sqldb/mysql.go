package sqldb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/schema"
)

// sessionMySQL is said on each new connection. READ COMMITTED locks no gaps between rows; a
// strict mode refuses what does not fit instead of cutting it, and fixes what a backslash
// means.
var sessionMySQL = []string{
	"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
	fmt.Sprintf(`SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO',
		innodb_lock_wait_timeout = %d`, int(lockWait.Seconds())),
}

func parseMySQL(rawURL string) (source, error) {
	const want = "want mysql://user:password@host:3306/database?tls=true" //nolint:gosec // a model, no password
	u, err := url.Parse(rawURL)
	if err != nil {
		return source{}, fmt.Errorf("database URL %q cannot be read: %s", redact(rawURL), want)
	}
	cfg := mysql.NewConfig()
	cfg.DBName = strings.TrimPrefix(u.Path, "/")
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	cfg.Net, cfg.Addr = "tcp", u.Host
	if u.Port() == "" {
		cfg.Addr = net.JoinHostPort(u.Hostname(), "3306")
	}
	if cfg.DBName == "" || strings.Contains(cfg.DBName, "/") {
		return source{}, fmt.Errorf("database URL %q names no database: %s", redact(rawURL), want)
	}
	for key, values := range u.Query() {
		switch key {
		case "tls":
			cfg.TLSConfig = values[0]
		case "socket":
			cfg.Net, cfg.Addr = "unix", values[0]
		default:
			return source{}, fmt.Errorf("database URL %q: there is no parameter %q: tls and socket are", redact(rawURL), key)
		}
	}
	// An UPDATE that changes nothing still has found its row.
	cfg.ClientFoundRows = true
	cfg.ParseTime, cfg.Loc = true, time.UTC
	cfg.Timeout = lockWait
	cfg.Logger = &mysql.NopLogger{} // what it says comes back as errors too
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return source{}, fmt.Errorf("database URL %q: tls has to be true, skip-verify, preferred or false", redact(rawURL))
	}
	return source{
		engine: MySQL, name: fmt.Sprintf("mysql://%s/%s", cfg.Addr, cfg.DBName),
		connect: func(ours bool) (*sql.DB, error) {
			statements := sessionMySQL
			if ours {
				statements = append(slices.Clone(statements), "SET SESSION time_zone = '+00:00'")
			}
			return sql.OpenDB(sessions{connector, statements}), nil
		},
	}, nil
}

// sessions is a connector whose connections have been told some statements.
type sessions struct {
	driver.Connector
	statements []string
}

func (s sessions) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	ex, ok := conn.(driver.ExecerContext)
	if !ok {
		return nil, errors.Join(errors.New("the driver cannot execute"), conn.Close())
	}
	for _, statement := range s.statements {
		if _, err := ex.ExecContext(ctx, statement, nil); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return conn, nil
}

func mysqlDialect() schema.Dialect { return mysqldialect.New() }

// The errors of transactions that may simply run again
// (dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html).
func againMySQL(err error) bool {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return false
	}
	switch e.Number {
	case 1213, 1020, 1062: // ER_LOCK_DEADLOCK, ER_CHECKREAD (MariaDB's snapshot conflict), ER_DUP_ENTRY
		return true
	}
	return false
}

// refusedMySQL tells that the server said no to a COMMIT. One that is shut down or that was
// told to end the connection says nothing of what it did.
func refusedMySQL(err error) bool {
	e, ok := errors.AsType[*mysql.MySQLError](err)
	if !ok {
		return false
	}
	switch e.Number {
	case 1053, 1317, 1927: // ER_SERVER_SHUTDOWN, ER_QUERY_INTERRUPTED, ER_CONNECTION_KILLED
		return false
	}
	return true
}
