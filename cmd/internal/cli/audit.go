package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/audit"
)

const auditSchema = "afterput.audit.v1"

func (a *app) auditCmd() *cobra.Command {
	var since string
	var limit int
	var quick bool
	cmd := &cobra.Command{
		Use: "audit", GroupID: "look", Short: "Count whether anything was lost, and name what does not add up", Args: cobra.NoArgs,
		Long: `Every upload that was announced is done, rejected, dead, discarded, gone or in flight:
each is counted by itself. Then the ledger is compared with itself, with the orders, with
the thumbnails in the bucket (one HEAD each, unless --quick) and with the queue.

Each row that does not add up is one line. Exit code 3 says that there is one. Nothing is
written. A step that is on its way is no finding.`,
		Example: "  afterput audit\n  afterput audit --since 24h --quick\n  afterput audit -o jsonl --limit 100000",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 {
				return failf(exitUsage, "usage", "", "--limit %d: want at least 1", limit)
			}
			var from time.Time
			if since != "" {
				age, err := parseAge("since", since)
				if err != nil {
					return err
				}
				from = time.Now().Add(-age)
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				run, err := w.Audit(cmd.Context(), from, quick)
				if err != nil {
					return err
				}
				return a.audit(cmd.Context(), run, p, limit)
			})
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "only uploads that were announced in this time: 24h, 90d (default all)")
	cmd.Flags().IntVar(&limit, "limit", 100, "show at most so many findings; all are counted")
	cmd.Flags().BoolVar(&quick, "quick", false, "leave the bucket out")
	return cmd
}

// audit runs the audit and prints findings as they come.
func (a *app) audit(ctx context.Context, run *audit.Audit, p *printer.Printer, limit int) error {
	s, err := p.Stream(auditSchema, []printer.Column{
		{Key: "kind"}, {Key: "uploadId", Title: "UPLOAD"}, {Key: "key"}, {Key: "order"}, {Key: "step"}, {Key: "what"},
	})
	if err != nil {
		return err
	}
	shown := 0
	rep, err := run.Run(ctx, func(f audit.Finding) error {
		if shown++; shown > limit {
			return nil
		}
		return s.Row(string(f.Kind), f.UploadID, f.Key, f.Order, string(f.Step), f.What)
	})
	if err != nil {
		return outside(err)
	}
	summary, err := reportFields(rep)
	if err != nil {
		return err
	}
	if err := a.equation(p, rep); err != nil {
		return err
	}
	if rep.Holds && p.Format() == printer.Table {
		return nil
	}
	if err := s.Close(summary); err != nil || rep.Holds {
		return err
	}
	hint := "deploy/docs/audit.md says what to do about each kind"
	if shown > limit {
		hint = fmt.Sprintf("%d more are not shown: --limit %d; %s", shown-limit, shown, hint)
	}
	return failf(exitPartial, "audit_mismatch", hint, "it does not add up: %d findings", rep.Total())
}

// equation tells a person what was counted: on stdout as a part of the table, beside the
// rows for a pipe.
func (a *app) equation(p *printer.Printer, r audit.Report) error {
	if p.Machine() {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d announced = %d done + %d rejected + %d dead + %d discarded + %d gone + %d in flight\n",
		r.Announced, r.Done, r.Rejected, r.Dead, r.Discarded, r.Gone, r.InFlight)
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "  %-9s  %d wanted = %d pending + %d done + %d skipped + %d dead + %d discarded\n",
			s.Step, s.Wanted, s.Pending, s.Done, s.Skipped, s.Dead, s.Discarded)
	}
	fmt.Fprintf(&b, "%d dead steps = %d open letters, and %d of tasks that nobody could read\n", r.DeadSteps, r.OpenLetters, r.RawLetters)
	fmt.Fprintf(&b, "compared: %d orders with %d entries, %d thumbnails, %d waiting steps, %d tasks (%d stale)",
		r.Orders, r.Entries, r.Thumbnails, r.Waiting, r.Tasks, r.Stale)
	if r.Holds {
		b.WriteString("\nIt holds: nothing is missing.")
	}
	if p.Format() == printer.Table {
		_, err := fmt.Fprintln(a.stdout, b.String())
		return err
	}
	a.say("%s", b.String())
	return nil
}

// reportFields gives the fields of a report by their JSON names.
func reportFields(rep any) (map[string]any, error) {
	raw, err := json.Marshal(rep)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	return fields, json.Unmarshal(raw, &fields)
}

// outside gives what could not be read its exit code.
func outside(err error) error {
	failed, ok := errors.AsType[*pipeline.Error](err)
	if !ok {
		return err
	}
	switch part, _, _ := strings.Cut(failed.Op, "."); part {
	case "objects":
		return failf(exitStorage, "storage_unreachable", "", "%w", err)
	case "orders":
		return failf(exitOrders, "orders_unreachable", "", "%w", err)
	}
	return err
}
