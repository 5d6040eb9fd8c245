package regenerate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// Ledger is the record as a run needs it.
type Ledger interface {
	StepsAt(ctx context.Context, step pipeline.Step, state pipeline.StepState, since, before time.Time, after pipeline.Run, limit int) ([]ledger.StepAt, error)
	Regenerate(ctx context.Context, uploadID string, keep func(pipeline.StepRecord) (pipeline.ThumbnailResult, bool)) ([]pipeline.Wish, error)
	Unqueued(ctx context.Context, wishes []pipeline.Wish) error
	Record(ctx context.Context, op ledger.Operation) (int64, error)
}

// Queue takes the wishes after they are committed.
type Queue interface {
	EnqueueAll(ctx context.Context, wishes []pipeline.Wish) error
}

// Plan says whose thumbnails to look at.
type Plan struct {
	// Presets gives the sizes to look for in a bucket, as they are configured. Required.
	Presets func(bucket string) []pipeline.Preset
	// Only names the presets to look for; empty for all that a bucket has.
	Only []string
	// Bucket is a full bucket name; empty for all.
	Bucket string
	// Prefix is what the keys of originals begin with; empty for all.
	Prefix string
	// OlderThan leaves out thumbnails that were made since; zero leaves out none.
	OlderThan time.Time
	// Force makes thumbnails again that are as they should be, and tries what was skipped
	// once more.
	Force bool
	// Apply wishes for the steps; else they are only counted.
	Apply bool
}

// presets are what is looked for in a bucket.
func (p Plan) presets(bucket string) []pipeline.Preset {
	all := p.Presets(bucket)
	if len(p.Only) == 0 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(one pipeline.Preset) bool { return !slices.Contains(p.Only, one.Name) })
}

// Controls say how a run goes. The zero value is a run at full speed.
type Controls struct {
	// Rate is how many steps per second are wished for at most; 0 for no bound.
	Rate rate.Limit
	// Limit ends the run after so many; 0 for no end.
	Limit int
	// Who is the operator, for the audit trail.
	Who string
	// Found gets every upload whose thumbnails lack something. An error of it ends the run.
	Found func(Finding) error
	// Progress gets the counts after every page.
	Progress func(Report)
}

// Finding is an upload whose thumbnails are to be made.
type Finding struct {
	UploadID, Bucket, Key string
	// Presets are what it lacks.
	Presets []string
	// Wished says that the step runs again; false in a run without Apply, and where the
	// step was taken up by something else meanwhile.
	Wished bool
}

// Report counts a run.
type Report struct {
	// Scanned counts the uploads whose thumbnail step has ended, UpToDate those that lack
	// nothing, Found those that do, Wished those whose step runs again.
	Scanned  int `json:"scanned"`
	UpToDate int `json:"upToDate"`
	Found    int `json:"found"`
	Wished   int `json:"wished"`
	// Limited says that the limit ended the run.
	Limited bool `json:"limited"`
}

// page is how many steps are read and held at a time.
const page = 500

// Run looks through the ledger once.
func Run(ctx context.Context, l Ledger, q Queue, p Plan, c Controls) (Report, error) {
	r := &run{plan: p, ctl: c, ledger: l, queue: q, limiter: rate.NewLimiter(rate.Inf, 1)}
	if c.Rate > 0 {
		r.limiter = rate.NewLimiter(c.Rate, 1)
	}
	err := r.recorded(ctx)
	return r.report, err
}

type run struct {
	plan    Plan
	ctl     Controls
	ledger  Ledger
	queue   Queue
	limiter *rate.Limiter
	report  Report
}

// recorded runs within a row of the audit trail.
func (r *run) recorded(ctx context.Context) error {
	if !r.plan.Apply {
		return r.states(ctx)
	}
	filter := fmt.Sprintf("presets %s bucket %q prefix %q force %t", strings.Join(r.plan.Only, ","), r.plan.Bucket, r.plan.Prefix, r.plan.Force)
	id, err := r.ledger.Record(ctx, ledger.Operation{Who: r.ctl.Who, What: "regenerate", Filter: filter})
	if err != nil {
		return err
	}
	err = r.states(ctx)
	counts, jerr := json.Marshal(r.report)
	if jerr != nil {
		return jerr
	}
	if _, rerr := r.ledger.Record(context.WithoutCancel(ctx), ledger.Operation{ID: id, Counts: string(counts)}); err == nil {
		err = rerr
	}
	return err
}

