package producer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/seldom"
	"github.com/afterput/afterput/producer/events"
	"github.com/afterput/afterput/tasks"
)

// Options configure a Producer.
type Options struct {
	// Ledger is the record. Required.
	Ledger *ledger.Ledger
	// Queue takes the wishes after they are committed. Required.
	Queue *tasks.Enqueuer
	// Objects answers which of several names an event means. Required.
	Objects Header
	// Buckets are the buckets that this deployment serves. Required.
	Buckets pipeline.Buckets
	// Hints tells what is known of objects before they are announced. Defaults to Ledger,
	// where the signer writes it down.
	Hints Hints
	// Rules are those of buckets that ByBucket does not name.
	Rules
	ByBucket map[string]Rules
	// CallbackSecret lets in COS callbacks whose URL was made with it. Empty: none.
	CallbackSecret []byte
	// Stores are the names of the order stores; see pipeline.OrderNames.
	Stores pipeline.OrderNames
	// Logger gets one line for each request. Required.
	Logger *slog.Logger
	// Now is the clock that callback tokens end by. Defaults to time.Now.
	Now func() time.Time
}

// Rules are what differs by bucket.
type Rules struct {
	// Pattern reads owner, order and position from names; nil for none.
	Pattern *events.Pattern
	// OwnerRequired refuses names outside users/{openid}/ with OWNER_MISSING.
	OwnerRequired bool
	// Orders says that an orders database is configured; without one, announcements that
	// name an order are refused with ORDERS_NOT_CONFIGURED.
	Orders bool
	// Store is the name of the store that the orders are in; "" for that without a name.
	Store string
	// Derivative tells whether a key is one of our own thumbnails. Required.
	Derivative func(key string) bool
}

// of gives the rules of a bucket.
func (o Options) of(bucket string) Rules {
	if r, ok := o.ByBucket[bucket]; ok {
		return r
	}
	return o.Rules
}

// Header asks the object store whether an object is there.
type Header interface {
	Head(ctx context.Context, bucket, key string) (pipeline.ObjectInfo, error)
}

// Producer accepts announcements.
type Producer struct {
	opt    Options
	line   chan struct{} // holds one for each call that asks the ledger
	seldom *seldom.Log
}

