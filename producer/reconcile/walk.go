package reconcile

import (
	"context"
	"os"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/afterput/afterput/pipeline/ledger"
)

// walk is one run.
type walk struct {
	*Reconciler
	plan    Plan
	ctl     Controls
	limiter *rate.Limiter
	thumbs  thumbs
	report  Report

	asked time.Time
	// base is how many findings earlier runs told.
	base int64
	// after is the last key that was visited; settled is the last at which nothing
	// waited, with what was counted then.
	after   string
	settled struct {
		after  string
		report Report
	}
	told time.Time
}

func (w *walk) resume() error {
	w.asked, w.told = w.ctl.AskedAt, w.opt.Now()
	if w.asked.IsZero() {
		w.asked = w.told
	}
	if w.ctl.Checkpoint == "" {
		return nil
	}
	c, err := ReadCheckpoint(w.ctl.Checkpoint)
	if err != nil || c == nil {
		return err
	}
	if err := c.fits(w.plan); err != nil {
		return err
	}
	w.after, w.report, w.asked = string(c.After), c.Report, c.AskedAt
	w.report.Limited = false
	w.settled.after, w.settled.report, w.base = w.after, w.report, w.report.Findings()
	return nil
}

// merge walks both streams at once, from the smallest key on.
func (w *walk) merge(ctx context.Context) error {
	skip := strings.TrimSuffix(w.opt.Thumbnails(w.plan.Bucket).Dir(""), "/")
	bucket := w.listing(w.plan.Bucket, w.plan.Prefix, w.after, skip)
	known := w.uploads(w.plan.Bucket, w.plan.Prefix, w.after)
	w.thumbs = w.Reconciler.thumbs(w.plan, w.after)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		o, listed, err := bucket.peek(ctx)
		if err != nil {
			return err
		}
		u, kept, err := known.peek(ctx)
		switch {
		case err != nil:
			return err
		case !listed && !kept:
			return w.thumbs.release(ctx, "", true, w.lacking(ctx))
		}
		key := o.Key
		if !listed || (kept && u.Key < key) {
			key = u.Key
		}
		listed, kept = listed && o.Key == key, kept && u.Key == key
		if err := w.thumbs.release(ctx, key, false, w.lacking(ctx)); err != nil {
			return err
		}
		if err := w.visit(ctx, o, listed, u, kept); err != nil {
			return err
		}
		if listed {
			bucket.next()
		}
		if kept {
			known.next()
		}
		if err := w.passed(key); err != nil {
			return err
		}
	}
}

func (w *walk) visit(ctx context.Context, o Object, listed bool, u ledger.KeyedUpload, kept bool) error {
	if listed && !w.ours(o) {
		w.report.Scanned++
		if kept {
			w.report.Matched++
			return w.both(ctx, o, u)
		}
		return w.listedOnly(ctx, o)
	}
	if !listed {
		return w.keptOnly(ctx, u)
	}
	return nil
}

// ours tells what the bucket holds for us or for its own console: thumbnails, and the
// empty objects that stand for folders.
func (w *walk) ours(o Object) bool {
	return w.opt.Thumbnails(w.plan.Bucket).Derivative(o.Key) || (o.Size == 0 && strings.HasSuffix(o.Key, "/"))
}

// passed notes that a key is behind us.
func (w *walk) passed(key string) error {
	w.after = key
	if w.thumbs.idle() {
		w.settled.after, w.settled.report = key, w.report
	}
	now := w.opt.Now()
	if now.Sub(w.told) < time.Second {
		return nil
	}
	w.told = now
	if w.ctl.Progress != nil {
		w.ctl.Progress(w.report)
	}
	return w.save()
}

func (w *walk) save() error {
	if w.ctl.Checkpoint == "" {
		return nil
	}
	c := &Checkpoint{
		Schema: checkpointSchema, Plan: w.plan, After: []byte(w.settled.after), Key: w.settled.after,
		Report: w.settled.report, AskedAt: w.asked.UTC(), SavedAt: w.opt.Now().UTC(),
	}
	return c.write(w.ctl.Checkpoint)
}

// leave ends the run: at the end of the bucket the checkpoint goes, else it is written.
func (w *walk) leave(complete bool) error {
	if w.ctl.Checkpoint == "" || !complete {
		return w.save()
	}
	if err := os.Remove(w.ctl.Checkpoint); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
