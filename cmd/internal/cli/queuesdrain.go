package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/tasks"
)

func (a *app) queuesDrainCmd() *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use: "drain [QUEUE..]", Short: "Wait until queues hold no task that will still run", ValidArgs: tasks.Queues(), Args: queueNames(0),
		Long:    "Takes nothing away: stop the producers first. Exit code 124 when the time is over.",
		Example: "  afterput queues drain --timeout 10m",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(w *wire.App, _ *printer.Printer) error {
				if err := w.PingRedis(cmd.Context()); err != nil {
					return err
				}
				if err := a.warnPaused(cmd.Context(), w, orAll(args)); err != nil {
					return err
				}
				ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
				defer cancel()
				err := w.Desk.Drained(ctx, orAll(args), func(open int) {
					if isTerminal(a.stderr) && !a.quiet {
						_, _ = fmt.Fprintf(a.stderr, "\r%6d tasks left", open)
					}
				})
				if err == nil {
					a.say("drained")
				}
				return err
			})
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "wait at most so long")
	return cmd
}

// warnPaused says which of the queues will not drain, because they are paused.
func (a *app) warnPaused(ctx context.Context, w *wire.App, queues []string) error {
	for _, q := range queues {
		s, err := w.Desk.Stats(ctx, q)
		if err != nil {
			return err
		}
		if s.Paused && s.Open() > 0 {
			a.say("%s is paused and holds %d tasks: afterput queues resume %s", q, s.Open(), q)
		}
	}
	return nil
}
