package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/replay"
)

// manyLetters is from where on a command wants a note and a confirmation.
const manyLetters = 100

// bulk is what replay and discard share.
type bulk struct {
	action      replay.Action
	columns     []printer.Column // of what became of each, in JSON lines
	flags       letterFlags
	opt         replay.Options
	rate        string
	orderBy     string
	keepObject  bool // of discard
	all, yes    bool
	failIfEmpty bool
}

func (b *bulk) register(a *app, cmd *cobra.Command) {
	b.columns = []printer.Column{{Key: "id"}, {Key: "result"}, {Key: "step"}, {Key: "key"}, {Key: "error"}}
	b.flags.register(a, cmd)
	fs := cmd.Flags()
	fs.BoolVar(&b.all, "all", false, "every open letter, without a filter")
	fs.BoolVar(&b.opt.DryRun, "dry-run", false, "list what would be touched, and touch nothing")
	fs.IntVar(&b.opt.Limit, "limit", 0, "at most so many, in the order of --order-by (default all)")
	fs.IntVar(&b.opt.Batch, "batch", replay.DefaultBatch, "read so many letters at a time")
	registerOrderBy(cmd, &b.orderBy)
	fs.StringVar(&b.rate, "rate", "20/s", "at most so many per second; 0 for no limit")
	fs.StringVar(&b.opt.Note, "note", "", "why, for the audit trail")
	fs.BoolVarP(&b.yes, "yes", "y", false, "do not ask")
	fs.BoolVar(&b.failIfEmpty, "fail-if-empty", false, "exit with 4 when nothing matches")
}

// read turns flags and arguments into the options of the run.
func (b *bulk) read(cmd *cobra.Command, args []string, now time.Time) error {
	for _, arg := range args {
		id, err := letterID(arg)
		if err != nil {
			return err
		}
		b.flags.ids = append(b.flags.ids, id)
	}
	var err error
	if b.opt.Filter, err = b.flags.filter(now); err != nil {
		return err
	}
	if b.opt.Rate, err = rateFlag(b.rate); err != nil {
		return err
	}
	if b.opt.Filter.Newest, err = newest(b.orderBy); err != nil {
		return err
	}
	switch opt := &b.opt; {
	case b.flags.none() && !b.all:
		return failf(exitUsage, "usage", "", "name letters by ID or by a filter, or all open ones by --all")
	case !b.flags.none() && b.all:
		return failf(exitUsage, "usage", "", "--all goes without IDs and filters")
	case opt.Limit < 0:
		return failf(exitUsage, "usage", "", "--limit %d: want 0 or more", opt.Limit)
	case opt.Batch < 1 || opt.Batch > 1000:
		return failf(exitUsage, "usage", "", "--batch %d: want 1 to 1000", opt.Batch)
	case opt.StopOnFailure < 0 || opt.StopOnFailure >= 1:
		return failf(exitUsage, "usage", "", "--stop-on-failure %v: want a share such as 0.2", opt.StopOnFailure)
	case opt.StopOnFailure > 0 && !opt.Wait:
		return failf(exitUsage, "usage", "", "--stop-on-failure needs --wait: only then it is known what died again")
	case b.action == replay.Discard && opt.Note == "" && !opt.DryRun:
		return failf(exitUsage, "usage", "", "discard needs a --note that says why")
	}
	b.opt.Action, b.opt.Who, b.opt.Words = b.action, operator(), words(cmd, args)
	return nil
}

// deletes tells that objects are deleted as well.
func (b *bulk) deletes() bool { return b.action == replay.Discard && !b.keepObject }

// what says in words what is done to n letters.
func (b *bulk) what(n int) string {
	if b.action == hookReplay {
		return fmt.Sprintf("send %s webhooks again", thousands(n))
	}
	if b.deletes() {
		return fmt.Sprintf("discard %s letters and delete their objects for ever", thousands(n))
	}
	return fmt.Sprintf("%s %s letters", b.action, thousands(n))
}

// single tells that one letter is named and nothing else asked for.
func (b *bulk) single(args []string) bool {
	return len(args) == 1 && len(b.flags.ids) == 1 && !b.opt.DryRun && !b.opt.Wait
}

// rateFlag reads 20/s or 20.
func rateFlag(s string) (float64, error) {
	n, err := strconv.ParseFloat(strings.TrimSuffix(s, "/s"), 64)
	if err != nil || n < 0 || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, failf(exitUsage, "usage", "", "--rate %q: want 20/s", s)
	}
	return n, nil
}

// bulk looks what matches, asks where it is much, and does it.
func (a *app) bulk(cmd *cobra.Command, w *wire.App, p *printer.Printer, b *bulk) error {
	dry := b.opt
	dry.DryRun = true
	seen, err := replay.Run(cmd.Context(), w.Ledger, w.Queue, dry)
	if err != nil {
		return err
	}
	if b.opt.DryRun {
		return a.dryRun(cmd, w, p, b, seen.Matched)
	}
	if named := len(b.opt.Filter.IDs); named > 0 && seen.Matched == 0 {
		return failf(exitNotFound, "not_found", "afterput dead list shows open letters", "none of these letters is open")
	}
	if err := a.confirm(b, seen.Matched, a.person() && !p.Machine()); err != nil {
		return err
	}
	b.opt.Limit = seen.Matched // not more than what was confirmed
	out, err := a.bulkOutput(p, b, seen.Matched)
	if err != nil {
		return err
	}
	if seen.Matched == 0 {
		return errors.Join(out.close(seen), orEmpty(b.failIfEmpty, 0))
	}
	b.opt.Each, b.opt.Progress = out.each, out.progress
	sum, err := replay.Run(cmd.Context(), w.Ledger, w.Queue, b.opt)
	return errors.Join(b.verdict(cmd.Context(), sum, err), out.close(sum))
}

// dryRun prints the table of list, shortened where it would have to be held.
func (a *app) dryRun(cmd *cobra.Command, w *wire.App, p *printer.Printer, b *bulk, n int) error {
	b.opt.Filter.State = pipeline.LetterOpen
	limit := n
	if p.Format() == printer.Table || p.Format() == printer.JSON {
		limit = min(n, manyLetters)
	}
	summary := map[string]any{"matched": n, "dryRun": true}
	if _, _, err := printLetters(cmd, w.Ledger, p, b.opt.Filter, limit, summary); err != nil {
		return err
	}
	if limit < n {
		a.say("... and %s more", thousands(n-limit))
	}
	a.say("would %s", b.what(n))
	return orEmpty(b.failIfEmpty, n)
}

// verdict turns what came of a run into its exit code.
func (b *bulk) verdict(ctx context.Context, sum replay.Summary, err error) error {
	missing := max(len(b.opt.Filter.IDs)-sum.Matched, 0)
	switch {
	case errors.Is(context.Cause(ctx), errInterrupted):
		return errInterrupted
	case errors.Is(err, replay.ErrTooManyFailures):
		return failf(exitPartial, "stopped", "look at them with afterput dead groups", "%w", err)
	case err != nil:
		return err
	case sum.Failed+sum.DiedAgain > 0:
		return failf(exitPartial, "partial", "look at them with afterput dead list", "%d could not be replayed, %d died again", sum.Failed, sum.DiedAgain)
	case sum.Kept > 0:
		return failf(exitPartial, "partial", "", "%d of the objects stay in the bucket", sum.Kept)
	case missing > 0 && len(b.flags.groups)+len(b.flags.classes) == 0:
		return failf(exitPartial, "partial", "", "%d of the letters named are not open or do not match", missing)
	}
	return orEmpty(b.failIfEmpty, sum.Matched)
}
