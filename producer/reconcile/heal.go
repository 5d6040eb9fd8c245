package reconcile

import (
	"context"
	"errors"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/events"
)

// missing tells of an object that was never announced, and announces it.
func (w *walk) missing(ctx context.Context, f Finding) error {
	if err := w.room(); err != nil {
		return err
	}
	ann, err := w.opt.Door.Admit(pipeline.Announcement{Bucket: w.plan.Bucket, Key: f.Key, Source: source})
	if err == nil && w.plan.Apply {
		if err := w.limiter.Wait(ctx); err != nil {
			return err
		}
		if err := w.orderOf(ctx, &ann); pipeline.ClassOf(err) == pipeline.Missing {
			return nil // deleted since it was listed
		} else if err != nil {
			return err
		}
		_, err = w.opt.Door.Accept(ctx, "", []pipeline.Announcement{ann})
		f.Result, f.Order = Healed, ann.Order
	}
	if class := pipeline.ClassOf(err); class == pipeline.Invalid || class == pipeline.Denied {
		f.Result, f.Code, f.Detail = Refused, string(pipeline.CodeOf(err)), err.Error()
	} else if err != nil {
		return err
	}
	return w.found(f)
}

// orderOf takes the order from the object's headers, where its event would have had it.
func (w *walk) orderOf(ctx context.Context, ann *pipeline.Announcement) error {
	if w.opt.Metadata == nil {
		return nil
	}
	meta, err := w.opt.Metadata.Metadata(ctx, ann.Bucket, ann.Key)
	if err != nil {
		return err
	}
	e := events.FromMetadata(meta)
	ann.Order, ann.Position, ann.Batch = e.Order, e.Position, e.Batch
	return nil
}

// wish tells of a finding that a step heals, and wishes for the step.
func (w *walk) wish(ctx context.Context, f Finding, run pipeline.Run, step pipeline.StepRecord, exists bool) error {
	if exists {
		switch step.State {
		case pipeline.Pending:
			w.report.Settling++
			return nil
		case pipeline.Discarded:
			return nil // a person decided that it stays so
		case pipeline.Dead:
			f.Result, f.Detail = Dead, string(run.Step)+" has an open letter"
		case pipeline.Done, pipeline.Skipped:
		}
	}
	if err := w.room(); err != nil {
		return err
	}
	if f.Result == "" && w.plan.Apply {
		if err := w.limiter.Wait(ctx); err != nil {
			return err
		}
		made, err := w.opt.Ledger.Reconsider(ctx, run)
		if err != nil {
			return err
		}
		// What is committed is enqueued even if the operator has gone meanwhile.
		whole := context.WithoutCancel(ctx)
		if err := w.opt.Queue.EnqueueAll(whole, made); err != nil {
			if lerr := w.opt.Ledger.Unqueued(whole, made); lerr != nil {
				return errors.Join(err, lerr)
			}
		}
		f.Result = Healed
	}
	return w.found(f)
}

// room ends the run where one more finding would be over the limit.
func (w *walk) room() error {
	if w.ctl.Limit > 0 && w.report.Findings()-w.base >= w.ctl.Limit {
		return errLimit
	}
	return nil
}

func (w *walk) found(f Finding) error {
	if f.Result == "" {
		f.Result = Found
	}
	w.report.add(f)
	if w.ctl.Found == nil {
		return nil
	}
	return w.ctl.Found(f)
}
