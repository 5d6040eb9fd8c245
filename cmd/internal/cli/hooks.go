package cli

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
)

func (a *app) hooksCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "hooks", Aliases: []string{"hook"}, GroupID: "queues", Short: "Look at webhook endpoints, test and enable them, and send again",
		Example: "  afterput hooks list\n  afterput hooks test default\n  afterput hooks enable crm --note 'moved'",
	}
	cmd.AddCommand(a.hooksListCmd(), a.hooksTestCmd(), a.hooksReplayCmd(), a.hooksEnableCmd())
	return cmd
}

func (a *app) hooksListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "Show the endpoints and which are disabled", Args: cobra.NoArgs,
		Long: `An endpoint that answers 410 is disabled: what is for it becomes a dead letter without a
request until hooks enable. URLs are shown without user, path and query, which may hold
secrets. One that is "not configured" was disabled and has left the configuration since.`,
		Example: "  afterput hooks list\n  afterput hooks list -o json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return listHooks(cmd.Context(), w, p)
			})
		},
	}
}

func listHooks(ctx context.Context, w *wire.App, p *printer.Printer) error {
	disabled, err := w.Ledger.DisabledEndpoints(ctx)
	if err != nil {
		return err
	}
	var rows [][]any
	for _, e := range w.Config.Hooks.All() {
		state, known := "enabled", pipeline.Endpoint{}
		i := slices.IndexFunc(disabled, func(d pipeline.Endpoint) bool { return d.Name == e.Name })
		if i >= 0 {
			state, known = "disabled", disabled[i]
			disabled = slices.Delete(disabled, i, i+1)
		}
		events := strings.Join(e.Events, ",")
		if events == "" {
			events = "upload.*"
		}
		rows = append(rows, []any{e.Name, state, site(e.URL), events, known.DisabledAt, known.Why})
	}
	for _, d := range disabled {
		rows = append(rows, []any{d.Name, "disabled, not configured", "", "", d.DisabledAt, d.Why})
	}
	return p.Table("afterput.hooks.v1", []printer.Column{
		{Key: "endpoint"}, {Key: "state"}, {Key: "url"}, {Key: "events"}, {Key: "since"}, {Key: "why"},
	}, rows)
}

// site is scheme and host of a URL: the rest may hold secrets.
func site(u config.URL) string {
	parsed, err := url.Parse(u.Reveal())
	if err != nil {
		return ""
	}
	return parsed.Scheme + "://" + parsed.Host
}

func (a *app) hooksTestCmd() *cobra.Command {
	return &cobra.Command{
		Use: "test NAME", Short: "Send one signed test event and show the answer", Args: cobra.ExactArgs(1),
		Long: `Sends an event of type afterput.test from this machine, also to an endpoint that is
disabled, and changes nothing. Exits with 1 unless the answer is 2xx. The endpoint of
hooks.url is called default.`,
		Example: "  afterput hooks test default\n  afterput hooks test crm -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return testHook(cmd.Context(), w, p, args[0])
			})
		},
	}
}

func testHook(ctx context.Context, w *wire.App, p *printer.Printer, name string) error {
	sender, err := w.Hook(name)
	if errors.Is(err, wire.ErrNoEndpoint) {
		return noEndpoint(name)
	}
	if err != nil {
		return err
	}
	tried, failed := sender.Try(ctx)
	err = p.Table("afterput.hooktest.v1", []printer.Column{
		{Key: "endpoint"}, {Key: "ok"}, {Key: "status", Right: true}, {Key: "took", Right: true}, {Key: "id"},
	}, [][]any{{name, failed == nil, tried.Status, tried.Took.Round(time.Millisecond).String(), tried.ID}})
	if err == nil && failed != nil {
		err = failf(exitFailed, "hook_failed", "the receiver's log may know more; the event had the webhook-id "+tried.ID, "%w", failed)
	}
	return err
}

func noEndpoint(name string) error {
	return failf(exitNotFound, "not_found", "afterput hooks list shows the endpoints", "there is no endpoint %q", name)
}

func (a *app) hooksEnableCmd() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: "enable NAME", Short: "Send to an endpoint again that answered 410", Args: cobra.ExactArgs(1),
		Long: `Outcomes from now on are sent again. Those that met the disabled endpoint are dead letters
of the step notify: replay them.`,
		Example: "  afterput hooks enable crm --note 'moved to the new host'\n  afterput dead replay --step notify --class denied --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return a.enableHook(cmd.Context(), w, p, args[0], note)
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "why, for the audit trail")
	return cmd
}

func (a *app) enableHook(ctx context.Context, w *wire.App, p *printer.Printer, name, note string) error {
	changed, err := w.Ledger.EnableEndpoint(ctx, name, operator(), note)
	if err != nil {
		return err
	}
	configured := slices.ContainsFunc(w.Config.Hooks.All(), func(e config.HookEndpoint) bool { return e.Name == name })
	if !changed && !configured {
		return noEndpoint(name)
	}
	if changed {
		a.say("replay what it missed with: afterput dead replay --step notify --class denied --dry-run")
	}
	return p.Table("afterput.hookenable.v1", []printer.Column{{Key: "endpoint"}, {Key: "changed"}}, [][]any{{name, changed}})
}
