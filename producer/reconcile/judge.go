package reconcile

import (
	"context"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// source stands in the announcements that healing makes.
const source = "reconcile"

// young tells that something changed so recently that its event or step may be on its way.
func (w *walk) young(at time.Time) bool { return w.opt.Now().Sub(at) < w.plan.MinAge }

// listedOnly judges an object that the ledger does not know.
func (w *walk) listedOnly(ctx context.Context, o Object) error {
	switch {
	case !w.plan.wants(Missing) || !w.plan.inWindow(o.LastModified):
		return nil
	case w.young(o.LastModified):
		w.report.Settling++
		return nil
	}
	return w.missing(ctx, Finding{Kind: Missing, Key: o.Key, Detail: "never announced"})
}

// keptOnly judges an upload whose object is not in the bucket.
func (w *walk) keptOnly(ctx context.Context, u ledger.KeyedUpload) error {
	if !w.plan.wants(Orphan) || !u.Accepted() || !w.plan.inWindow(u.CheckedAt) {
		return nil
	}
	check, exists := stepOf(u, pipeline.StepCheck, "")
	if w.young(u.CheckedAt) {
		w.report.Settling++
		return nil
	}
	f := Finding{Kind: Orphan, Key: u.Key, UploadID: u.ID, Detail: "accepted, but not in the bucket"}
	return w.wish(ctx, f, pipeline.Run{UploadID: u.ID, Step: pipeline.StepCheck}, check, exists)
}

// both judges an upload whose object is there.
func (w *walk) both(ctx context.Context, o Object, u ledger.KeyedUpload) error {
	if u.CheckedAt.IsZero() || !w.plan.inWindow(o.LastModified) {
		return nil
	}
	if why := staleness(o, u); why != "" {
		// What the steps made is made of other content: the check takes them up.
		return w.stale(ctx, o, u, why)
	}
	if !u.Accepted() {
		return nil
	}
	if err := w.unattached(ctx, u); err != nil {
		return err
	}
	return w.expect(u)
}

func staleness(o Object, u ledger.KeyedUpload) string {
	switch {
	case u.Reason == pipeline.CodeObjectGone:
		return "it was gone and is back"
	case u.Content.ETag != o.ETag:
		return "the last check saw ETag " + u.Content.ETag + ", now it is " + o.ETag
	}
	return ""
}

func (w *walk) stale(ctx context.Context, o Object, u ledger.KeyedUpload, why string) error {
	if !w.plan.wants(Stale) {
		return nil
	}
	check, exists := stepOf(u, pipeline.StepCheck, "")
	if w.young(o.LastModified) || w.young(u.CheckedAt) {
		w.report.Settling++
		return nil
	}
	f := Finding{Kind: Stale, Key: u.Key, UploadID: u.ID, Detail: why}
	return w.wish(ctx, f, pipeline.Run{UploadID: u.ID, Step: pipeline.StepCheck}, check, exists)
}

func (w *walk) unattached(ctx context.Context, u ledger.KeyedUpload) error {
	if !w.plan.wants(Unattached) {
		return nil
	}
	for _, link := range u.Unattached {
		attach, exists := stepOf(u, pipeline.StepAttach, link.Order)
		if attach.Code != "" {
			continue // a verdict, such as an order of another owner
		}
		if w.opt.Now().Sub(later(link.CreatedAt, u.CheckedAt)) < w.plan.OlderThan {
			w.report.Settling++
			continue
		}
		f := Finding{Kind: Unattached, Key: u.Key, UploadID: u.ID, Order: link.Order, Detail: "accepted, but never in the order"}
		run := pipeline.Run{UploadID: u.ID, Step: pipeline.StepAttach, Scope: link.Order}
		if err := w.wish(ctx, f, run, attach, exists); err != nil {
			return err
		}
	}
	return nil
}

// expect has the thumbnails looked for of an image, and of a video that had some.
func (w *walk) expect(u ledger.KeyedUpload) error {
	step, exists := stepOf(u, pipeline.StepThumbnail, "")
	if !w.plan.wants(Thumbnails) || !strings.HasPrefix(u.Content.Type, "image/") && step.State != pipeline.Done {
		return nil
	}
	if step.State == pipeline.Skipped || step.Code != "" {
		return nil // a verdict, such as a name that leaves no room
	}
	w.thumbs.expect(u, step, exists)
	return nil
}

// lacking judges an image that lacks thumbnails.
func (w *walk) lacking(ctx context.Context) func(n name, lacks []string) error {
	return func(n name, lacks []string) error {
		if n.exists && w.young(n.step.UpdatedAt) {
			w.report.Settling++
			return nil
		}
		f := Finding{
			Kind: Thumbnails, Key: n.upload.Key, UploadID: n.upload.ID, Presets: lacks,
			Detail: "thumbnails are not in the bucket",
		}
		return w.wish(ctx, f, pipeline.Run{UploadID: n.upload.ID, Step: pipeline.StepThumbnail}, n.step, n.exists)
	}
}

func stepOf(u ledger.KeyedUpload, step pipeline.Step, scope string) (pipeline.StepRecord, bool) {
	for _, s := range u.Steps {
		if s.Step == step && s.Scope == scope {
			return s, true
		}
	}
	return pipeline.StepRecord{}, false
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
