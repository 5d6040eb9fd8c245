package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// taskView is one task as tasks show prints it: what Redis holds, and what the ledger
// knows of its run.
type taskView struct {
	ID           string          `json:"id"`
	Queue        string          `json:"queue"`
	State        tasks.TaskState `json:"state"`
	Do           string          `json:"do"`
	Worker       string          `json:"worker,omitempty"`
	NextAt       *time.Time      `json:"nextAt,omitempty"`
	Retried      int             `json:"retried"`
	LastError    string          `json:"lastError,omitempty"`
	LastFailedAt *time.Time      `json:"lastFailedAt,omitempty"`
	TaskType     string          `json:"taskType"`
	Payload      string          `json:"payload"`
	Unreadable   string          `json:"unreadable,omitempty"`
	Gen          int             `json:"gen,omitempty"`
	Order        string          `json:"order,omitempty"`
	Upload       *cardView       `json:"upload,omitempty"`
	Step         *stepView       `json:"step,omitempty"`
	Letter       *letterMark     `json:"letter,omitempty"`
	Attempts     []tryView       `json:"attempts"`
}

// cardView is the upload of a task.
type cardView struct {
	UploadID string         `json:"uploadId"`
	Key      string         `json:"key"`
	FileID   string         `json:"fileID"`
	Owner    string         `json:"owner,omitempty"`
	State    pipeline.State `json:"state"`
}

// stepView is the step of a task as the ledger has it.
type stepView struct {
	Step    pipeline.Step      `json:"step"`
	State   pipeline.StepState `json:"state"`
	Gen     int                `json:"gen"`
	Code    pipeline.Code      `json:"code,omitempty"`
	Detail  string             `json:"detail,omitempty"`
	ReadyAt *time.Time         `json:"readyAt,omitempty"`
}

func viewStep(s pipeline.StepRecord) stepView {
	return stepView{Step: s.Step, State: s.State, Gen: s.Gen, Code: s.Code, Detail: s.Detail, ReadyAt: orNil(s.ReadyAt)}
}

// letterMark names the letter of a step.
type letterMark struct {
	ID    int64                `json:"id"`
	State pipeline.LetterState `json:"state"`
}

func (a *app) tasksShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show one task, its step and attempts in the ledger, and what to do", Args: cobra.ExactArgs(1),
		ValidArgsFunction: a.completeTasks(tasks.TaskStates()...),
		Example:           "  afterput tasks show check:00673c407f952eecfce54327ac568a1a:1",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(cmd.Context(), func(w *wire.App, p *printer.Printer) error {
				v, err := showTask(cmd.Context(), w, args[0])
				if err != nil {
					return err
				}
				return p.Object("afterput.task.v1", v)
			})
		},
	}
}

func showTask(ctx context.Context, w *wire.App, id string) (taskView, error) {
	if err := w.PingRedis(ctx); err != nil {
		return taskView{}, err
	}
	t, err := w.Desk.FindTask(ctx, id)
	if errors.Is(err, tasks.ErrNoTask) {
		return taskView{}, noTask(ctx, w.Ledger, id)
	}
	if err != nil {
		return taskView{}, err
	}
	by, err := runners(ctx, w.Desk)
	if err != nil {
		return taskView{}, err
	}
	v := taskView{
		ID: t.ID, Queue: t.Queue, State: t.State, Worker: by[t.ID], NextAt: orNil(t.NextAt), Retried: t.Retried, LastError: t.LastError,
		LastFailedAt: orNil(t.LastFailedAt), TaskType: t.Type, Payload: string(t.Payload), Gen: t.Job.Gen, Order: t.Job.Scope,
		Attempts: []tryView{},
	}
	if t.Unreadable != nil {
		v.Unreadable = t.Unreadable.Error()
	} else if t.Job.UploadID != "" {
		if err := v.addLedger(ctx, w.Ledger, t.Job.Run); err != nil {
			return taskView{}, err
		}
	}
	paused, err := w.Ledger.PausedQueues(ctx)
	v.Do = adviseTask(t, v, pauseOf(t.Queue, paused).Name != "")
	return v, err
}

