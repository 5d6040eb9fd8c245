package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/hooks"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/replay"
)

// hookReplay is the action of hooks replay among those over letters.
const hookReplay replay.Action = "hookreplay"

// hookReplayFlags are the filters of hooks replay.
type hookReplayFlags struct {
	uploads, endpoints, events []string
	since, until               string
}

func (a *app) hooksReplayCmd() *cobra.Command {
	b, f := &bulk{action: hookReplay, columns: []printer.Column{
		{Key: "id"}, {Key: "type"}, {Key: "endpoint"}, {Key: "result"}, {Key: "at"},
	}}, &hookReplayFlags{}
	cmd := &cobra.Command{
		Use: "replay", Short: "Send webhooks again to a receiver that lost them", Args: cobra.NoArgs,
		Long: `Each endpoint gets again what it was told last of each upload and order that matches: the
same webhook-id and body with a new timestamp and signature, through the queue and by the
schedule. A receiver that still knows a webhook-id drops it. What is on its way is left
alone, and so is what was discarded. The note and your name stand in the audit trail.

Without --endpoint it is every endpoint that is not disabled. --upload takes upload IDs,
fileIDs and object keys, and means outcomes only. --since and --until are about when an
event was fixed, not when it was delivered.`,
		Example: `  afterput hooks replay --endpoint crm --since 3d --dry-run
  afterput hooks replay --endpoint crm --since 3d --note 'its database was restored' -y
  afterput hooks replay --upload users/oX/1.jpg
  afterput hooks replay --event order.updated --all --rate 5/s --note 'orders were lost' -y`,
		RunE: func(cmd *cobra.Command, args []string) error {
			opt, err := f.read(cmd, b, args, time.Now())
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return a.replayHooks(cmd.Context(), w, p, b, f, opt)
			})
		},
	}
	fs := cmd.Flags()
	fs.StringSliceVar(&f.uploads, "upload", nil, "uploads by ID, fileID or key")
	fs.StringSliceVar(&f.endpoints, "endpoint", nil, "endpoints by name")
	fs.StringSliceVar(&f.events, "event", nil, "events, such as upload.done,order.updated")
	fs.StringVar(&f.since, "since", "", "fixed since: 2h, 3d or an RFC 3339 time")
	fs.StringVar(&f.until, "until", "", "fixed before: 30m, 1d or an RFC 3339 time")
	fs.BoolVar(&b.all, "all", false, "everything, without --upload, --since and --until")
	fs.BoolVar(&b.opt.DryRun, "dry-run", false, "list what would be sent, and send nothing")
	fs.IntVar(&b.opt.Limit, "limit", 0, "at most so many (default all)")
	fs.StringVar(&b.rate, "rate", "20/s", "at most so many per second; 0 for no limit")
	fs.StringVar(&b.opt.Note, "note", "", "why, for the audit trail")
	fs.BoolVarP(&b.yes, "yes", "y", false, "do not ask")
	fs.BoolVar(&b.failIfEmpty, "fail-if-empty", false, "exit with 4 when nothing matches")
	_ = cmd.RegisterFlagCompletionFunc("event", cobra.FixedCompletions(config.HookEvents(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (f *hookReplayFlags) read(cmd *cobra.Command, b *bulk, args []string, now time.Time) (replay.HookOptions, error) {
	var opt replay.HookOptions
	var err error
	if opt.Filter.Since, err = timeFlag("since", f.since, now); err != nil {
		return opt, err
	}
	if opt.Filter.Until, err = timeFlag("until", f.until, now); err != nil {
		return opt, err
	}
	if opt.Rate, err = rateFlag(b.rate); err != nil {
		return opt, err
	}
	for _, event := range f.events {
		if err := oneOf("event", event, config.HookEvents()); err != nil {
			return opt, err
		}
	}
	narrowed := len(f.uploads) > 0 || f.since+f.until != ""
	switch {
	case !narrowed && !b.all:
		return opt, failf(exitUsage, "usage", "", "say what to send again by --upload, --since or --until, or everything by --all")
	case narrowed && b.all:
		return opt, failf(exitUsage, "usage", "", "--all goes without --upload, --since and --until")
	case b.opt.Limit < 0:
		return opt, failf(exitUsage, "usage", "", "--limit %d: want 0 or more", b.opt.Limit)
	}
	opt.Filter.Events, opt.Limit, opt.DryRun = f.events, b.opt.Limit, b.opt.DryRun
	opt.Who, opt.Note, opt.Words = operator(), b.opt.Note, words(cmd, args)
	return opt, nil
}

// replayHooks looks what matches, asks where it is much, and has it sent.
func (a *app) replayHooks(ctx context.Context, w *wire.App, p *printer.Printer, b *bulk, f *hookReplayFlags, opt replay.HookOptions) error {
	var err error
	if opt.Filter.Endpoints, err = f.receivers(ctx, w); err != nil {
		return err
	}
	if opt.Filter.UploadIDs, err = f.uploadIDs(ctx, w.Ledger); err != nil {
		return err
	}
	dry := opt
	dry.DryRun = true
	if opt.DryRun {
		return a.dryHooks(ctx, w, p, b, dry)
	}
	seen, err := replay.Hooks(ctx, w.Ledger, w.Queue, dry)
	if err != nil {
		return err
	}
	if err := a.confirm(b, seen.Matched, a.person() && !p.Machine()); err != nil {
		return err
	}
	out, err := a.bulkOutput(p, b, seen.Matched)
	if err != nil {
		return err
	}
	if seen.Matched == 0 {
		return errors.Join(out.close(seen), orEmpty(b.failIfEmpty, 0))
	}
	opt.Limit, opt.Progress = seen.Matched, out.progress
	opt.Each = func(d ledger.Delivery, err error) error {
		if out.rows == nil {
			return nil
		}
		result := "replayed"
		if err != nil {
			result = "skipped"
		}
		return out.rows.Row(hookRow(d, result)...)
	}
	sum, err := replay.Hooks(ctx, w.Ledger, w.Queue, opt)
	return errors.Join(b.verdict(ctx, sum, err), out.close(sum))
}

// dryHooks prints what would be sent, shortened where it would have to be held.
func (a *app) dryHooks(ctx context.Context, w *wire.App, p *printer.Printer, b *bulk, opt replay.HookOptions) error {
	rows, err := p.Stream("afterput.hookreplay.v1", b.columns)
	if err != nil {
		return err
	}
	whole, shown := p.Format() != printer.Table && p.Format() != printer.JSON, 0
	opt.Each = func(d ledger.Delivery, _ error) error {
		if shown++; !whole && shown > manyLetters {
			return nil
		}
		return rows.Row(hookRow(d, string(d.State))...)
	}
	sum, err := replay.Hooks(ctx, w.Ledger, w.Queue, opt)
	if err := errors.Join(err, rows.Close(map[string]any{"matched": sum.Matched, "dryRun": true})); err != nil {
		return err
	}
	a.say("would %s", b.what(sum.Matched))
	return orEmpty(b.failIfEmpty, sum.Matched)
}

func hookRow(d ledger.Delivery, result string) []any {
	name := d.Endpoint()
	if name == "" {
		name = config.DefaultHook
	}
	return []any{d.Event.ID, d.Event.Type, name, result, d.Event.At}
}

// receivers are the endpoints to send to: those that are named, else all that are not
// disabled.
func (f *hookReplayFlags) receivers(ctx context.Context, w *wire.App) ([]string, error) {
	disabled, err := w.Ledger.DisabledEndpoints(ctx)
	if err != nil {
		return nil, err
	}
	var scopes, known []string
	for _, e := range w.Config.Hooks.All() {
		off := false
		for _, d := range disabled {
			off = off || d.Name == e.Name
		}
		named := slices.Contains(f.endpoints, e.Name)
		known = append(known, e.Name)
		switch {
		case named && off:
			return nil, failf(exitConflict, "disabled", "first: afterput hooks enable "+e.Name, "the endpoint %q is disabled", e.Name)
		case named, len(f.endpoints) == 0 && !off:
			scopes = append(scopes, hooks.ScopeOf(e.Name))
		}
	}
	for _, name := range f.endpoints {
		if !slices.Contains(known, name) {
			return nil, noEndpoint(name)
		}
	}
	if len(scopes) == 0 {
		return nil, failf(exitNotFound, "not_found", "afterput hooks list shows them", "there is no endpoint that is not disabled")
	}
	return scopes, nil
}

// uploadIDs finds the uploads that are named.
func (f *hookReplayFlags) uploadIDs(ctx context.Context, l *ledger.Ledger) (ids []string, err error) {
	for _, ref := range f.uploads {
		found, err := l.Find(ctx, ref, 1000)
		if errors.Is(err, ledger.ErrNotFound) {
			return nil, failf(exitNotFound, "not_found", "", "there is no upload %q", ref)
		}
		if err != nil {
			return nil, err
		}
		for i := range found {
			ids = append(ids, found[i].ID)
		}
	}
	return ids, nil
}
