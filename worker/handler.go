package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// ledgerPause is how long a task waits when the ledger cannot be reached.
const ledgerPause = 5 * time.Second

// beginHold is how long the sweep leaves a step to the worker that began an attempt, if
// that worker lives. Later on it looks for the task, which a run that lasts still has.
const beginHold = 2 * ledger.WorkerLife

// deadPrefix opens the error of every task that we archived on purpose.
const deadPrefix = "dead: letter "

// handler is the wrapper around every step: it owns the verdict.
type handler struct {
	ledger   *ledger.Ledger
	queue    *tasks.Enqueuer
	inspect  *asynq.Inspector
	steps    Steps
	budgets  Budgets
	timeouts map[pipeline.Step]time.Duration
	pulse    *pulse
	outage   *outage
	worker   string
	ended    func(ctx context.Context, e End) // nil tells nobody
	now      func() time.Time
	log      *slog.Logger
}

// ProcessTask is asynq's handler for every type.
func (h *handler) ProcessTask(ctx context.Context, t *asynq.Task) error {
	job, err := tasks.Decode(t.Type(), t.Payload())
	if err != nil {
		return h.unreadable(ctx, t, err)
	}
	if job.Step == pipeline.StepWarm {
		return h.warm(ctx, t, job.Bucket)
	}
	wait, overdue := h.held(ctx, job.Run)
	if wait > 0 && !overdue {
		return &again{delay: wait, class: pipeline.Interrupted, err: errHeld}
	}
	a, err := h.ledger.Begin(ctx, job.Run, h.worker, beginHold)
	if _, away := errors.AsType[*pipeline.Error](err); away && h.outage.wait(ctx, err) {
		a, err = h.ledger.Begin(ctx, job.Run, h.worker, beginHold)
	}
	if err != nil {
		return h.notBegun(ctx, job.Run, err)
	}
	if overdue {
		return h.failed(ctx, t, a, errOverdue)
	}
	res, err := h.attempt(ctx, a)
	if ctx.Err() != nil {
		// asynq took the task back: the lease is lost or the process stops. The next
		// attempt decides.
		return ctx.Err()
	}
	if err != nil {
		return h.failed(ctx, t, a, err)
	}
	return h.finished(ctx, a, res)
}

// unreadable keeps a task that is not ours as a letter and archives it.
func (h *handler) unreadable(ctx context.Context, t *asynq.Task, cause error) error {
	if err := h.ledger.BuryRaw(ctx, t.Type(), t.Payload(), cause); err != nil {
		return h.noLedger(ctx, pipeline.Run{}, err)
	}
	h.log.ErrorContext(ctx, "task cannot be read", "type", t.Type(), "error", cause)
	if h.ended != nil {
		h.ended(ctx, End{State: pipeline.Dead, Class: pipeline.Bug})
	}
	return fmt.Errorf("%sof class bug: %w: %w", deadPrefix, cause, asynq.SkipRetry)
}

// notBegun settles a task whose run cannot start.
func (h *handler) notBegun(ctx context.Context, run pipeline.Run, err error) error {
	stale, ok := errors.AsType[*ledger.StaleError](err)
	switch {
	case ok && stale.Gen == run.Gen && stale.State == pipeline.Dead:
		return h.deadAlready(ctx, run)
	case ok:
		return nil
	case errors.Is(err, ledger.ErrNotFound):
		h.log.WarnContext(ctx, "task of an upload that the ledger does not know", "upload", run.UploadID, "step", run.Step)
		return nil
	}
	return h.noLedger(ctx, run, err)
}

