package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/hibiken/asynq"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// waiting sees that every pending step has a task in the queue. Steps that changed
// within the sweep's grace, or that a live worker works on, need none.
func (a *Audit) waiting(ctx context.Context) error {
	if a.opt.Queue == nil {
		return nil
	}
	warm, err := a.warmBuckets()
	if err != nil {
		return err
	}
	for _, step := range pipeline.Steps() {
		err := a.eachStep(ctx, step, pipeline.Pending, func(page []ledger.StepAt) error {
			a.report.Waiting += len(page)
			for i := range page {
				if err := a.pending(ctx, &page[i], warm); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Audit) pending(ctx context.Context, s *ledger.StepAt, warm map[string]bool) error {
	run := pipeline.Run{UploadID: s.UploadID, Step: s.Step, Scope: s.Scope, Gen: s.Gen}
	if s.Step == pipeline.StepWarm && warm[s.Bucket] {
		return nil
	}
	if s.Step != pipeline.StepWarm {
		there, err := a.queued(run)
		if err != nil || there {
			return err
		}
	}
	now, ok, err := a.stepNow(ctx, run)
	if err != nil || !ok || now.State != pipeline.Pending || now.Gen != s.Gen || !now.UpdatedAt.Equal(s.UpdatedAt) {
		return err // it moved on meanwhile
	}
	return a.found(Finding{
		Kind: KindTaskMissing, UploadID: s.UploadID, Key: s.Key, Order: s.Scope, Step: s.Step,
		What: fmt.Sprintf("step %s is pending since %s and has no task in the queue", s.Step, s.UpdatedAt.Format("2006-01-02T15:04:05Z")),
	})
}

// queued tells whether the task of a run is in the queue and will run. One that is
// archived, or a ghost without content, will not.
func (a *Audit) queued(run pipeline.Run) (bool, error) {
	info, err := a.opt.Queue.GetTaskInfo(tasks.QueueOf(run.Step), tasks.ID(run))
	if absent(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at task %s: %w", tasks.ID(run), err)
	}
	return info.Type != "" && info.State != asynq.TaskStateArchived && info.State != asynq.TaskStateCompleted, nil
}

func absent(err error) bool {
	return errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound)
}

// warmBuckets are the buckets that a warm task is in the queue for.
func (a *Audit) warmBuckets() (map[string]bool, error) {
	buckets := map[string]bool{}
	err := a.eachTask(tasks.QueueURLs, func(info *asynq.TaskInfo) error {
		if job, err := tasks.Decode(info.Type, info.Payload); err == nil && info.State != asynq.TaskStateArchived {
			buckets[job.Bucket] = true
		}
		return nil
	})
	return buckets, err
}

// tasks sees that the ledger wished for every task in the queue at some time.
func (a *Audit) tasks(ctx context.Context) error {
	if a.opt.Queue == nil {
		return nil
	}
	for _, queue := range tasks.Queues() {
		err := a.eachTask(queue, func(info *asynq.TaskInfo) error { return a.task(ctx, info) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Audit) task(ctx context.Context, info *asynq.TaskInfo) error {
	a.report.Tasks++
	job, err := tasks.Decode(info.Type, info.Payload)
	if err != nil {
		if info.State == asynq.TaskStateArchived {
			return nil // its letter is a raw one
		}
		return a.found(Finding{Kind: KindTaskUnknown, What: fmt.Sprintf("task %s of queue %s: %v", info.ID, info.Queue, err)})
	}
	if job.Step == pipeline.StepWarm {
		return nil
	}
	now, ok, err := a.stepNow(ctx, job.Run)
	switch {
	case err != nil:
		return err
	case !ok && info.State == asynq.TaskStateArchived:
		a.report.Stale++ // what is left of an upload that was erased; it will not run
	case !ok || now.Gen < job.Gen:
		return a.found(Finding{
			Kind: KindTaskUnknown, UploadID: job.UploadID, Order: job.Scope, Step: job.Step,
			What: fmt.Sprintf("task %s of queue %s asks for a run that the ledger does not know", info.ID, info.Queue),
		})
	case now.Gen > job.Gen || now.State != pipeline.Pending:
		a.report.Stale++
	}
	return nil
}

// eachTask pages through the tasks of a queue in every state.
func (a *Audit) eachTask(queue string, fn func(*asynq.TaskInfo) error) error {
	q := a.opt.Queue
	for _, list := range []func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
		q.ListPendingTasks, q.ListActiveTasks, q.ListScheduledTasks, q.ListRetryTasks, q.ListArchivedTasks,
	} {
		for page := 1; ; page++ {
			infos, err := list(queue, asynq.Page(page), asynq.PageSize(a.opt.Page))
			if absent(err) {
				break
			}
			if err != nil {
				return fmt.Errorf("list queue %s: %w", queue, err)
			}
			for _, info := range infos {
				if err := fn(info); err != nil {
					return err
				}
			}
			if len(infos) < a.opt.Page {
				break
			}
		}
	}
	return nil
}
