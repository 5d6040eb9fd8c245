package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/retention"
)

func (a *app) pruneCmd() *cobra.Command {
	var older string
	var o act
	cmd := &cobra.Command{
		Use: "prune", GroupID: "queues", Short: "Let go of old rows of the ledger", Args: cobra.NoArgs,
		Long: `Removes what is older than --older-than: ended attempts, resolved and discarded letters,
the IDs by which repeated requests are known, workers that vanished, and rows of the
audit trail. Uploads, their steps and links stay. An open letter never goes, nor
anything of an upload that is in flight.

--dry-run counts. Acting needs a --note, and -y or a yes on a terminal. A run that is
cut off is continued by the next.`,
		Example: "  afterput prune --older-than 90d --dry-run\n  afterput prune --older-than 90d --note 'quarterly' -y",
		RunE: func(cmd *cobra.Command, _ []string) error {
			age, err := parseAge("older-than", older)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return a.prune(cmd.Context(), w.Ledger, p, time.Now().Add(-age), o)
			})
		},
	}
	cmd.Flags().StringVar(&older, "older-than", "", "the age of what goes: 90d, 720h")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only count")
	cmd.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	cmd.Flags().StringVar(&o.note, "note", "", "why, for the audit trail")
	return cmd
}

func (a *app) prune(ctx context.Context, l *ledger.Ledger, p *printer.Printer, before time.Time, o act) error {
	counts, err := retention.Prunable(ctx, l, before)
	if err != nil {
		return err
	}
	doing, err := a.agree(p, o, fmt.Sprintf("Remove %d rows older than %s?", counts.Total(), before.UTC().Format(time.DateTime)))
	if err != nil {
		return err
	}
	if doing {
		if counts, err = retention.Prune(ctx, l, before, operator(), o.note); err != nil {
			return err
		}
	} else {
		a.say("would remove %d rows", counts.Total())
	}
	s, err := p.Stream("afterput.prune.v1", []printer.Column{{Key: "kind"}, {Key: "rows", Right: true}})
	if err != nil {
		return err
	}
	for _, kind := range ledger.Prunables() {
		if err := s.Row(string(kind), counts[kind]); err != nil {
			return err
		}
	}
	return s.Close(map[string]any{"total": counts.Total(), "dryRun": !doing, "before": before.UTC()})
}
