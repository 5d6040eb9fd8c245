package sqldb

import (
	"context"
	"fmt"
	"time"
)

// Health is what a database tells of itself.
type Health struct {
	// Version as it tells it: "15.6 (Debian 15.6-1)", "10.11.6-MariaDB", "3.50.4".
	Version string
	// Lax are settings under which it may forget what it has committed when its machine
	// fails: "fsync=off".
	Lax []string
	// Journal is the journal mode of an SQLite file: wal.
	Journal string
	// Path is that of an SQLite file.
	Path string
}

// lax is what a setting should be for a commit to last.
type lax struct{ name, query, want string }

// Health asks the database, and changes nothing.
func (db *DB) Health(ctx context.Context) (Health, error) {
	h := Health{Path: db.path}
	version, settings := "SELECT sqlite_version()", []lax(nil)
	switch db.Engine {
	case Postgres:
		version = "SELECT current_setting('server_version')"
		for _, name := range []string{"fsync", "full_page_writes"} {
			settings = append(settings, lax{name, "SELECT current_setting('" + name + "')", "on"})
		}
		// Whatever else it may be keeps the commit on one disk at least.
		settings = append(settings, lax{
			"synchronous_commit", "SELECT CASE current_setting('synchronous_commit') WHEN 'off' THEN 'off' ELSE 'on' END", "on",
		})
	case MySQL:
		version = "SELECT VERSION()"
		settings = append(settings,
			lax{"innodb_flush_log_at_trx_commit", "SELECT @@global.innodb_flush_log_at_trx_commit", "1"},
			lax{"innodb_doublewrite", "SELECT CASE WHEN @@global.innodb_doublewrite IN ('0', 'OFF') THEN 'OFF' ELSE 'ON' END", "ON"})
	case SQLite:
		if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&h.Journal); err != nil {
			return h, fmt.Errorf("%s: %w", db.name, err)
		}
	}
	if err := db.QueryRowContext(ctx, version).Scan(&h.Version); err != nil {
		return h, fmt.Errorf("%s: %w", db.name, err)
	}
	for _, s := range settings {
		var is string
		if err := db.QueryRowContext(ctx, s.query).Scan(&is); err != nil {
			return h, fmt.Errorf("%s: %s: %w", db.name, s.name, err)
		}
		if is != s.want {
			h.Lax = append(h.Lax, s.name+"="+is)
		}
	}
	return h, nil
}

// Clock gives the time of the database's server; that of an SQLite file is our own.
func (db *DB) Clock(ctx context.Context) (now time.Time, err error) {
	switch db.Engine {
	case Postgres:
		err = db.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&now)
	case MySQL:
		err = db.QueryRowContext(ctx, "SELECT UTC_TIMESTAMP(6)").Scan(&now)
	case SQLite:
		return time.Now(), nil
	}
	if err != nil {
		return now, fmt.Errorf("%s: %w", db.name, err)
	}
	return now, nil
}
