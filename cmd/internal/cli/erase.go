package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/retention"
)

// erasing is what the flags of erase say.
type erasing struct {
	act
	owner              string
	entries, originals bool
}

// erased is what erase prints.
type erased struct {
	DryRun bool `json:"dryRun"`
	// Found is what the ledger holds of the owner before.
	Found ledger.Owned `json:"found"`
	// Erased is nothing in a dry run.
	Erased retention.Erased `json:"erased"`
}

func (a *app) eraseCmd() *cobra.Command {
	var o erasing
	cmd := &cobra.Command{
		Use: "erase", GroupID: "queues", Short: "Remove everything that is known of an owner", Args: cobra.NoArgs,
		Long: `Removes the uploads of an owner with their steps, attempts, links and letters, the cached
URLs and the thumbnails. Entries in orders and the uploaded files themselves stay unless
--order-entries and --originals say so. Uploads in flight stay: the exit code is 3, and
the command is to be run again when they have ended.

--dry-run counts. Acting needs a --note, and -y or a yes on a terminal. The audit trail
keeps a hash of the owner, not the name. A run that is cut off is continued by the next.`,
		Example: "  afterput erase --owner oX --dry-run\n  afterput erase --owner oX --order-entries --originals --note 'request 4711' -y",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.owner == "" {
				return failf(exitUsage, "usage", "", "--owner says whose uploads are removed")
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return a.erase(cmd.Context(), w, p, o)
			})
		},
	}
	cmd.Flags().StringVar(&o.owner, "owner", "", "the openid of the owner")
	cmd.Flags().BoolVar(&o.entries, "order-entries", false, "take the files out of their orders")
	cmd.Flags().BoolVar(&o.originals, "originals", false, "delete the uploaded files")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only count")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	cmd.Flags().StringVar(&o.note, "note", "", "why, for the audit trail")
	return cmd
}

func (a *app) erase(ctx context.Context, w *wire.App, p *printer.Printer, o erasing) error {
	found, err := w.Ledger.Owned(ctx, o.owner)
	if err != nil {
		return err
	}
	doing, err := a.agree(p, o.act, fmt.Sprintf("Remove %d uploads for ever?", found.Uploads))
	if err != nil {
		return err
	}
	out := erased{DryRun: !doing, Found: found}
	if doing {
		if o.entries && w.Orders == nil {
			return failf(exitUsage, "usage", "", "--order-entries: no orders database is configured")
		}
		if err := w.PingRedis(ctx); err != nil {
			return err
		}
		if out.Erased, err = w.Eraser(o.entries, o.originals).Erase(ctx, o.owner, operator(), o.note); err != nil {
			return outside(err)
		}
	} else {
		a.say("would remove %d uploads", found.Uploads)
	}
	if err := p.Object("afterput.erase.v1", out); err != nil {
		return err
	}
	if out.Erased.InFlight > 0 {
		return failf(exitPartial, "in_flight", "run it again when they have ended", "%d uploads are in flight and stay", out.Erased.InFlight)
	}
	return nil
}
