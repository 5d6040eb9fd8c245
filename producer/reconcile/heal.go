package reconcile

import (
	"context"
	"errors"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer"
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
		meta, merr := w.headers(ctx, ann)
		if pipeline.ClassOf(merr) == pipeline.Missing {
			return nil // deleted since it was listed
		} else if merr != nil {
			return merr
		}
		var receipt producer.Receipt
		receipt, err = w.opt.Door.AcceptObject(ctx, ann, meta)
		f.Result, f.Order = Healed, receipt.Order
	}
	if class := pipeline.ClassOf(err); class == pipeline.Invalid || class == pipeline.Denied {
		f.Result, f.Code, f.Detail = Refused, string(pipeline.CodeOf(err)), err.Error()
	} else if err != nil {
		return err
	}
	return w.found(f)
}

// headers reads what the uploader said in headers, which its event would have had.
func (w *walk) headers(ctx context.Context, ann pipeline.Announcement) (events.Event, error) {
	if w.opt.Metadata == nil {
		return events.Event{}, nil
	}
	meta, err := w.opt.Metadata.Metadata(ctx, ann.Bucket, ann.Key)
	if err != nil {
		return events.Event{}, err
	}
	return events.FromMetadata(meta), nil
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
