package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/producer/replay"
)

func (a *app) deadDiscardCmd() *cobra.Command {
	b := &bulk{action: replay.Discard}
	cmd := &cobra.Command{
		Use: "discard [ID..]", Short: "Give up on letters", ValidArgsFunction: a.completeLetters(),
		Long: `Their steps are discarded and their uploads end as discarded, which is notified. Objects
stay in the bucket. The note and your name stand in the audit trail. Export them
before, and look with --dry-run.`,
		Example: `  afterput dead discard 7 --note 'the customer left'
  afterput dead discard --order A12 --note 'the order was cancelled' --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := b.read(cmd, args, time.Now()); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return a.bulk(cmd, w, p, b)
			})
		},
	}
	b.register(a, cmd)
	return cmd
}
