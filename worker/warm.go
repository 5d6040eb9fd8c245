package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// warm serves the pending warm steps of a bucket in claims of up to 50. The task is
// only the occasion: each upload has its own attempt, budget and letter. A task that
// has worked for half of its time gives the rest to its next run, before asynq's
// deadline would cut a claim short.
func (h *handler) warm(ctx context.Context, t *asynq.Task, bucket string) error {
	limit := h.timeouts[pipeline.StepWarm]
	for started := time.Now(); time.Since(started) < limit/2; {
		claimed, err := h.ledger.ClaimWarm(ctx, bucket, h.worker, pipeline.WarmBatch, limit+tasks.Margin)
		if err != nil {
			return h.noLedger(ctx, pipeline.Run{Step: pipeline.StepWarm}, err)
		}
		if len(claimed) == 0 {
			return nil
		}
		if err := h.warmClaim(ctx, t, claimed); err != nil {
			return err
		}
	}
	return &again{class: pipeline.Interrupted, err: errors.New("more of the bucket to warm")}
}

func (h *handler) warmClaim(ctx context.Context, t *asynq.Task, claimed []*ledger.OpenAttempt) error {
	uploads := make([]pipeline.Upload, len(claimed))
	for i, a := range claimed {
		uploads[i] = a.Upload
	}
	s := h.steps
	held, explain, done := h.pulse.hold(ctx)
	defer done()
	out, err := bounded(held, h.timeouts[pipeline.StepWarm], claimed[0].Run, func(ctx context.Context) ([]pipeline.Warmed, error) {
		return pipeline.Warm(ctx, s.URLs, s.Cache, s.Visibility, uploads), nil
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var errs error
	for i, a := range claimed {
		w := pipeline.Warmed{Err: err}
		if err == nil {
			w = out[i]
		}
		w.Err = explain(w.Err)
		// One that cannot be written down must not keep the others open.
		errs = errors.Join(errs, h.warmed(ctx, t, a, w))
	}
	return errs
}

func (h *handler) warmed(ctx context.Context, t *asynq.Task, a *ledger.OpenAttempt, w pipeline.Warmed) error {
	if w.Err == nil {
		return h.finished(ctx, a, w.StepResult)
	}
	readyAt, _, err := h.verdict(ctx, t, a, w.Err)
	if errors.Is(err, ledger.ErrSuperseded) {
		return h.wroteLate(ctx, a)
	}
	if err != nil {
		return h.noLedger(ctx, a.Run, fmt.Errorf("warm %s: %w", a.UploadID, err))
	}
	if !readyAt.IsZero() {
		h.enqueue(ctx, []pipeline.Wish{{Run: a.Run, Bucket: a.Upload.Bucket, ReadyAt: readyAt}})
	}
	return nil
}
