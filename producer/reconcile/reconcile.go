package reconcile

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/events"
)

// Object is one object of a listing.
type Object struct {
	Key string
	// ETag is without quotes.
	ETag string
	// Size is in bytes.
	Size         int64
	LastModified time.Time
}

// Lister lists a bucket.
type Lister interface {
	// List gives up to limit objects whose keys begin with prefix and come after marker,
	// in the order of their bytes. next is the marker of the page that follows; empty
	// after the last.
	List(ctx context.Context, bucket, prefix, marker string, limit int) (objects []Object, next string, err error)
}

// Metadata tells what the uploader set as x-cos-meta-*, by its lower-case names.
type Metadata interface {
	Metadata(ctx context.Context, bucket, key string) (map[string]string, error)
}

// Ledger is the record as a comparison needs it.
type Ledger interface {
	UploadsByKey(ctx context.Context, r ledger.KeyRange) ([]ledger.KeyedUpload, error)
	Reconsider(ctx context.Context, run pipeline.Run) ([]pipeline.Wish, error)
	Unqueued(ctx context.Context, wishes []pipeline.Wish) error
}

// Door takes announcements, by the rules of every other door.
type Door interface {
	Admit(a pipeline.Announcement) (pipeline.Announcement, error)
	AcceptObject(ctx context.Context, ann pipeline.Announcement, meta events.Event) (producer.Receipt, error)
}

// Queue takes the wishes after they are committed.
type Queue interface {
	EnqueueAll(ctx context.Context, wishes []pipeline.Wish) error
}

// Options configure a Reconciler.
type Options struct {
	// Objects, Ledger, Door and Queue are what it works on. Required.
	Objects Lister
	Ledger  Ledger
	Door    Door
	Queue   Queue
	// Metadata is asked for the order of what is announced, because a listing does not
	// tell it; nil announces without orders.
	Metadata Metadata
	// Thumbnails gives the rules by which thumbnails of a bucket are named. Required.
	Thumbnails func(bucket string) pipeline.ThumbnailOptions
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Pause waits before a listing is tried again; nil is a timer.
	Pause func(ctx context.Context, d time.Duration) error
}

// Reconciler compares buckets with the ledger. It is safe for concurrent use.
type Reconciler struct{ opt Options }

// New makes a Reconciler.
func New(opt Options) (*Reconciler, error) {
	if opt.Objects == nil || opt.Ledger == nil || opt.Door == nil || opt.Queue == nil || opt.Thumbnails == nil {
		return nil, errors.New("reconcile: objects, ledger, door, queue and thumbnails are required")
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Pause == nil {
		opt.Pause = pause
	}
	return &Reconciler{opt: opt}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Controls say how a run goes, whatever its plan. The zero value is a run at full speed
// that tells nobody.
type Controls struct {
	// Rate bounds how many findings are healed in a second; 0 for no bound.
	Rate rate.Limit
	// Limit ends the run after so many findings; 0 for no end.
	Limit int64
	// Checkpoint is the file that a run which was cut short goes on from. It is written
	// every second, and removed at the end of the bucket. Empty: none.
	Checkpoint string
	// AskedAt is when the run was asked for, where the plan's times are relative to it.
	// The checkpoint keeps it for the run that goes on. Zero means now.
	AskedAt time.Time
	// Found gets every finding. An error of it ends the run.
	Found func(Finding) error
	// Progress gets the counts once a second.
	Progress func(Report)
}

// Run compares the bucket with the ledger from its first key, or from the checkpoint, to
// its last. Errors of the listing and the ledger end it; the report tells how far it
// came. ErrOtherPlan refuses a checkpoint of another plan.
func (r *Reconciler) Run(ctx context.Context, p Plan, c Controls) (Report, error) {
	p, err := p.withDefaults()
	if err != nil {
		return Report{}, err
	}
	w := &walk{Reconciler: r, plan: p, ctl: c, limiter: rate.NewLimiter(rate.Inf, 1)}
	if c.Rate > 0 {
		w.limiter = rate.NewLimiter(c.Rate, max(1, int(c.Rate)))
	}
	if err := w.resume(); err != nil {
		return Report{}, err
	}
	err = w.merge(ctx)
	if errors.Is(err, errLimit) {
		w.report.Limited, err = true, nil
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return w.report, errors.Join(err, w.leave(err == nil && !w.report.Limited))
}

var errLimit = errors.New("the limit is reached")
