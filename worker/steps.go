package worker

import (
	"context"
	"encoding/json"
	"runtime/debug"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// Steps are the back ends and rules that the five steps need.
type Steps struct {
	// Rules are those of buckets that ByBucket does not name.
	Rules
	ByBucket map[string]Rules

	Objects    pipeline.Objects
	Probe      pipeline.Prober
	Visibility pipeline.VisibilityRule
	Thumbnails pipeline.Thumbnailer
	// Isolated makes the thumbnails of suspects: images that may have killed a worker. It
	// does so in a process of their own, one at a time. Nil runs them like all others.
	Isolated pipeline.Thumbnailer
	Orders   pipeline.OrderStore
	Attach   pipeline.AttachOptions
	URLs     pipeline.URLResolver
	Cache    pipeline.URLCache
	Notifier pipeline.Notifier
	// Held tells how long deliveries to an endpoint have to wait, because it fails; 0 is not
	// at all. They wait without an attempt. Nil holds nothing.
	Held func(endpoint string) time.Duration
}

// Rules are what differs by bucket.
type Rules struct {
	Policy    pipeline.Policy
	Thumbnail pipeline.ThumbnailOptions
}

// of gives the rules of a bucket.
func (s Steps) of(bucket string) Rules {
	if r, ok := s.ByBucket[bucket]; ok {
		return r
	}
	return s.Rules
}

// attempt makes one attempt under the policy's deadline.
func (h *handler) attempt(ctx context.Context, a *ledger.OpenAttempt) (pipeline.StepResult, error) {
	ctx, explain, done := h.pulse.hold(ctx)
	defer done()
	res, err := bounded(ctx, h.timeouts[a.Step], a.Run, func(ctx context.Context) (pipeline.StepResult, error) {
		return h.step(ctx, a)
	})
	return res, explain(err)
}

// bounded calls fn under a deadline. A panic is an error of class Bug. An fn that does
// not hear its context is left behind when the deadline passes: effects are idempotent.
func bounded[T any](ctx context.Context, limit time.Duration, run pipeline.Run, fn func(context.Context) (T, error)) (T, error) {
	type ended struct {
		res T
		err error
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan ended, 1)
	go func() {
		var e ended
		defer func() {
			if p := recover(); p != nil {
				e = ended{err: pipeline.Errorf(pipeline.Bug, string(run.Step), run.UploadID, "panic: %v\n%s", p, debug.Stack())}
			}
			done <- e
		}()
		e.res, e.err = fn(ctx)
	}()
	select {
	case e := <-done:
		return e.res, e.err
	case <-ctx.Done():
		var none T
		return none, pipeline.Errorf(pipeline.Transient, string(run.Step), run.UploadID, "no result within %s", limit)
	}
}

func (h *handler) step(ctx context.Context, a *ledger.OpenAttempt) (pipeline.StepResult, error) {
	s, u := h.steps, a.Upload
	switch a.Step {
	case pipeline.StepCheck:
		return pipeline.Check(ctx, s.Objects, s.Probe, s.of(u.Bucket).Policy, s.Visibility, u)
	case pipeline.StepThumbnail:
		engine := s.Thumbnails
		if a.Suspect && s.Isolated != nil {
			h.logger(a).InfoContext(ctx, "a worker vanished while it ran, so it runs alone")
			engine = s.Isolated
		}
		return pipeline.MakeThumbnails(ctx, s.Objects, engine, s.of(u.Bucket).Thumbnail, u, a.Kept)
	case pipeline.StepAttach:
		if s.Orders == nil {
			return pipeline.StepResult{}, pipeline.Errorf(pipeline.Invalid, "attach", a.Scope, "no order store is configured")
		}
		book := &ledger.OrderBook{Ledger: h.ledger}
		defer func() { h.enqueue(ctx, book.Made) }() // after the order was given back
		return pipeline.Attach(ctx, book, s.Orders, s.Attach, h.now(), a.Scope, a.Holder(), u)
	case pipeline.StepNotify:
		var notice ledger.Notice
		if err := json.Unmarshal(a.Kept, &notice); err != nil {
			return pipeline.StepResult{}, pipeline.Errorf(pipeline.Bug, "notify", a.UploadID, "kept notice: %w", err)
		}
		event, ok := notice.Event()
		if !ok {
			return pipeline.StepResult{}, pipeline.Errorf(pipeline.Bug, "notify", a.UploadID, "the notice holds nothing to tell")
		}
		if notice.Unwanted { // the default endpoint may be there, and not want this event
			return pipeline.Unwanted(), nil
		}
		return pipeline.Notify(ctx, s.Notifier, pipeline.EndpointOf(a.Scope), event)
	case pipeline.StepWarm:
	}
	return pipeline.StepResult{}, pipeline.Errorf(pipeline.Bug, "worker", a.UploadID, "step %q does not run alone", a.Step)
}
