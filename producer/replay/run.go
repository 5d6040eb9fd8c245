package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// Letters is what Run needs of the ledger.
type Letters interface {
	CountLetters(ctx context.Context, f ledger.LetterFilter) (ledger.LetterSpan, error)
	Letters(ctx context.Context, f ledger.LetterFilter) ([]pipeline.Letter, error)
	ReplayLetter(ctx context.Context, seen pipeline.Letter, note string) ([]pipeline.Wish, error)
	DiscardLetter(ctx context.Context, seen pipeline.Letter, note string) ([]pipeline.Wish, error)
	Unqueued(ctx context.Context, wishes []pipeline.Wish) error
	Record(ctx context.Context, op ledger.Operation) (int64, error)
}

// Queue is what Run needs of the queue.
type Queue interface {
	EnqueueAll(ctx context.Context, wishes []pipeline.Wish) error
}

// Action is what happens to the letters.
type Action string

// The actions.
const (
	Replay  Action = "replay"
	Discard Action = "discard"
)

// Options say which letters Run works on, and how.
type Options struct {
	// Filter chooses the letters, and with Newest their order; only open ones are
	// touched. Its cursor and its page size are Run's own.
	Filter ledger.LetterFilter
	// Action is what to do with them. Default Replay.
	Action Action
	// Rate is how many letters per second at most; 0 is as fast as the ledger takes them.
	Rate float64
	// Limit is how many letters at most, the first of the filter's order; 0 is all.
	Limit int
	// Batch is how many letters are read and held at a time; 0 is DefaultBatch. Each is
	// still a transaction of its own.
	Batch int
	// Wait waits until what was replayed was resolved or died again.
	Wait bool
	// WaitTimeout is how long it waits after the last letter; 0 is for ever. Run ends with
	// ErrWaitTimeout.
	WaitTimeout time.Duration
	// StopOnFailure stops with ErrTooManyFailures when a larger share than this (0.2) of
	// the replayed letters that have ended died again. 0 never stops. It needs Wait and
	// judges from ten letters on.
	StopOnFailure float64
	// Delete deletes the object of a letter that was discarded, as Originals do; nil
	// leaves it in the bucket. Its error is told to Each and ends nothing.
	Delete func(context.Context, pipeline.Letter) error
	// DryRun only counts.
	DryRun bool
	// Who, Note and Words stand in the audit trail: the person, why, and the filter in
	// the words of the command line.
	Who, Note, Words string
	// Progress is told after every letter and every look at those that wait; nil is nobody.
	Progress func(Summary)
	// Each is told what became of every letter; nil is nobody. An error ends the run.
	Each func(pipeline.Letter, error) error
}

// Summary counts what came of a run.
type Summary struct {
	// Matched is how many open letters passed the filter, at most Limit.
	Matched int `json:"matched"`
	// Replayed is how many were replayed, or discarded.
	Replayed int `json:"replayed"`
	// Skipped is how many somebody else had replayed or discarded in between.
	Skipped int `json:"skipped"`
	// Failed is how many could not be replayed: tasks that nobody can read.
	Failed int `json:"failed"`
	// Unqueued is how many of the replayed ones the sweep has to queue: Redis was away.
	Unqueued int `json:"unqueued"`
	// Resolved and DiedAgain are what became of the replayed ones, with Wait.
	Resolved  int `json:"resolved"`
	DiedAgain int `json:"diedAgain"`
	// Deleted and Kept count the objects of discarded letters, with Delete.
	Deleted int `json:"deleted,omitempty"`
	Kept    int `json:"kept,omitempty"`
	// AuditID is the row of the audit trail; 0 where nothing was touched.
	AuditID int64 `json:"auditId"`
}

// Errors that end a run early. The summary that comes with them holds.
var (
	// ErrTooManyFailures says that StopOnFailure was reached.
	ErrTooManyFailures = errors.New("too many of the replayed letters died again")
	// ErrWaitTimeout says that WaitTimeout passed. It is a context.DeadlineExceeded.
	ErrWaitTimeout = fmt.Errorf("some of the replayed letters have not ended: %w", context.DeadlineExceeded)
)

// DefaultBatch is how many letters are read and held at a time.
const DefaultBatch = 100

