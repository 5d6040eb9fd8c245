package ledger

import (
	"context"
	"embed"
	"io/fs"
	"strings"

	"github.com/afterput/afterput/pipeline/sqldb"
)

//go:embed migrations
var migrations embed.FS

// Migrate creates or upgrades the tables. Several processes may call it at once.
func (l *Ledger) Migrate(ctx context.Context) error {
	files, err := migrationsOf(l.db.Engine)
	if err != nil {
		return err
	}
	if err := l.db.Migrate(ctx, files); err != nil {
		return err
	}
	return l.forgetSlots(ctx)
}

// Migrations lists the steps of the schema and which of them the database has had.
func (l *Ledger) Migrations(ctx context.Context) ([]sqldb.Migration, error) {
	files, err := migrationsOf(l.db.Engine)
	if err != nil {
		return nil, err
	}
	return l.db.Migrations(ctx, files)
}

// MigrationSQL gives the statements of all migrations for an engine, oldest first.
func MigrationSQL(engine sqldb.Dialect) (string, error) {
	files, err := migrationsOf(engine)
	if err != nil {
		return "", err
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return "", err
		}
		all.WriteString("-- " + name + "\n" + strings.TrimPrefix(string(text), "-- +goose Up\n") + "\n")
	}
	return all.String(), nil
}

func migrationsOf(engine sqldb.Dialect) (fs.FS, error) {
	return fs.Sub(migrations, "migrations/"+string(engine))
}
