package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
)

func (a *app) deadGroupsCmd() *cobra.Command {
	var flags letterFlags
	var state string
	var limit int
	var failIfEmpty bool
	cmd := &cobra.Command{
		Use: "groups", Short: "Count letters by cause, the most frequent first", Args: cobra.NoArgs,
		Long:    "Letters of one class and step whose messages differ only in names and numbers are a group.",
		Example: "  afterput dead groups\n  afterput dead groups --since 2h --class transient",
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := flags.filter(time.Now())
			if err != nil {
				return err
			}
			if filter.State, err = stateFlag(state); err != nil {
				return err
			}
			if filter.Limit = limit; limit < 1 {
				return failf(exitUsage, "usage", "", "--limit %d: want at least 1", limit)
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				groups, err := w.Ledger.LetterGroups(cmd.Context(), filter)
				if err != nil {
					return err
				}
				rows := make([][]any, 0, len(groups))
				for _, g := range groups {
					rows = append(rows, []any{
						g.Fingerprint, g.Count, string(g.Class), string(g.Step), g.First, g.Last, g.Owners, g.Sample, g.Error,
					})
				}
				if err := p.Table("afterput.deadgroups.v1", groupColumns(), rows); err != nil {
					return err
				}
				if len(groups) > 0 && filter.State == pipeline.LetterOpen {
					a.say("replay with: afterput dead replay --group %s --dry-run", groups[0].Fingerprint)
				}
				return orEmpty(failIfEmpty, len(groups))
			})
		},
	}
	flags.register(a, cmd)
	registerState(cmd, &state)
	cmd.Flags().IntVar(&limit, "limit", 100, "at most so many groups")
	cmd.Flags().BoolVar(&failIfEmpty, "fail-if-empty", false, "exit with 4 when nothing matches")
	return cmd
}

func groupColumns() []printer.Column {
	return []printer.Column{
		{Key: "group"},
		{Key: "count", Right: true},
		{Key: "class"},
		{Key: "step"},
		{Key: "first"},
		{Key: "last"},
		{Key: "owners", Right: true},
		{Key: "sample", Right: true},
		{Key: "error", Title: "MESSAGE"},
	}
}
