package cli

import (
	"maps"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

func (a *app) deadListCmd() *cobra.Command {
	var flags letterFlags
	var state string
	var after int64
	var limit int
	var orderBy string
	var failIfEmpty bool
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List letters", Args: cobra.NoArgs,
		Long:    "Lists letters by ID, the lowest first. With more of them than --limit it tells the --after of the next page.",
		Example: "  afterput dead list --class denied --since 2h\n  afterput dead list --state all -o jsonl --after 100",
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := flags.filter(time.Now())
			if err != nil {
				return err
			}
			if filter.State, err = stateFlag(state); err != nil {
				return err
			}
			if limit < 1 {
				return failf(exitUsage, "usage", "", "--limit %d: want at least 1", limit)
			}
			filter.After = after
			if filter.Newest, err = newest(orderBy); err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				n, next, err := printLetters(cmd, w.Ledger, p, filter, limit, nil)
				if err != nil {
					return err
				}
				if next != 0 {
					a.say("more: --after %d", next)
				}
				return orEmpty(failIfEmpty, n)
			})
		},
	}
	flags.register(a, cmd)
	registerState(cmd, &state)
	cmd.Flags().Int64Var(&after, "after", 0, "only letters behind this ID")
	cmd.Flags().IntVar(&limit, "limit", 100, "at most so many")
	registerOrderBy(cmd, &orderBy)
	cmd.Flags().BoolVar(&failIfEmpty, "fail-if-empty", false, "exit with 4 when nothing matches")
	return cmd
}

func letterColumns() []printer.Column {
	return []printer.Column{
		{Key: "id", Right: true},
		{Key: "state"},
		{Key: "class"},
		{Key: "step"},
		{Key: "group"},
		{Key: "order"},
		{Key: "key"},
		{Key: "attempts", Right: true},
		{Key: "diedAt", Title: "DIED"},
		{Key: "error", Title: "MESSAGE"},
	}
}

// printLetters prints at most limit letters, page by page, and gives their number and
// where the next page begins, 0 where there is none.
func printLetters(
	cmd *cobra.Command, l *ledger.Ledger, p *printer.Printer, f ledger.LetterFilter, limit int, summary map[string]any,
) (n int, next int64, err error) {
	s, err := p.Stream("afterput.dead.v1", letterColumns())
	if err != nil {
		return 0, 0, err
	}
	for n < limit {
		f.Limit = min(limit-n, 200)
		letters, err := l.Letters(cmd.Context(), f)
		if err != nil {
			return n, 0, err
		}
		for _, x := range letters {
			if err := letterRow(s, x); err != nil {
				return n, 0, err
			}
			n, f.After = n+1, x.ID
		}
		if len(letters) < f.Limit {
			break
		}
		if n == limit {
			next = f.After
		}
	}
	fields := map[string]any{"count": n}
	if next != 0 {
		fields["next"] = next
	}
	maps.Copy(fields, summary)
	return n, next, s.Close(fields)
}

func letterRow(s *printer.Stream, l pipeline.Letter) error {
	return s.Row(l.ID, string(l.State), string(l.Class), string(l.Step), l.Fingerprint, l.Scope, l.Key, l.Attempts, l.DiedAt, l.Error)
}
