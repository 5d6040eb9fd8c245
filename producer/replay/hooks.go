package replay

import (
	"context"
	"encoding/json"
	"errors"

	"golang.org/x/time/rate"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// Webhooks is what Hooks needs of the ledger.
type Webhooks interface {
	Deliveries(ctx context.Context, f ledger.DeliveryFilter, after pipeline.Run, limit int) ([]ledger.Delivery, *pipeline.Run, error)
	Retell(ctx context.Context, d ledger.Delivery, note string) ([]pipeline.Wish, error)
	Unqueued(ctx context.Context, wishes []pipeline.Wish) error
	Record(ctx context.Context, op ledger.Operation) (int64, error)
}

// HookOptions say which webhooks Hooks sends again, and how.
type HookOptions struct {
	// Filter chooses the deliveries.
	Filter ledger.DeliveryFilter
	// Rate is how many per second at most are queued; 0 is as fast as the ledger takes them.
	Rate float64
	// Limit is how many at most, by upload ID; 0 is all.
	Limit int
	// DryRun only counts.
	DryRun bool
	// Who, Note and Words stand in the audit trail, as in Options.
	Who, Note, Words string
	// Progress is told after every delivery; nil is nobody.
	Progress func(Summary)
	// Each is told what became of every delivery, in a dry run of each that matches; nil is
	// nobody. An error ends the run.
	Each func(ledger.Delivery, error) error
}

// Hooks has endpoints told again what they were told last of each upload and order, with
// the same webhook-id and body, through the queue and by the schedule. What is on its way
// is left alone. A run that ends early leaves the rest: run it again, receivers drop what
// they have seen. The summary holds whatever the error is.
func Hooks(ctx context.Context, l Webhooks, q Queue, opt HookOptions) (Summary, error) {
	r := &retelling{HookOptions: opt, ledger: l, queue: q, pace: rate.NewLimiter(rate.Inf, 1)}
	if opt.Rate > 0 {
		r.pace = rate.NewLimiter(rate.Limit(opt.Rate), 1)
	}
	err := r.all(ctx, opt.Limit, func(_ context.Context, d ledger.Delivery) error {
		r.sum.Matched++
		if opt.DryRun && opt.Each != nil {
			return opt.Each(d, nil)
		}
		return nil
	})
	if err != nil || opt.DryRun || r.sum.Matched == 0 {
		return r.sum, err
	}
	r.sum.AuditID, err = l.Record(ctx, ledger.Operation{Who: opt.Who, What: "hooks replay", Filter: opt.Words, Note: opt.Note})
	if err != nil {
		return r.sum, err
	}
	err = r.all(ctx, r.sum.Matched, r.one)
	return r.sum, errors.Join(err, r.record(context.WithoutCancel(ctx)))
}

// retelling is a run of Hooks under way.
type retelling struct {
	HookOptions
	ledger Webhooks
	queue  Queue
	pace   *rate.Limiter
	sum    Summary
	away   bool // Redis did not answer on this page
}

// all calls each for the deliveries that match, at most limit; 0 is all.
func (r *retelling) all(ctx context.Context, limit int, each func(context.Context, ledger.Delivery) error) error {
	next, n := &pipeline.Run{}, 0
	for next != nil {
		var page []ledger.Delivery
		var err error
		if page, next, err = r.ledger.Deliveries(ctx, r.Filter, *next, DefaultBatch); err != nil {
			return err
		}
		r.away = false
		for _, d := range page {
			if n++; limit > 0 && n > limit {
				return nil
			}
			if err := each(ctx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// one has one delivery told again. Once begun, it is not interrupted.
func (r *retelling) one(ctx context.Context, d ledger.Delivery) error {
	if err := r.pace.Wait(ctx); err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	ctx = context.WithoutCancel(ctx)
	made, err := r.ledger.Retell(ctx, d, r.Note)
	switch {
	case errors.Is(err, ledger.ErrSuperseded), errors.Is(err, ledger.ErrNotFound):
		r.sum.Skipped++
	case err != nil:
		return err
	default:
		r.sum.Replayed++
		if r.away = r.away || r.queue.EnqueueAll(ctx, made) != nil; r.away {
			r.sum.Unqueued++
			if err := r.ledger.Unqueued(ctx, made); err != nil {
				return err
			}
		}
	}
	if r.Progress != nil {
		r.Progress(r.sum)
	}
	if r.Each != nil {
		return r.Each(d, err)
	}
	return nil
}

func (r *retelling) record(ctx context.Context) error {
	counts, err := json.Marshal(r.sum)
	if err != nil {
		return err
	}
	_, err = r.ledger.Record(ctx, ledger.Operation{ID: r.sum.AuditID, Counts: string(counts)})
	return err
}
