package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

func (a *app) tasksCancelCmd() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use: "cancel ID..", Short: "Stop the attempt that a worker makes of a task", Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeTasks(tasks.TaskActive),
		Long: `Asks the worker to stop this attempt; the worker does not answer. The task comes back after
a second and is tried again: the attempt counts as interrupted and costs no budget. To
keep it from running pause its queue before.

Only active tasks can be cancelled. One that waits cannot be taken away: its step is
pending in the ledger, and the sweep would queue it again. Pause its queue, or when it
has died discard its letter.

Exit codes: 0 sent, 3 some of them, 14 no such task, 15 it does not run or nobody listens.`,
		Example: "  afterput tasks cancel thumbnail:00673c407f952eecfce54327ac568a1a:1 --note 'the decoder hangs'",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return cancelTasks(cmd.Context(), w, p, distinct(args), note)
			})
		},
	}
	cmd.Flags().StringVar(&note, "note", "", "why, for the audit trail")
	return cmd
}

func distinct(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// cancelTasks sends the cancellations, prints what came of each, and gives the error that
// decides the exit code: that of the only one, else 3 where some were sent.
func cancelTasks(ctx context.Context, w *wire.App, p *printer.Printer, ids []string, note string) error {
	if err := w.PingRedis(ctx); err != nil {
		return err
	}
	var rows [][]any
	var sent []string
	var refused []error
	for _, id := range ids {
		state, err := cancelTask(ctx, w, id)
		result, message := "sent", ""
		if err == nil {
			sent = append(sent, id)
		} else {
			if _, ours := errors.AsType[*failure](err); !ours {
				return err
			}
			refused, result, message = append(refused, err), "refused", err.Error()
		}
		rows = append(rows, []any{id, string(state), result, message})
	}
	if len(sent) > 0 {
		op := ledger.Operation{Who: operator(), What: "task cancel", Filter: strings.Join(sent, " "), Note: note, Counts: fmt.Sprint(len(sent))}
		if _, err := w.Ledger.Record(ctx, op); err != nil {
			return err
		}
	}
	columns := []printer.Column{{Key: "id"}, {Key: "state"}, {Key: "result"}, {Key: "error", Title: "WHY"}}
	if err := p.Table("afterput.cancel.v1", columns, rows); err != nil {
		return err
	}
	switch {
	case len(refused) == 0:
		return nil
	case len(sent) > 0:
		return failf(exitPartial, "partial", "", "%d of %d tasks were not cancelled", len(refused), len(ids))
	}
	return refused[0]
}

// cancelTask cancels one task. The state is that in which it was met.
func cancelTask(ctx context.Context, w *wire.App, id string) (tasks.TaskState, error) {
	t, err := w.Desk.FindTask(ctx, id)
	if errors.Is(err, tasks.ErrNoTask) {
		return "", noTask(ctx, w.Ledger, id)
	}
	if err != nil {
		return "", err
	}
	switch t.State {
	case tasks.TaskActive:
	case tasks.TaskArchived:
		return t.State, failf(exitConflict, "not_running", "afterput tasks show "+id+" names its letter; afterput dead discard gives up on it",
			"task %s does not run: it has died", id)
	case tasks.TaskPending, tasks.TaskRetry, tasks.TaskScheduled:
		return t.State, failf(exitConflict, "not_running",
			"the sweep would queue it again; keep it from running with afterput queues pause "+t.Queue,
			"task %s does not run: it is %s", id, t.State)
	}
	heard, err := w.Desk.Cancel(ctx, id)
	if err != nil {
		return t.State, &wire.OpenError{Part: wire.PartRedis, Err: err}
	}
	if heard == 0 {
		return t.State, failf(exitConflict, "nobody_listens", "afterput queues stats "+t.Queue, "task %s: no worker listens", id)
	}
	return t.State, nil
}