// New makes a Producer.
func New(opt Options) (*Producer, error) {
	if opt.Ledger == nil || opt.Queue == nil || opt.Objects == nil || opt.Logger == nil {
		return nil, errors.New("producer: ledger, queue, objects and logger are required")
	}
	if len(opt.Buckets) == 0 {
		return nil, errors.New("producer: no bucket")
	}
	for _, b := range opt.Buckets {
		if opt.of(b.Name).Derivative == nil {
			return nil, fmt.Errorf("producer: no derivative for the bucket %s", b.Name)
		}
	}
	if opt.Hints == nil {
		opt.Hints = opt.Ledger
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Producer{opt: opt, line: make(chan struct{}, maxLine), seldom: seldom.New(opt.Logger)}, nil
}

// Receipt tells what became of one announcement that was accepted.
type Receipt struct {
	UploadID string `json:"uploadId"`
	FileID   string `json:"fileID"`
	Key      string `json:"key"`
	// New is false for a duplicate.
	New bool `json:"new"`
	// Order is the order that the file is for, whoever named it; empty for none.
	Order string `json:"-"`
	// Conflicts says in words where the sources of order, owner and position disagree, and
	// which one counts.
	Conflicts []string `json:"conflicts,omitempty"`
}

// Admit completes and validates an announcement: bucket, name, owner. Refusals are
// *pipeline.Error of class Invalid, or Denied for another owner's name, with a code.
func (p *Producer) Admit(a pipeline.Announcement) (pipeline.Announcement, error) {
	refuse := func(class pipeline.Class, code pipeline.Code, format string, args ...any) (pipeline.Announcement, error) {
		e := pipeline.Errorf(class, "announce", a.Key, format, args...)
		e.Code = code
		return a, e
	}
	bucket, ok := p.opt.Buckets.ByName(a.Bucket)
	if !ok {
		return refuse(pipeline.Invalid, pipeline.CodeUnknownBucket, "bucket %q is not configured here", a.Bucket)
	}
	if err := pipeline.CheckName(a.Key); err != nil {
		return a, err
	}
	rules := p.opt.of(bucket.Name)
	if rules.Derivative(a.Key) {
		return refuse(pipeline.Invalid, pipeline.CodeDerivative, "the object is one of our own thumbnails")
	}
	if a.Order != "" && !rules.Orders {
		return refuse(pipeline.Invalid, codeNoOrders, "no orders database is configured for the bucket: set orders.url or leave the order out")
	}
	if a.Order, ok = p.opt.Stores.FullName(rules.Store, a.Order); !ok {
		return refuse(pipeline.Invalid, events.CodeBadField, "order: %q is one of another store than that of bucket %q", a.Order, bucket.Name)
	}
	if len(a.Order) > pipeline.MaxOrderBytes {
		return refuse(pipeline.Invalid, events.CodeBadField, "order: it has %d bytes with the name of its store: want at most %d", len(a.Order), pipeline.MaxOrderBytes)
	}
	owner := pipeline.OwnerOf(a.Key)
	switch {
	case owner == "" && rules.OwnerRequired:
		return refuse(pipeline.Invalid, pipeline.CodeOwnerMissing, "the name has no owner: want users/{openid}/...")
	case owner != "" && a.Owner != "" && owner != a.Owner:
		return refuse(pipeline.Denied, pipeline.CodeOwnerMismatch, "the name belongs to another owner")
	case a.Owner == "":
		a.Owner = owner
	}
	if a.FileID == "" {
		a.FileID = bucket.FileID(a.Key).String()
	}
	return a, nil
}

// Accept commits announcements and enqueues what they ask for. It is all or nothing:
// the first one refused refuses all, and the error says its name. inboundID names the
// request for senders that repeat theirs; "" for none. Redis being away is no error.
// An error of class Transient means that nothing was kept and the caller has to try again:
// the ledger cannot be reached, or 64 other calls wait for it.
//
// Order, owner and position that an announcement does not say come from the signer, or
// from the name by the pattern.
func (p *Producer) Accept(ctx context.Context, inboundID string, anns []pipeline.Announcement) ([]Receipt, error) {
	drafts := make([]draft, len(anns))
	for i, a := range anns {
		drafts[i] = draft{Announcement: a}
	}
	return p.accept(ctx, inboundID, drafts)
}

// AcceptObject is Accept of one object that nobody announced: meta is what its x-cos-meta-*
// headers say (events.FromMetadata), which weighs less than what the signer knows and more
// than the name.
func (p *Producer) AcceptObject(ctx context.Context, ann pipeline.Announcement, meta events.Event) (Receipt, error) {
	receipts, err := p.accept(ctx, "", []draft{{Announcement: ann, meta: meta}})
	if err != nil {
		return Receipt{}, err
	}
	return receipts[0], nil
}

func (p *Producer) accept(ctx context.Context, inboundID string, drafts []draft) ([]Receipt, error) {
	leave, err := p.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := p.complete(ctx, drafts); err != nil {
		return nil, err
	}
	admitted := make([]pipeline.Announcement, 0, len(drafts))
	for _, d := range drafts {
		a, err := p.Admit(d.Announcement)
		if err != nil {
			return nil, err
		}
		admitted = append(admitted, a)
	}
	return p.commit(ctx, inboundID, drafts, admitted)
}

// commit keeps what was admitted, for one who has a place in the line. drafts are what it
// was admitted from.
func (p *Producer) commit(ctx context.Context, inboundID string, drafts []draft, admitted []pipeline.Announcement) ([]Receipt, error) {
	res, err := p.opt.Ledger.Announce(ctx, inboundID, admitted)
	if err != nil {
		return nil, err
	}
	// What is committed is enqueued even if the phone has hung up meanwhile.
	ctx = context.WithoutCancel(ctx)
	if err := p.opt.Queue.EnqueueAll(ctx, res.Wishes); err != nil {
		err = errors.Join(err, p.opt.Ledger.Unqueued(ctx, res.Wishes))
		p.seldom.Line(ctx, slog.LevelWarn, "enqueue", "could not enqueue, the sweep will", "error", err)
	}
	receipts := make([]Receipt, 0, len(admitted))
	for i, a := range admitted {
		kept := res.Announced[i]
		r := Receipt{
			UploadID: kept.UploadID, FileID: cmp.Or(kept.FileID, a.FileID), Key: a.Key, New: kept.New,
			Order: a.Order, Conflicts: drafts[i].conflicts,
		}
		receipts = append(receipts, r)
		p.opt.Logger.InfoContext(ctx, "announced", "upload", r.UploadID, "key", a.Key, "order", a.Order,
			"source", a.Source, "new", r.New)
	}
	return receipts, nil
}
