package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/tasks"
)

// statsDays is how many days queues stats looks back, today among them.
const statsDays = 7

// queueView is one queue as queues stats prints it.
type queueView struct {
	Queue     string `json:"queue"`
	State     string `json:"state"`
	Pending   int    `json:"pending"`
	Active    int    `json:"active"`
	Scheduled int    `json:"scheduled"`
	Retry     int    `json:"retry"`
	Archived  int    `json:"archived"`
	// Dead counts the open letters of the queue's steps.
	Dead int `json:"dead"`
	// Oldest is how long the oldest pending task has waited.
	Oldest  string       `json:"oldest"`
	Paused  *pauseView   `json:"paused,omitempty"`
	Workers []serverView `json:"workers"`
	Days    []dayView    `json:"days"`
}

// pauseView is a pause as the ledger has it.
type pauseView struct {
	Since time.Time `json:"since"`
	// Until is absent where the pause lasts until somebody resumes the queue.
	Until *time.Time `json:"until,omitempty"`
	By    string     `json:"by"`
	Note  string     `json:"note,omitempty"`
}

// dayView counts the tasks of one day, by UTC.
type dayView struct {
	Day       string `json:"day"`
	Processed int    `json:"processed"`
	Failed    int    `json:"failed"`
}

// serverView is a pool of a worker process that serves the queue.
type serverView struct {
	Worker      string    `json:"worker"`
	State       string    `json:"state"`
	Concurrency int       `json:"concurrency"`
	Busy        int       `json:"busy"`
	Started     time.Time `json:"started"`
}

func (a *app) queuesStatsCmd() *cobra.Command {
	return &cobra.Command{
		Use: "stats QUEUE", Short: "Show one queue: its tasks, its pause, its days and who serves it", ValidArgs: tasks.Queues(),
		Args: cobra.MatchAll(cobra.ExactArgs(1), knownQueues),
		Long: `Days are those of UTC and count attempts: a task that failed twice and then succeeded is
three processed and two failed. ARCHIVED are the copies of dead tasks that the monitor
shows; what counts are the letters, DEAD.`,
		Example: "  afterput queues stats thumbnails\n  afterput queues stats thumbnails -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				v, err := viewQueue(cmd.Context(), w, args[0])
				if err != nil {
					return err
				}
				if len(v.Workers) == 0 {
					a.say("no worker serves %s: afterput worker --pool %s", v.Queue, v.Queue)
				}
				return p.Object("afterput.queue.v1", v)
			})
		},
	}
}

func viewQueue(ctx context.Context, w *wire.App, queue string) (queueView, error) {
	if err := w.PingRedis(ctx); err != nil {
		return queueView{}, err
	}
	s, err := w.Desk.Stats(ctx, queue)
	if err != nil {
		return queueView{}, err
	}
	paused, err := w.Ledger.PausedQueues(ctx)
	if err != nil {
		return queueView{}, err
	}
	dead, err := w.Ledger.OpenLettersByStep(ctx)
	if err != nil {
		return queueView{}, err
	}
	pause := pauseOf(queue, paused)
	v := queueView{
		Queue: queue, State: queueState(s, pause), Pending: s.Pending, Active: s.Active, Scheduled: s.Scheduled,
		Retry: s.Retry, Archived: s.Archived, Dead: deadOf(queue, dead), Oldest: s.Latency.Round(time.Millisecond).String(),
		Days: []dayView{}, Workers: []serverView{},
	}
	if pause.Name != "" {
		v.Paused = &pauseView{Since: pause.Since, By: pause.By, Note: pause.Note}
		if !pause.Until.IsZero() {
			v.Paused.Until = &pause.Until
		}
	}
	return v, v.addRedis(ctx, w.Desk)
}

// addRedis reads the days and the workers of the queue.
func (v *queueView) addRedis(ctx context.Context, desk *tasks.Desk) error {
	days, err := desk.Days(ctx, v.Queue, statsDays)
	if err != nil {
		return err
	}
	for _, d := range days {
		v.Days = append(v.Days, dayView{Day: d.Day.Format(time.DateOnly), Processed: d.Processed, Failed: d.Failed})
	}
	servers, err := desk.Servers(ctx, v.Queue)
	for _, s := range servers {
		v.Workers = append(v.Workers, serverView{
			Worker: s.Process, State: s.State, Concurrency: s.Concurrency, Busy: len(s.Running), Started: s.Started,
		})
	}
	return err
}
