package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/sqldb"
)

func (a *app) migrateCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "migrate", GroupID: "check", Short: "Create and upgrade the tables of the ledger",
		Long: `The tables of the ledger are created and upgraded by serve and worker when they start. These
commands are for databases where only another user may create tables, and for looking first.`,
		Example: "  afterput migrate status\n  afterput migrate up",
	}
	cmd.AddCommand(
		a.migrationsCmd("up", "Apply the migrations that the ledger has not had, and list all", wire.MigrateLedger),
		a.migrationsCmd("status", "List the migrations, and when the ledger had them", wire.LedgerMigrations),
		a.migrateSQLCmd(),
	)
	return cmd
}

func (a *app) migrationsCmd(
	use, short string, run func(context.Context, *config.Config) ([]sqldb.Migration, error),
) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs, Example: "  afterput migrate " + use,
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := a.printer()
			if err != nil {
				return err
			}
			cfg, _, err := a.load()
			if err != nil {
				return err
			}
			list, err := run(cmd.Context(), cfg)
			if err != nil {
				return err
			}
			rows := make([][]any, 0, len(list))
			for _, m := range list {
				rows = append(rows, []any{m.Version, m.File, m.AppliedAt})
			}
			return p.Table("afterput.migrations.v1", []printer.Column{{Key: "version", Right: true}, {Key: "file"}, {Key: "appliedAt", Title: "APPLIED"}}, rows)
		},
	}
}

func (a *app) migrateSQLCmd() *cobra.Command {
	return &cobra.Command{
		Use: "sql", Short: "Print the statements of the migrations for the ledger's engine", Args: cobra.NoArgs,
		Long: `Prints the statements of all migrations for the engine that ledger.url names, to read them
before "afterput migrate up" runs them. The database is not asked.`,
		Example: "  afterput migrate sql | less",
		RunE: func(*cobra.Command, []string) error {
			cfg, _, err := a.load()
			if err != nil {
				return err
			}
			text, err := wire.LedgerSQL(cfg)
			if err != nil {
				return err
			}
			_, err = io.WriteString(a.stdout, text)
			return err
		},
	}
}
