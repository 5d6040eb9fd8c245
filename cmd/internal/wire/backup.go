package wire

import (
	"context"
	"errors"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// BackupLedger copies the ledger into a new file while it is in use. It asks for nothing
// else and does not migrate, so that it also works before an upgrade and beside an outage.
func BackupLedger(ctx context.Context, cfg *config.Config, path string) (err error) {
	db, err := sqldb.Open(ctx, cfg.Ledger.URL.Reveal())
	if err != nil {
		return &OpenError{PartLedger, err}
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Backup(ctx, path)
}
