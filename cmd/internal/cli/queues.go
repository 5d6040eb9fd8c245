package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

func (a *app) queuesCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "queues", Aliases: []string{"queue"}, GroupID: "queues", Short: "Look at queues, pause, resume and drain them",
		Example: "  afterput queues list\n  afterput queues pause thumbnails --note 'bucket is moving'\n  afterput queues drain",
	}
	cmd.AddCommand(a.queuesListCmd(), a.queuesPauseCmd(true), a.queuesPauseCmd(false), a.queuesDrainCmd())
	return cmd
}

func (a *app) queuesListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list [QUEUE..]", Aliases: []string{"ls", "stats"}, Short: "Show what each queue holds", ValidArgs: tasks.Queues(), Args: queueNames(0),
		Long: `DEAD counts open dead letters. OLDEST is how long the oldest pending task has waited. A
queue is paused by what the ledger says; "paused, not in redis" lasts until the next sweep.`,
		Example: "  afterput queues list\n  afterput queues list thumbnails -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return listQueues(cmd.Context(), w, p, orAll(args))
			})
		},
	}
}

func listQueues(ctx context.Context, w *wire.App, p *printer.Printer, queues []string) error {
	if err := w.PingRedis(ctx); err != nil {
		return err
	}
	paused, err := w.Ledger.PausedQueues(ctx)
	if err != nil {
		return err
	}
	dead, err := w.Ledger.OpenLettersByStep(ctx)
	if err != nil {
		return err
	}
	var rows [][]any
	for _, q := range queues {
		s, err := w.Desk.Stats(ctx, q)
		if err != nil {
			return err
		}
		rows = append(rows, []any{
			q, queueState(s, paused), s.Pending, s.Active, s.Scheduled, s.Retry, deadOf(q, dead),
			s.Latency.Round(time.Millisecond).String(), s.Processed, s.Failed,
		})
	}
	return p.Table("afterput.queues.v1", []printer.Column{
		{Key: "queue"},
		{Key: "state"},
		{Key: "pending", Right: true},
		{Key: "active", Right: true},
		{Key: "scheduled", Right: true},
		{Key: "retry", Right: true},
		{Key: "dead", Right: true},
		{Key: "oldest", Right: true},
		{Key: "processed", Right: true},
		{Key: "failed", Right: true},
	}, rows)
}

func queueState(s tasks.QueueStats, paused []ledger.PausedQueue) string {
	wanted := slices.ContainsFunc(paused, func(p ledger.PausedQueue) bool { return p.Name == s.Queue })
	switch {
	case wanted && s.Paused:
		return "paused"
	case wanted:
		return "paused, not in redis"
	case s.Paused:
		return "paused in redis only"
	}
	return "running"
}

func deadOf(queue string, dead map[pipeline.Step]int) (n int) {
	for step, count := range dead {
		if tasks.QueueOf(step) == queue {
			n += count
		}
	}
	return n
}

// queueNames accepts names of queues, at least so many.
func queueNames(atLeast int) cobra.PositionalArgs {
	return cobra.MatchAll(cobra.MinimumNArgs(atLeast), cobra.OnlyValidArgs)
}

func orAll(queues []string) []string {
	if len(queues) == 0 {
		return tasks.Queues()
	}
	return queues
}

func (a *app) queuesPauseCmd(pause bool) *cobra.Command {
	var note string
	name, short, long := "pause", "Stop queues: tasks wait, running ones go on", "The pause is kept in the ledger and survives a wiped Redis."
	if !pause {
		name, short, long = "resume", "Start queues again", "Resumes queues that were paused here or in asynqmon."
	}
	cmd := &cobra.Command{
		Use: name + " QUEUE..", Short: short, Long: long, ValidArgs: tasks.Queues(), Args: queueNames(1),
		Example: "  afterput queues " + name + " thumbnails --note 'bucket is moving'",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				var rows [][]any
				for _, q := range args {
					changed, err := w.Ledger.SetPaused(cmd.Context(), q, pause, operator(), note)
					if err != nil {
						return err
					}
					if err := w.Desk.SetPaused(cmd.Context(), q, pause); err != nil {
						a.say("Redis does not answer, the sweep will see to it: %v", err)
					}
					rows = append(rows, []any{q, pause, changed})
				}
				return p.Table("afterput.pause.v1", []printer.Column{{Key: "queue"}, {Key: "paused"}, {Key: "changed"}}, rows)
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "why, for the audit trail")
	return cmd
}

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
