package wire

import (
	"context"
	"errors"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// MigrateLedger creates or upgrades the tables of the ledger and lists its migrations. It
// asks for nothing but the ledger.
func MigrateLedger(ctx context.Context, cfg *config.Config) ([]sqldb.Migration, error) {
	return migrations(ctx, cfg, sqldb.Create, (*ledger.Ledger).Migrate)
}

// LedgerMigrations lists the migrations of a ledger that exists, without applying any.
func LedgerMigrations(ctx context.Context, cfg *config.Config) ([]sqldb.Migration, error) {
	return migrations(ctx, cfg, sqldb.Open, func(*ledger.Ledger, context.Context) error { return nil })
}

// LedgerSQL gives the statements of the migrations for the ledger's engine.
func LedgerSQL(cfg *config.Config) (string, error) {
	engine, err := sqldb.EngineOf(cfg.Ledger.URL.Reveal())
	if err != nil {
		return "", &OpenError{PartLedger, err}
	}
	return ledger.MigrationSQL(engine)
}

// OpenLedger opens a ledger that exists, and applies no migration.
func OpenLedger(ctx context.Context, cfg *config.Config) (*sqldb.DB, *ledger.Ledger, error) {
	return ledgerOf(ctx, cfg, sqldb.Open)
}

func ledgerOf(
	ctx context.Context, cfg *config.Config, open func(context.Context, string) (*sqldb.DB, error),
) (*sqldb.DB, *ledger.Ledger, error) {
	db, err := open(ctx, cfg.Ledger.URL.Reveal())
	if err != nil {
		return nil, nil, &OpenError{PartLedger, err}
	}
	l, err := ledger.New(ledger.Options{DB: db})
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, l, nil
}

func migrations(
	ctx context.Context, cfg *config.Config, open func(context.Context, string) (*sqldb.DB, error),
	first func(*ledger.Ledger, context.Context) error,
) (list []sqldb.Migration, err error) {
	db, l, err := ledgerOf(ctx, cfg, open)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := first(l, ctx); err != nil {
		return nil, &OpenError{PartLedger, err}
	}
	return l.Migrations(ctx)
}
