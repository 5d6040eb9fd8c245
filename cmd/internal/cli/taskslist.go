package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// taskFlags are the filters of tasks list.
type taskFlags struct {
	queues, states []string
	order, owner   string
	after          string
	limit          int
	failIfEmpty    bool
}

func (f *taskFlags) register(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringSliceVar(&f.queues, "queue", nil, "queues: "+strings.Join(tasks.Queues(), ", "))
	fs.StringSliceVar(&f.states, "state", nil, "states: "+strings.Join(stateNames(), ", "))
	fs.StringVar(&f.order, "order", "", "attaches to this order, and every task of the uploads that belong to it")
	fs.StringVar(&f.owner, "owner", "", "tasks of the uploads of this owner")
	fs.StringVar(&f.after, "after", "", "where the list before has ended, as it told")
	fs.IntVar(&f.limit, "limit", 100, "at most so many")
	fs.BoolVar(&f.failIfEmpty, "fail-if-empty", false, "exit with 4 when nothing matches")
	_ = cmd.RegisterFlagCompletionFunc("queue", cobra.FixedCompletions(tasks.Queues(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("state", cobra.FixedCompletions(stateNames(), cobra.ShellCompDirectiveNoFileComp))
}

// places are the queues and states to walk through, from the cursor on.
func (f *taskFlags) places() ([]place, error) {
	for _, q := range f.queues {
		if err := oneOf("queue", q, tasks.Queues()); err != nil {
			return nil, err
		}
	}
	for _, s := range f.states {
		if err := oneOf("state", s, stateNames()); err != nil {
			return nil, err
		}
	}
	if f.limit < 1 {
		return nil, failf(exitUsage, "usage", "", "--limit %d: want at least 1", f.limit)
	}
	from, err := parsePlace(f.after)
	if err != nil {
		return nil, err
	}
	var all []place
	for _, q := range tasks.Queues() {
		for _, s := range tasks.TaskStates() {
			if from.queue == q && from.state == s {
				all, from.queue = nil, ""
				all = append(all, from.at(q, s))
				continue
			}
			all = append(all, place{queue: q, state: s})
		}
	}
	return slices.DeleteFunc(all, func(p place) bool {
		return len(f.queues) > 0 && !slices.Contains(f.queues, p.queue) || len(f.states) > 0 && !slices.Contains(f.states, string(p.state))
	}), nil
}

func (p place) at(queue string, state tasks.TaskState) place { return place{queue, state, p.seen} }

func (a *app) tasksListCmd() *cobra.Command {
	var f taskFlags
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List tasks by queue and state, the next to run first", Args: cobra.NoArgs,
		Long: `Reads Redis in pages and never a whole queue. A queue moves while it is looked at: a task
may be missed or seen twice. With more tasks than --limit it tells the --after of the
next page. RETRIED is asynq's own count; what counts against a budget are the attempts
that tasks show tells. Tasks of warm serve a bucket, not one upload.`,
		Example: "  afterput tasks list --state active\n  afterput tasks list --queue orders --order A12 -o jsonl",
		RunE: func(cmd *cobra.Command, _ []string) error {
			places, err := f.places()
			if err != nil {
				return err
			}
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				return a.listTasks(cmd.Context(), w, p, f, places)
			})
		},
	}
	f.register(cmd)
	return cmd
}

func (a *app) listTasks(ctx context.Context, w *wire.App, p *printer.Printer, f taskFlags, places []place) error {
	if err := w.PingRedis(ctx); err != nil {
		return err
	}
	by, err := runners(ctx, w.Desk)
	if err != nil {
		return err
	}
	rows, err := p.Stream("afterput.tasks.v1", taskColumns())
	if err != nil {
		return err
	}
	l := &taskList{w: w, flags: f, rows: rows, by: by}
	next, err := l.walk(ctx, places)
	if err != nil {
		return err
	}
	summary := map[string]any{"count": l.count}
	if next != nil {
		summary["next"] = next.String()
	}
	if err := rows.Close(summary); err != nil {
		return err
	}
	if next != nil {
		a.say("more: --after %s", next)
	}
	if f.failIfEmpty && l.count == 0 {
		return failf(exitEmpty, "nothing_matched", "", "no task matches")
	}
	return nil
}

func taskColumns() []printer.Column {
	return []printer.Column{
		{Key: "queue"},
		{Key: "state"},
		{Key: "id"},
		{Key: "step"},
		{Key: "key"},
		{Key: "order"},
		{Key: "retried", Right: true},
		{Key: "next"},
		{Key: "worker"},
		{Key: "error", Title: "LAST ERROR"},
	}
}

// taskList prints the tasks that pass the filters.
type taskList struct {
	w     *wire.App
	flags taskFlags
	rows  *printer.Stream
	by    map[string]string
	count int
}

// taskPage is how many IDs are held at a time.
const taskPage = 500

// walk prints until the limit is reached; next is where more may be, nil at the end.
func (l *taskList) walk(ctx context.Context, places []place) (next *place, err error) {
	for _, at := range places {
		for {
			n := taskPage
			if l.count == l.flags.limit {
				n = 1 // only to see whether there is more
			}
			ids, err := l.w.Desk.IDs(ctx, at.queue, at.state, at.seen, n)
			if err != nil {
				return nil, err
			}
			if len(ids) > 0 && l.count == l.flags.limit {
				return &at, nil
			}
			seen, err := l.page(ctx, at, ids)
			if err != nil {
				return nil, err
			}
			if at.seen += seen; seen == len(ids) && len(ids) < n {
				break
			}
		}
	}
	return nil, nil
}

// page prints the tasks of a page until the limit is reached, and tells how many of its
// IDs it has seen.
func (l *taskList) page(ctx context.Context, at place, ids []string) (seen int, err error) {
	var uploads []string
	for _, id := range ids {
		if _, uploadID, _, ok := tasks.ParseID(id); ok {
			uploads = append(uploads, uploadID)
		}
	}
	cards, err := l.w.Ledger.Cards(ctx, uploads)
	if err != nil {
		return 0, err
	}
	for i, id := range ids {
		if l.count == l.flags.limit {
			return i, nil
		}
		_, uploadID, _, _ := tasks.ParseID(id)
		card := cards[uploadID]
		if !l.flags.pass(id, card) {
			continue
		}
		t, err := l.w.Desk.Task(ctx, at.queue, id)
		if errors.Is(err, tasks.ErrNoTask) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return i, err
		}
		if err := l.row(at, t, card); err != nil {
			return i, err
		}
		l.count++
	}
	return len(ids), nil
}

// pass tells whether a task passes --order and --owner.
func (f *taskFlags) pass(id string, card ledger.Card) bool {
	if f.owner != "" && card.Owner != f.owner {
		return false
	}
	step, _, _, _ := tasks.ParseID(id)
	switch {
	case f.order == "":
		return true
	case step == pipeline.StepAttach:
		return tasks.OfOrder(id, f.order)
	}
	return slices.Contains(card.Orders, f.order)
}

func (l *taskList) row(at place, t tasks.Task, card ledger.Card) error {
	order, key := t.Job.Scope, card.Key
	if order == "" {
		order = strings.Join(card.Orders, ",")
	}
	if t.Job.Bucket != "" {
		key = "bucket " + t.Job.Bucket
	}
	message := t.LastError
	if t.Unreadable != nil {
		message = t.Unreadable.Error()
	}
	return l.rows.Row(at.queue, string(at.state), t.ID, string(t.Job.Step), key, order, t.Retried, t.NextAt, l.by[t.ID], message)
}