// Run replays or discards the open letters that pass the filter, each in a transaction
// of its own. Two runs at once touch no letter twice, and a run that ends early leaves
// the rest open: run it again. Letters that die while it runs are not touched.
//
// The summary holds whatever the error is.
func Run(ctx context.Context, l Letters, q Queue, opt Options) (Summary, error) {
	if opt.Batch <= 0 {
		opt.Batch = DefaultBatch
	}
	opt.Filter.State, opt.Filter.Limit = pipeline.LetterOpen, opt.Batch
	if opt.Action == "" {
		opt.Action = Replay
	}
	r := &run{Options: opt, ledger: l, queue: q, pace: rate.NewLimiter(rate.Inf, 1)}
	if opt.Rate > 0 {
		r.pace = rate.NewLimiter(rate.Limit(opt.Rate), 1)
	}
	span, err := l.CountLetters(ctx, opt.Filter)
	if err != nil {
		return r.sum, err
	}
	r.sum.Matched = span.Count
	if opt.Limit > 0 {
		r.sum.Matched = min(span.Count, opt.Limit)
	}
	if opt.DryRun || span.Count == 0 {
		return r.sum, nil
	}
	// What dies from now on is not meant, in particular not what this run lets die again.
	r.Filter.To = span.LastID
	if end := span.LastDied.Add(time.Microsecond); r.Filter.Until.IsZero() || end.Before(r.Filter.Until) {
		r.Filter.Until = end
	}
	r.sum.AuditID, err = l.Record(ctx, ledger.Operation{Who: opt.Who, What: "dead " + string(opt.Action), Filter: opt.Words, Note: opt.Note})
	if err != nil {
		return r.sum, err
	}
	err = r.all(ctx)
	if err == nil && opt.Wait && opt.Action == Replay {
		err = r.wait(ctx)
	}
	return r.sum, errors.Join(err, r.record(context.WithoutCancel(ctx)))
}

// run is a run under way.
type run struct {
	Options
	ledger Letters
	queue  Queue
	pace   *rate.Limiter
	sum    Summary
	// waiting are the replayed letters that have not ended, with Wait.
	waiting []int64
	looked  time.Time
	// away says that Redis did not answer on this page.
	away bool
}

func (r *run) record(ctx context.Context) error {
	counts, err := json.Marshal(r.sum)
	if err != nil {
		return err
	}
	_, err = r.ledger.Record(ctx, ledger.Operation{ID: r.sum.AuditID, Counts: string(counts)})
	return err
}

func (r *run) all(ctx context.Context) error {
	f, left := r.Filter, r.sum.Matched
	for left > 0 {
		letters, err := r.ledger.Letters(ctx, f)
		if err != nil {
			return err
		}
		r.away = false
		for _, letter := range letters[:min(left, len(letters))] {
			if err := r.pace.Wait(ctx); err != nil {
				return errors.Join(context.Cause(ctx), err)
			}
			if err := r.one(ctx, letter); err != nil {
				return err
			}
			f.After, left = letter.ID, left-1
		}
		if len(letters) < f.Limit {
			// Somebody else has taken the rest.
			r.sum.Skipped += left
			return nil
		}
	}
	return nil
}

// one works on one letter. Once begun, it is not interrupted: the letter would be
// replayed and its task left to the sweep.
func (r *run) one(ctx context.Context, letter pipeline.Letter) error {
	act := r.ledger.ReplayLetter
	if r.Action == Discard {
		act = r.ledger.DiscardLetter
	}
	made, err := act(context.WithoutCancel(ctx), letter, r.Note)
	switch {
	case errors.Is(err, ledger.ErrNotOpen), errors.Is(err, ledger.ErrNotFound):
		r.sum.Skipped++
	case pipeline.ClassOf(err) == pipeline.Invalid:
		r.sum.Failed++
	case err != nil:
		return err
	default:
		r.sum.Replayed++
		if r.Wait {
			r.waiting = append(r.waiting, letter.ID)
		}
		if err := r.enqueue(context.WithoutCancel(ctx), made); err != nil {
			return err
		}
		err = r.delete(context.WithoutCancel(ctx), letter)
	}
	if r.Each != nil {
		if err := r.Each(letter, err); err != nil {
			return err
		}
	}
	if r.Wait && time.Since(r.looked) >= lookEvery {
		return r.look(ctx)
	}
	r.told()
	return nil
}

// delete deletes the object of a letter that this run discarded. It comes after the
// discard: what somebody else replays must keep its object.
func (r *run) delete(ctx context.Context, letter pipeline.Letter) error {
	if r.Delete == nil || r.Action != Discard {
		return nil
	}
	err := r.Delete(ctx, letter)
	if err != nil {
		r.sum.Kept++
	} else {
		r.sum.Deleted++
	}
	return err
}

func (r *run) enqueue(ctx context.Context, made []pipeline.Wish) error {
	if !r.away && r.queue.EnqueueAll(ctx, made) == nil {
		return nil
	}
	r.away = true
	r.sum.Unqueued++
	return r.ledger.Unqueued(ctx, made)
}

func (r *run) told() {
	if r.Progress != nil {
		r.Progress(r.sum)
	}
}