// deadAlready meets a task whose step died at this gen. Either an operator pressed Run
// on the archived task, which is a replay, or the process died between the letter and
// the archive, and the verdict is said again. The last error of the task tells.
func (h *handler) deadAlready(ctx context.Context, run pipeline.Run) error {
	info, err := h.inspect.GetTaskInfo(tasks.QueueOf(run.Step), tasks.ID(run))
	if err != nil {
		return &again{delay: ledgerPause, class: pipeline.Interrupted, err: err}
	}
	if !strings.HasPrefix(info.LastErr, deadPrefix) {
		return fmt.Errorf("%sis open: %w", deadPrefix, asynq.SkipRetry)
	}
	made, err := h.ledger.ReplayRun(ctx, run, "monitor")
	if errors.Is(err, ledger.ErrNotOpen) {
		return nil
	}
	if err != nil {
		return h.noLedger(ctx, run, err)
	}
	h.log.InfoContext(ctx, "replayed from the monitor", "upload", run.UploadID, "step", run.Step)
	h.enqueue(ctx, made)
	return nil
}

// finished commits a result.
func (h *handler) finished(ctx context.Context, a *ledger.OpenAttempt, res pipeline.StepResult) error {
	made, err := h.ledger.Finish(ctx, a, res)
	if errors.Is(err, ledger.ErrSuperseded) {
		return h.wroteLate(ctx, a)
	}
	if err != nil {
		return h.noLedger(ctx, a.Run, err)
	}
	h.tell(ctx, a, res.State, res.Code, "")
	h.logger(a).InfoContext(ctx, "step ended", "state", res.State, "took", h.now().Sub(a.StartedAt).Round(time.Millisecond), "code", res.Code, "detail", res.Detail)
	h.enqueue(ctx, made)
	return nil
}

// wroteLate handles a run that found itself superseded after it may have written.
// Thumbnails, cached URLs and orders are what a newer run may have written before it, so
// that is made again: the last writer is a run of the newest content. A run that
// saw the content of now wrote nothing old, and wishes for nothing: two runs that
// overlap would otherwise raise each other for ever.
func (h *handler) wroteLate(ctx context.Context, a *ledger.OpenAttempt) error {
	h.logger(a).InfoContext(ctx, "superseded")
	h.tell(ctx, a, pipeline.Pending, "", pipeline.Superseded)
	writes := a.Step == pipeline.StepThumbnail || a.Step == pipeline.StepWarm || a.Step == pipeline.StepAttach
	now, err := h.ledger.Upload(ctx, a.UploadID)
	if err != nil {
		return h.noLedger(ctx, a.Run, err)
	}
	made, err := h.ledger.Late(ctx, a, writes && !sameContent(a.Upload, now) && !recheck(now))
	if err != nil {
		return h.noLedger(ctx, a.Run, err)
	}
	h.enqueue(ctx, made)
	return nil
}

// sameContent tells whether the ledger thinks the same of two readings of an upload.
func sameContent(a, b pipeline.Upload) bool {
	return a.Content.ETag == b.Content.ETag && a.Content.Visibility == b.Content.Visibility && a.Accepted() == b.Accepted()
}

// recheck tells that a check of newer content is wished for: it takes up the later
// steps itself.
func recheck(u pipeline.Upload) bool { return u.Accepted() && u.Content.ETag == "" }

// failed gives the verdict on an attempt that failed.
func (h *handler) failed(ctx context.Context, t *asynq.Task, a *ledger.OpenAttempt, cause error) error {
	readyAt, dead, err := h.verdict(ctx, t, a, cause)
	switch {
	case errors.Is(err, ledger.ErrSuperseded):
		return h.wroteLate(ctx, a)
	case err != nil:
		return h.noLedger(ctx, a.Run, err)
	case dead != "":
		return fmt.Errorf("%s%s: %w: %w", deadPrefix, dead, cause, asynq.SkipRetry)
	case readyAt.IsZero():
		return nil
	}
	return &again{delay: readyAt.Sub(h.now()), class: pipeline.ClassOf(cause), err: cause}
}

