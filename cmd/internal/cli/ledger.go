package cli

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
)

func (a *app) ledgerCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "ledger", GroupID: "check", Short: "Back up the ledger",
		Example: "  afterput ledger backup /var/backups/ledger-2026-01-31.db",
	}
	cmd.AddCommand(a.ledgerBackupCmd())
	return cmd
}

func (a *app) ledgerBackupCmd() *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "Copy the ledger into a new file while it is in use", Args: cobra.ExactArgs(1),
		Long: `Copies a ledger in SQLite, as it is in one moment, into FILE, which must not exist yet. The
copy is checked and on disk when the command ends; nothing has to be stopped.`,
		Example: "  afterput ledger backup /var/backups/ledger-2026-01-31.db",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.printer()
			if err != nil {
				return err
			}
			cfg, _, err := a.load()
			if err != nil {
				return err
			}
			err = wire.BackupLedger(cmd.Context(), cfg, args[0])
			if errors.Is(err, fs.ErrExist) {
				return failf(exitConflict, "exists", "choose another name or delete it", "%s exists already", args[0])
			}
			if err != nil {
				return err
			}
			st, err := os.Stat(args[0])
			if err != nil {
				return err
			}
			return p.Table("afterput.backup.v1", []printer.Column{{Key: "file"}, {Key: "bytes", Right: true}}, [][]any{{args[0], st.Size()}})
		},
	}
}
