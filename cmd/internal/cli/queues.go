package cli

import (
	"context"
	"slices"
	"strings"
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
		Example: "  afterput queues list\n  afterput queues stats checks\n  afterput queues pause thumbnails --for 30m --note 'bucket is moving'\n  afterput queues drain",
	}
	cmd.AddCommand(a.queuesListCmd(), a.queuesStatsCmd(), a.queuesPauseCmd(), a.queuesResumeCmd(), a.queuesDrainCmd())
	return cmd
}

func (a *app) queuesListCmd() *cobra.Command {
	return &cobra.Command{
		Use: "list [QUEUE..]", Aliases: []string{"ls"}, Short: "Show what each queue holds", ValidArgs: tasks.Queues(), Args: queueNames(0),
		Long: `DEAD counts open dead letters. OLDEST is how long the oldest pending task has waited;
PROCESSED and FAILED are of today by UTC. A queue is paused by what the ledger says;
"paused, not in redis" lasts until the next sweep, "paused in redis only" was done in
the monitor and lasts until queues resume.`,
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
		pause := pauseOf(q, paused)
		rows = append(rows, []any{
			q, queueState(s, pause), s.Pending, s.Active, s.Scheduled, s.Retry, deadOf(q, dead),
			s.Latency.Round(time.Millisecond).String(), s.Processed, s.Failed, pause.Until, pause.Note,
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
		{Key: "until"},
		{Key: "note"},
	}, rows)
}

// pauseOf finds the pause of a queue; without a name there is none.
func pauseOf(queue string, paused []ledger.PausedQueue) ledger.PausedQueue {
	for _, p := range paused {
		if p.Name == queue && !p.Over() {
			return p
		}
	}
	return ledger.PausedQueue{}
}

func queueState(s tasks.QueueStats, pause ledger.PausedQueue) string {
	wanted := pause.Name != ""
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
	return cobra.MatchAll(cobra.MinimumNArgs(atLeast), knownQueues)
}

func knownQueues(_ *cobra.Command, args []string) error {
	for _, arg := range args {
		if !slices.Contains(tasks.Queues(), arg) {
			return failf(exitUsage, "usage", "", "there is no queue %q: want %s", arg, strings.Join(tasks.Queues(), ", "))
		}
	}
	return nil
}

func orAll(queues []string) []string {
	if len(queues) == 0 {
		return tasks.Queues()
	}
	return queues
}