// verdict commits what follows from a failure: a letter (dead names it), a retry at
// readyAt, or an end (both are zero).
func (h *handler) verdict(
	ctx context.Context, t *asynq.Task, a *ledger.OpenAttempt, cause error,
) (readyAt time.Time, dead string, err error) {
	class := pipeline.ClassOf(cause)
	log := h.logger(a).With("class", class, "error", cause)
	if class == pipeline.Superseded {
		circles, err := h.outdated(ctx, a, cause)
		if err != nil {
			return time.Time{}, "", err
		}
		if circles == nil {
			h.tell(ctx, a, pipeline.Skipped, "", class)
			return time.Time{}, "", nil
		}
		dead, err = h.bury(ctx, t, a, circles)
		return time.Time{}, dead, err
	}
	judge := h.budgets.next
	if a.Step == pipeline.StepNotify {
		judge = h.budgets.deliver
	}
	readyAt, dies := judge(cause, a.Spent, a.Since, h.now())
	if class == pipeline.Missing && a.Removal == ledger.RemovedLast {
		dies = true // the bucket said so; there is nothing to wait for
	}
	if !dies {
		log.WarnContext(ctx, "attempt failed", "retryIn", readyAt.Sub(h.now()).Round(time.Millisecond))
		err := h.ledger.Retry(ctx, a, class, cause, readyAt)
		if err == nil {
			h.tell(ctx, a, pipeline.Pending, "", class)
		}
		return readyAt, "", err
	}
	if class == pipeline.Missing && a.Step == pipeline.StepCheck && (!a.Upload.CheckedAt.IsZero() || a.Removal != ledger.NotRemoved) {
		return time.Time{}, "", h.gone(ctx, a)
	}
	dead, err = h.bury(ctx, t, a, cause)
	return time.Time{}, dead, err
}

// bury opens the letter of a step and names it.
func (h *handler) bury(ctx context.Context, t *asynq.Task, a *ledger.OpenAttempt, cause error) (string, error) {
	class := pipeline.ClassOf(cause)
	letter, made, err := h.ledger.Bury(ctx, a, ledger.Death{Class: class, Cause: cause, TaskType: t.Type(), Payload: t.Payload()})
	if err != nil {
		return "", err
	}
	h.tell(ctx, a, pipeline.Dead, "", class)
	h.logger(a).ErrorContext(ctx, "step died", "class", class, "error", cause, "letter", letter)
	h.enqueue(ctx, made)
	return fmt.Sprint(letter), nil
}

// gone ends the check of an object that was there once and is not any more: a check saw
// it, or the bucket announced its removal.
func (h *handler) gone(ctx context.Context, a *ledger.OpenAttempt) error {
	content := a.Upload.Content
	made, err := h.ledger.Finish(ctx, a, pipeline.StepResult{
		State: pipeline.Done, Code: pipeline.CodeObjectGone, Detail: "the object is not in the bucket any more", Content: &content,
	})
	if err == nil {
		h.tell(ctx, a, pipeline.Done, pipeline.CodeObjectGone, "")
		h.enqueue(ctx, made)
	}
	return err
}

// noLedger gives a task back while the ledger is away; it costs no budget.
func (h *handler) noLedger(ctx context.Context, run pipeline.Run, err error) error {
	if ctx.Err() == nil {
		h.log.WarnContext(ctx, "the ledger is away, the task comes back", "upload", run.UploadID, "step", run.Step,
			"order", run.Scope, "gen", run.Gen, "retryIn", ledgerPause, "error", err)
	}
	return &again{delay: ledgerPause, class: pipeline.Interrupted, err: err}
}

// enqueue puts wishes into the queue. What fails is found by the sweep.
func (h *handler) enqueue(ctx context.Context, made []pipeline.Wish) {
	if err := h.queue.EnqueueAll(ctx, made); err != nil {
		h.log.WarnContext(ctx, "could not enqueue, the sweep will", "upload", made[0].UploadID,
			"error", errors.Join(err, h.ledger.Unqueued(ctx, made)))
	}
}

func (h *handler) logger(a *ledger.OpenAttempt) *slog.Logger {
	return h.log.With("upload", a.UploadID, "key", a.Upload.Key, "step", a.Step, "order", a.Scope, "gen", a.Gen, "attempt", a.N)
}
