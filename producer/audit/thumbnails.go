package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// asked is one thumbnail and what the bucket said of it.
type asked struct {
	step    *ledger.StepAt
	key     string
	missing bool
	err     error
}

// thumbnails asks the bucket for every thumbnail that a done step says it made.
func (a *Audit) thumbnails(ctx context.Context) error {
	if a.opt.Objects == nil {
		return nil
	}
	return a.eachStep(ctx, pipeline.StepThumbnail, pipeline.Done, func(page []ledger.StepAt) error {
		var list []*asked
		for i := range page {
			var made pipeline.ThumbnailResult
			if len(page[i].Result) > 0 {
				if err := json.Unmarshal(page[i].Result, &made); err != nil {
					return fmt.Errorf("result of the thumbnails of %s: %w", page[i].UploadID, err)
				}
			}
			for _, t := range made.Thumbnails {
				list = append(list, &asked{step: &page[i], key: t.Key})
			}
		}
		a.report.Thumbnails += len(list)
		a.head(ctx, list)
		for _, one := range list {
			if err := a.thumbnail(ctx, one); err != nil {
				return err
			}
		}
		return nil
	})
}

// head asks for all of them, a few at once.
func (a *Audit) head(ctx context.Context, list []*asked) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, a.opt.Heads)
	for _, one := range list {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			_, one.err = a.opt.Objects.Head(ctx, one.step.Bucket, one.key)
			if pipeline.ClassOf(one.err) == pipeline.Missing {
				one.missing, one.err = true, nil
			}
		})
	}
	wg.Wait()
}

// thumbnail reports one that is missing, unless its step changed meanwhile.
func (a *Audit) thumbnail(ctx context.Context, one *asked) error {
	if one.err != nil || !one.missing {
		return one.err
	}
	now, ok, err := a.stepNow(ctx, pipeline.Run{UploadID: one.step.UploadID, Step: pipeline.StepThumbnail})
	if err != nil || !ok || now.State != pipeline.Done || now.Gen != one.step.Gen {
		return err
	}
	return a.found(Finding{
		Kind: KindThumbnailMissing, UploadID: one.step.UploadID, Key: one.step.Key, Step: pipeline.StepThumbnail,
		What: fmt.Sprintf("%s was made and is not in the bucket", one.key),
	})
}

// eachStep pages through the steps of one kind in one state.
func (a *Audit) eachStep(ctx context.Context, step pipeline.Step, state pipeline.StepState, fn func(page []ledger.StepAt) error) error {
	var before time.Time
	if state == pipeline.Pending {
		before = a.opt.Ledger.Graced()
	}
	var after pipeline.Run
	for {
		page, err := a.opt.Ledger.StepsAt(ctx, step, state, a.opt.Since, before, after, a.opt.Page)
		if err != nil {
			return err
		}
		if err := fn(page); err != nil {
			return err
		}
		if len(page) < a.opt.Page {
			return nil
		}
		last := page[len(page)-1]
		after = pipeline.Run{UploadID: last.UploadID, Scope: last.Scope}
	}
}

// stepNow reads the row of a run's step as it is now.
func (a *Audit) stepNow(ctx context.Context, run pipeline.Run) (pipeline.StepRecord, bool, error) {
	steps, err := a.opt.Ledger.Steps(ctx, run.UploadID)
	for _, s := range steps {
		if s.Step == run.Step && s.Scope == run.Scope {
			return s, true, err
		}
	}
	return pipeline.StepRecord{}, false, err
}
