package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/producer/reconcile"
)

const reconcileSchema = "afterput.reconcile.v1"

func (a *app) reconcileCmd() *cobra.Command {
	var f reconcileFlags
	cmd := &cobra.Command{
		Use: "reconcile", GroupID: "put", Short: "Compare the bucket with the ledger and heal the differences",
		Long: `Compares the bucket's listing with the ledger, in constant memory:

  missing     lies in the bucket and was never announced
  orphans     was accepted and is not in the bucket any more
  stale       has another ETag than the last check saw
  unattached  is accepted, but never stood in the order it belongs to
  thumbnails  is an accepted image without all of its thumbnails

It only tells, unless --apply: then what is missing is announced, and the others get the
step that looks again. The workers do the rest. What a worker is about to settle, and
what is younger than --min-age, is left alone.

Exits with 0 when nothing is found or all of it was healed, else with 3.`,
		Example: "  afterput reconcile --since 24h\n  afterput reconcile --mode missing,stale --apply --rate 50/s\n" +
			"  afterput reconcile --apply --checkpoint reconcile.json -o jsonl",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			plan, ctl, err := f.parse(time.Now().Round(0))
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return a.reconcile(cmd.Context(), w, p, plan, ctl)
			})
		},
	}
	f.register(cmd)
	return cmd
}

func (a *app) reconcile(ctx context.Context, w *wire.App, p *printer.Printer, plan reconcile.Plan, ctl reconcile.Controls) error {
	if plan.Bucket == "" {
		plan.Bucket = w.Buckets[0].Name
	}
	if _, ok := w.Buckets.ByName(plan.Bucket); !ok {
		return failf(exitUsage, "usage", "", "--bucket %q is not configured", plan.Bucket)
	}
	r, err := w.Reconciler()
	if err != nil {
		return err
	}
	out, err := a.newFindings(p)
	if err != nil {
		return err
	}
	ctl.Found = out.add
	ctl.Progress = func(r reconcile.Report) {
		a.say("scanned %d  matched %d  found %d  healed %d", r.Scanned, r.Matched, r.Findings(), r.Healed)
	}
	report, err := r.Run(ctx, plan, ctl)
	if errors.Is(err, reconcile.ErrOtherPlan) {
		return failf(exitUsage, "usage", "", "--checkpoint %s: %w", ctl.Checkpoint, err)
	}
	if err == nil || report.Scanned > 0 {
		err = errors.Join(err, out.close(report, a.summaryPrinter(p)))
	}
	if err != nil {
		if ctl.Checkpoint != "" {
			a.say("the same command goes on from %s", ctl.Checkpoint)
		}
		return err
	}
	if report.Limited {
		a.say("more: the limit is reached")
	}
	return differences(report, plan.Apply)
}

// differences is the exit code of a run that went through.
func differences(r reconcile.Report, apply bool) error {
	switch {
	case !apply && r.Findings() > 0:
		return failf(exitPartial, "differences", "heal them with --apply", "bucket and ledger differ in %d places", r.Findings())
	case apply && r.Refused > 0:
		return failf(exitPartial, "partial", "the findings say why", "%d of %d findings could not be healed", r.Refused, r.Findings())
	}
	return nil
}

// summaryPrinter prints the summary of a table: --fields is for the findings.
func (a *app) summaryPrinter(p *printer.Printer) *printer.Printer {
	return printer.New(a.stdout, p.Format(), printer.Options{NoHeaders: a.noHeaders, Time: a.timeFormat})
}

// shownFindings is how many findings are printed where not all are.
const shownFindings = 20

// findings prints what is found: at once in JSON lines, else the first of them at the end.
type findings struct {
	p    *printer.Printer
	s    *printer.Stream
	kept []reconcile.Finding
}

func (a *app) newFindings(p *printer.Printer) (*findings, error) {
	out := &findings{p: p}
	var err error
	if p.Machine() {
		out.s, err = p.Stream(reconcileSchema, findingColumns())
		return out, err
	}
	// Before the work begins, because these are printed at its end.
	_, err = printer.New(io.Discard, p.Format(), printer.Options{Fields: a.fields}).Stream(reconcileSchema, findingColumns())
	return out, err
}

func findingColumns() []printer.Column {
	return []printer.Column{
		{Key: "kind"},
		{Key: "result"},
		{Key: "code"},
		{Key: "key"},
		{Key: "uploadId"},
		{Key: "order"},
		{Key: "presets"},
		{Key: "detail"},
	}
}

func (f *findings) add(one reconcile.Finding) error {
	if f.p.Format() == printer.JSONL {
		return f.row(one)
	}
	if len(f.kept) < shownFindings {
		f.kept = append(f.kept, one)
	}
	return nil
}

func (f *findings) row(one reconcile.Finding) error {
	var presets any = one.Presets
	if !f.p.Machine() {
		presets = strings.Join(one.Presets, ",")
	}
	return f.s.Row(string(one.Kind), string(one.Result), one.Code, one.Key, one.UploadID, one.Order, presets, one.Detail)
}

func (f *findings) close(r reconcile.Report, summary *printer.Printer) error {
	fields := []struct {
		key   string
		count int64
	}{
		{"scanned", r.Scanned},
		{"matched", r.Matched},
		{"missing", r.Missing},
		{"orphans", r.Orphans},
		{"stale", r.Stale},
		{"unattached", r.Unattached},
		{"thumbnails", r.Thumbnails},
		{"healed", r.Healed},
		{"refused", r.Refused},
		{"settling", r.Settling},
	}
	totals := map[string]any{"limited": r.Limited}
	columns, row := []printer.Column{}, []any{}
	for _, t := range fields {
		totals[t.key] = t.count
		columns, row = append(columns, printer.Column{Key: t.key, Right: true}), append(row, t.count)
	}
	if !f.p.Machine() {
		err := summary.Table(reconcileSchema, columns, [][]any{row})
		if err != nil || len(f.kept) == 0 {
			return err
		}
		if f.s, err = f.p.Stream(reconcileSchema, findingColumns()); err != nil {
			return err
		}
	}
	for _, one := range f.kept {
		if err := f.row(one); err != nil {
			return err
		}
	}
	return f.s.Close(totals)
}
