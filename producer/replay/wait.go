package replay

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

const (
	// lookEvery is how often the replayed letters are looked at.
	lookEvery = time.Second
	// judgeFrom is how many letters must have ended before StopOnFailure judges.
	judgeFrom = 10
	// lookAt is how many of them at a time.
	lookAt = 2000
)

// wait looks until every replayed letter has ended.
func (r *run) wait(ctx context.Context) error {
	if r.WaitTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, r.WaitTimeout, ErrWaitTimeout)
		defer cancel()
	}
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for {
		if err := r.look(ctx); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return cause
			}
			return err
		}
		if len(r.waiting) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-every.C:
		}
	}
}

// look counts what became of the letters that wait, of the first of them where they are
// many; those that have not ended go to the end.
func (r *run) look(ctx context.Context) error {
	r.looked = time.Now()
	n := min(lookAt, len(r.waiting))
	still := slices.Clone(r.waiting[n:])
	for ids := range slices.Chunk(r.waiting[:n], DefaultBatch) {
		letters, err := r.ledger.Letters(ctx, ledger.LetterFilter{IDs: ids, Limit: len(ids)})
		if err != nil {
			return err
		}
		for _, letter := range letters {
			switch letter.State {
			case pipeline.LetterResolved:
				r.sum.Resolved++
			case pipeline.LetterOpen:
				r.sum.DiedAgain++
			case pipeline.LetterReplayed:
				still = append(still, letter.ID)
			case pipeline.LetterDiscarded:
			}
		}
	}
	r.waiting = still
	r.told()
	ended := r.sum.Resolved + r.sum.DiedAgain
	if r.StopOnFailure > 0 && ended >= judgeFrom && float64(r.sum.DiedAgain) > r.StopOnFailure*float64(ended) {
		return fmt.Errorf("%w: %d of %d", ErrTooManyFailures, r.sum.DiedAgain, ended)
	}
	return nil
}
