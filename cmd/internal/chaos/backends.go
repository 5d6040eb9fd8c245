package chaos

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/pipeline/sqldb/sqldbtest"
)

// The engines of the ledger and of the orders, and the shapes of Redis.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
	MariaDB  = "mariadb"
	Plain    = "plain"
	Sentinel = "sentinel"
)

// Backends are what a run stands on.
type Backends struct {
	// Ledger is the engine of the ledger and of the orders, which are two databases.
	Ledger string
	// Redis is its shape.
	Redis string
}

// String names both.
func (b Backends) String() string { return b.Ledger + ", " + b.Redis }

// ErrNoBackend says that a back end was asked for that does not exist.
var ErrNoBackend = errors.New("there is no such back end")

// check refuses what does not exist; "" leaves it to the rows.
func (b Backends) check() error {
	if !slices.Contains([]string{"", SQLite, Postgres, MariaDB}, b.Ledger) {
		return fmt.Errorf("ledger %q: %w: sqlite, postgres and mariadb are", b.Ledger, ErrNoBackend)
	}
	if !slices.Contains([]string{"", Plain, Sentinel}, b.Redis) {
		return fmt.Errorf("redis %q: %w: plain and sentinel are", b.Redis, ErrNoBackend)
	}
	return nil
}

// on gives what a row runs on: what is asked for where it can, or its own first.
func (r Row) on(asked Backends) Backends {
	pick := func(asked, usual string, able []string) string {
		switch {
		case len(able) == 0 && asked == "":
			return usual
		case len(able) == 0 || slices.Contains(able, asked):
			return asked
		}
		return able[0]
	}
	return Backends{Ledger: pick(asked.Ledger, SQLite, r.Ledgers), Redis: pick(asked.Redis, Plain, r.Redises)}
}

// servers are the databases of a run on a database server, each behind a line.
type servers struct {
	ledger, shop *sqldbtest.Line
	// ledgerURL and shopURL lead past the lines.
	ledgerURL, shopURL string
}

// databases makes ledger and shop on a server. With SQLite the world makes them itself.
func (b *Bench) databases(ctx context.Context) error {
	create := map[string]func(testing.TB) string{Postgres: sqldbtest.Postgres, MariaDB: sqldbtest.MariaDB}[b.On.Ledger]
	if create == nil {
		return nil
	}
	h := newHost(ctx, filepath.Join(b.Dir, "databases"))
	b.closers = append(b.closers, h.close)
	s := &servers{}
	if err := h.do(func() { s.ledgerURL, s.shopURL = create(h), create(h) }); err != nil {
		return err
	}
	var err error
	if s.ledger, b.ledgerURL, err = sqldbtest.Through(ctx, s.ledgerURL); err != nil {
		return err
	}
	b.closers = append(b.closers, s.ledger.Close)
	if s.shop, b.shopURL, err = sqldbtest.Through(ctx, s.shopURL); err != nil {
		return err
	}
	b.closers = append(b.closers, s.shop.Close)
	b.servers = s
	return nil
}

// connect opens the battery's own connections, past the lines.
func (b *Bench) connect(ctx context.Context) error {
	ledger, shop := b.World.Config.Ledger.URL.Reveal(), b.World.Config.Orders.URL.Reveal()
	if b.servers != nil {
		ledger, shop = b.servers.ledgerURL, b.servers.shopURL
	}
	for url, db := range map[string]**sqldb.DB{ledger: &b.ledger, shop: &b.shop} {
		conn, err := sqldb.Create(ctx, url)
		if err != nil {
			return err
		}
		b.closers = append(b.closers, func() { _ = conn.Close() })
		*db = conn
	}
	return nil
}

// each executes statements one by one.
func each(ctx context.Context, db *sqldb.DB, statements ...string) error {
	for _, s := range statements {
		if _, err := db.SQL().ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}
