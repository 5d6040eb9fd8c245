package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

func (a *app) queuesPauseCmd() *cobra.Command {
	var note, span string
	cmd := &cobra.Command{
		Use: "pause QUEUE..", Short: "Stop queues: tasks wait, running ones go on", ValidArgs: tasks.Queues(), Args: queueNames(1),
		Long: `The pause is kept in the ledger and survives a wiped Redis. With --for it ends by itself;
else it lasts until queues resume. A queue that is paused takes the new end and note.`,
		Example: "  afterput queues pause thumbnails --for 30m --note 'bucket is moving'",
		RunE: func(cmd *cobra.Command, args []string) error {
			left, err := pauseFor(cmd, span)
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return a.pauseQueues(cmd.Context(), w, p, args, left, note)
			})
		},
	}
	cmd.Flags().StringVar(&span, "for", "", "end the pause after so long: 30m, 2h or 1d (default when it is resumed)")
	cmd.Flags().StringVar(&note, "note", "", "why; queues list shows it, and it stands in the audit trail")
	return cmd
}

// pauseFor reads --for; 0 is a pause without an end.
func pauseFor(cmd *cobra.Command, span string) (time.Duration, error) {
	if !cmd.Flags().Changed("for") {
		return 0, nil
	}
	left, err := parseAge("for", span)
	if err != nil || left < time.Second {
		return 0, failf(exitUsage, "usage", "", "--for %q: want how long, such as 30m, 2h or 1d", span)
	}
	return left, nil
}

func (a *app) pauseQueues(ctx context.Context, w *wire.App, p *printer.Printer, queues []string, left time.Duration, note string) error {
	pause := ledger.PausedQueue{By: operator(), Note: note}
	if left > 0 {
		pause.Until = time.Now().Add(left)
	}
	var rows [][]any
	for _, q := range queues {
		pause.Name = q
		changed, err := w.Ledger.Pause(ctx, pause)
		if err != nil {
			return err
		}
		if err := w.Desk.Pause(ctx, q, left); err != nil {
			a.say("Redis does not answer, the sweep will pause %s there: %v", q, err)
		}
		rows = append(rows, []any{q, true, changed, pause.Until, note})
	}
	return p.Table("afterput.pause.v1", pauseColumns(), rows)
}

func (a *app) queuesResumeCmd() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: "resume QUEUE..", Short: "Start queues again", ValidArgs: tasks.Queues(), Args: queueNames(1),
		Long:    "Resumes queues that were paused here or in the monitor. It needs Redis: what is paused there would stay so.",
		Example: "  afterput queues resume thumbnails --note 'the bucket has moved'",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return resumeQueues(cmd.Context(), w, p, args, note)
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "why, for the audit trail")
	return cmd
}

func resumeQueues(ctx context.Context, w *wire.App, p *printer.Printer, queues []string, note string) error {
	if err := w.PingRedis(ctx); err != nil {
		return err
	}
	var rows [][]any
	for _, q := range queues {
		changed, err := w.Ledger.Resume(ctx, q, operator(), note)
		if err != nil {
			return err
		}
		if err := w.Desk.Resume(ctx, q); err != nil {
			return &wire.OpenError{Part: wire.PartRedis, Err: err}
		}
		rows = append(rows, []any{q, false, changed, time.Time{}, note})
	}
	return p.Table("afterput.pause.v1", pauseColumns(), rows)
}

func pauseColumns() []printer.Column {
	return []printer.Column{{Key: "queue"}, {Key: "paused"}, {Key: "changed"}, {Key: "until"}, {Key: "note"}}
}