func (r *run) states(ctx context.Context) error {
	states := []pipeline.StepState{pipeline.Done}
	if r.plan.Force {
		states = append(states, pipeline.Skipped)
	}
	for _, state := range states {
		if err := r.pages(ctx, state); err != nil || r.report.Limited {
			return err
		}
	}
	return nil
}

func (r *run) pages(ctx context.Context, state pipeline.StepState) error {
	var after pipeline.Run
	for {
		steps, err := r.ledger.StepsAt(ctx, pipeline.StepThumbnail, state, time.Time{}, r.plan.OlderThan, after, page)
		if err != nil {
			return err
		}
		for _, s := range steps {
			if err := r.visit(ctx, s); err != nil || r.report.Limited {
				return err
			}
		}
		if r.ctl.Progress != nil {
			r.ctl.Progress(r.report)
		}
		if len(steps) < page {
			return nil
		}
		after = pipeline.Run{UploadID: steps[len(steps)-1].UploadID}
	}
}

func (r *run) visit(ctx context.Context, s ledger.StepAt) error {
	p := r.plan
	if s.Code != "" || (p.Bucket != "" && s.Bucket != p.Bucket) || !strings.HasPrefix(s.Key, p.Prefix) {
		return nil // a code is the verdict that its bytes cannot be decoded
	}
	r.report.Scanned++
	_, lacks, err := r.lacks(s.Bucket, s.StepRecord)
	if err != nil {
		return err
	}
	if len(lacks) == 0 {
		r.report.UpToDate++
		return nil
	}
	if r.ctl.Limit > 0 && r.report.Found >= r.ctl.Limit {
		r.report.Limited = true
		return nil
	}
	f := Finding{UploadID: s.UploadID, Bucket: s.Bucket, Key: s.Key, Presets: lacks}
	if p.Apply {
		if err := r.limiter.Wait(ctx); err != nil {
			return err
		}
		if f.Wished, err = r.wish(ctx, s.Bucket, s.UploadID); err != nil {
			return err
		}
	}
	r.report.Found++
	if f.Wished {
		r.report.Wished++
	}
	if r.ctl.Found == nil {
		return nil
	}
	return r.ctl.Found(f)
}

// lacks gives what may be kept of a step's result, and the presets that it lacks.
func (r *run) lacks(bucket string, s pipeline.StepRecord) (pipeline.ThumbnailResult, []string, error) {
	var made pipeline.ThumbnailResult
	if len(s.Result) > 0 {
		if err := json.Unmarshal(s.Result, &made); err != nil {
			return made, nil, fmt.Errorf("result of the thumbnails of %s: %w", s.UploadID, err)
		}
	}
	presets := r.plan.presets(bucket)
	if r.plan.Force {
		made = made.Without(names(presets))
	}
	return made, names(made.Lacks(presets)), nil
}

// wish has the step run again, judged by what it is now.
func (r *run) wish(ctx context.Context, bucket, uploadID string) (bool, error) {
	var broken error
	made, err := r.ledger.Regenerate(ctx, uploadID, func(s pipeline.StepRecord) (pipeline.ThumbnailResult, bool) {
		kept, lacks, err := r.lacks(bucket, s)
		broken = err
		return kept, err == nil && len(lacks) > 0
	})
	if err != nil || broken != nil || len(made) == 0 {
		return false, errors.Join(err, broken)
	}
	// What is committed is enqueued even if the operator has gone meanwhile.
	whole := context.WithoutCancel(ctx)
	if r.queue.EnqueueAll(whole, made) != nil {
		return true, r.ledger.Unqueued(whole, made)
	}
	return true, nil
}

func names(presets []pipeline.Preset) []string {
	list := make([]string, 0, len(presets))
	for _, p := range presets {
		list = append(list, p.Name)
	}
	return list
}
