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
		Long: `Their steps are discarded and their uploads end as discarded, which is notified. The note
and your name stand in the audit trail. Export them before, and look with --dry-run.

Objects stay in the bucket. --keep-object=false deletes them as well, for ever, and asks
however few they are. An object stays all the same where an order holds it, another step
of its upload is pending or dead, or newer content lies at its key: then the exit code
is 3.`,
		Example: `  afterput dead discard 7 --note 'the customer left'
  afterput dead discard --order A12 --note 'the order was cancelled' --dry-run
  afterput dead discard --class poison --keep-object=false --note 'spam' -y`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := b.read(cmd, args, time.Now()); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				if b.deletes() {
					b.opt.Delete = (&replay.Originals{Ledger: w.Ledger, Objects: w.Objects}).Delete
				}
				return a.bulk(cmd, w, p, b)
			})
		},
	}
	b.register(a, cmd)
	cmd.Flags().BoolVar(&b.keepObject, "keep-object", true, "leave the objects in the bucket")
	return cmd
}
