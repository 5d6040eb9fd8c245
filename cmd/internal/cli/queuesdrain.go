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