// orNil is a time for JSON; nil for none.
func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// noTask says what the ledger knows of a run whose task is not in Redis.
func noTask(ctx context.Context, l *ledger.Ledger, id string) error {
	hint := "tasks list shows what is there"
	step, uploadID, gen, ok := tasks.ParseID(id)
	if !ok {
		return failf(exitNotFound, "not_found", hint, "no queue holds a task %q", id)
	}
	steps, err := l.Steps(ctx, uploadID)
	if err != nil {
		return err
	}
	for _, s := range steps {
		run := pipeline.Run{UploadID: uploadID, Step: step, Scope: s.Scope, Gen: s.Gen}
		if s.Step != step || step == pipeline.StepAttach && !tasks.SameStep(id, run) {
			continue
		}
		hint = "afterput explain " + uploadID
		if s.Gen == gen && s.State == pipeline.Pending {
			hint = "the step is pending: the sweep queues it again; " + hint
		}
		return failf(exitNotFound, "not_found", hint, "no queue holds a task %q: in the ledger the step is %s at gen %d", id, s.State, s.Gen)
	}
	return failf(exitNotFound, "not_found", hint, "no queue holds a task %q, and the ledger does not know its step", id)
}

// addLedger adds what the ledger knows of the run.
func (v *taskView) addLedger(ctx context.Context, l *ledger.Ledger, run pipeline.Run) error {
	u, err := l.Upload(ctx, run.UploadID)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil
	}
	steps, err2 := l.Steps(ctx, run.UploadID)
	tries, err3 := l.Attempts(ctx, run.UploadID)
	letters, err4 := l.Letters(ctx, ledger.LetterFilter{UploadID: run.UploadID, Steps: []pipeline.Step{run.Step}})
	if err := errors.Join(err, err2, err3, err4); err != nil {
		return err
	}
	v.Upload = &cardView{UploadID: u.ID, Key: u.Key, FileID: u.FileID, Owner: u.Owner, State: pipeline.DeriveState(u.Reason, steps)}
	for _, s := range steps {
		if s.Step == run.Step && s.Scope == run.Scope {
			step := viewStep(s)
			v.Step = &step
		}
	}
	for _, t := range tries {
		if t.Step == run.Step && t.Scope == run.Scope {
			v.Attempts = append(v.Attempts, viewTry(t))
		}
	}
	for _, d := range letters {
		if d.Scope == run.Scope {
			v.Letter = &letterMark{ID: d.ID, State: d.State}
		}
	}
	return nil
}

// adviseTask says what becomes of a task, and what a person can do.
func adviseTask(t tasks.Task, v taskView, paused bool) string {
	switch {
	case t.Type == "":
		return "nothing: Redis has lost what it held, and the sweep removes it"
	case t.Unreadable != nil && t.State == tasks.TaskArchived:
		return "afterput dead list --class bug; find who enqueued it"
	case t.Unreadable != nil:
		return "find who enqueued it: a worker will make it a letter of class bug"
	case t.State == tasks.TaskArchived && v.Letter != nil && v.Letter.State == pipeline.LetterOpen:
		return fmt.Sprintf("afterput dead show %d", v.Letter.ID)
	case t.State == tasks.TaskArchived:
		return "nothing: it is only a copy; the ledger tells how the step is"
	case v.Upload == nil && t.Job.UploadID != "":
		return "nothing: the ledger does not know its upload, and the task ends by itself"
	case v.Step != nil && (v.Step.Gen != t.Job.Gen || v.Step.State != pipeline.Pending):
		return fmt.Sprintf("nothing: the step is %s at gen %d, and the task ends by itself", v.Step.State, v.Step.Gen)
	case t.State == tasks.TaskActive && t.Orphaned:
		return "nothing: its worker has vanished, and another one takes it back within 20 seconds"
	case t.State == tasks.TaskActive:
		return "wait, or stop this attempt: afterput tasks cancel " + t.ID
	case paused:
		return "its queue is paused: afterput queues resume " + t.Queue
	case t.State == tasks.TaskPending:
		return "wait for its turn; who serves the queue: afterput queues stats " + t.Queue
	}
	return "wait until " + t.NextAt.UTC().Format(time.RFC3339) + "; what it failed of stands in the attempts"
}
