package ledger

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// Finish ends an attempt that did not fail, with everything that follows from it: a
// check takes up the later steps, a step that rejects the upload has the others clean
// up, and the last step to end fixes the outcome and wishes for notify.
func (l *Ledger) Finish(ctx context.Context, a *OpenAttempt, res pipeline.StepResult) ([]pipeline.Wish, error) {
	var w *wishes
	err := l.write(ctx, "finish", func(ctx context.Context, tx bun.Tx) error {
		w = l.wishes(tx)
		return w.finish(ctx, a, res)
	})
	if err != nil {
		return nil, err
	}
	return w.list, nil
}

func (w *wishes) finish(ctx context.Context, a *OpenAttempt, res pipeline.StepResult) error {
	u, err := w.l.lockUpload(ctx, w.tx, a.UploadID)
	if err != nil {
		return err
	}
	row, err := a.end(ctx, w.tx, w.now, "", "")
	if err != nil {
		return err
	}
	w.asked = row.AskedAt
	result, err := toJSON(res.Result)
	if err != nil {
		return err
	}
	if a.Step == pipeline.StepNotify {
		result = row.Result // what was told can be told again
	}
	row.State, row.Code, row.Detail, row.Result = string(res.State), string(res.Code), text(res.Detail, maxError), result
	row.SweepAfter, row.ReadyAt, row.UpdatedAt = 0, 0, at(w.now)
	if err := w.l.put(ctx, w.tx, row); err != nil {
		return err
	}
	switch {
	case a.Step == pipeline.StepCheck && res.Content != nil:
		err = w.checked(ctx, u, *res.Content, res.Code, res.Detail)
	case a.Step == pipeline.StepThumbnail && res.Code != "":
		err = w.rejectLate(ctx, u, res.Code, res.Detail)
	}
	if err != nil {
		return err
	}
	if err := resolveLetters(ctx, w.tx, a.Run, w.now); err != nil {
		return err
	}
	if a.Step == pipeline.StepCheck {
		if err := forgetRemoval(ctx, w.tx, a.UploadID); err != nil {
			return err
		}
	}
	return w.settle(ctx, u)
}

// checked keeps what a check found and takes up the steps that follow from it.
func (w *wishes) checked(ctx context.Context, u *uploadRow, c pipeline.Content, code pipeline.Code, detail string) error {
	was := *u
	sameBytes := u.CheckedAt != 0 && u.ETag == c.ETag && u.ETag != ""
	if sameBytes && code == "" && u.Reason == string(pipeline.CodeCorruptFile) {
		// Decoding found out what the header does not show; the bytes are the same.
		code, detail = pipeline.CodeCorruptFile, u.Detail
	}
	u.setContent(c)
	u.Reason, u.Detail = string(code), text(detail, maxError)
	u.CheckedAt, u.UpdatedAt = at(w.now), at(w.now)
	if _, err := w.tx.NewUpdate().Model(u).WherePK().Exec(ctx); err != nil {
		return err
	}
	changed := !sameBytes || was.Reason != u.Reason
	wasLive := was.CheckedAt != 0 && was.Reason == ""
	return w.takeUp(ctx, u, changed, was.Visibility != u.Visibility, wasLive)
}

// takeUp wishes for every later step that must look again: all that exist when the
// content or its acceptance changed, and those that an accepted upload still lacks. A file
// that was accepted (wasLive) may have come into an order with the attach of another one.
func (w *wishes) takeUp(ctx context.Context, u *uploadRow, changed, turned, wasLive bool) error {
	rows, err := stepsOf(ctx, w.tx, u.ID)
	if err != nil {
		return err
	}
	have := map[pipeline.Step]map[string]*stepRow{}
	for i := range rows {
		step := pipeline.Step(rows[i].Step)
		if have[step] == nil {
			have[step] = map[string]*stepRow{}
		}
		have[step][rows[i].Scope] = &rows[i]
	}
	orders, err := ordersOf(ctx, w.tx, u.ID)
	if err != nil {
		return err
	}
	accepted := u.Reason == ""
	for _, order := range orders {
		exists := have[pipeline.StepAttach][order] != nil
		if (accepted && !exists) || (changed && (exists || wasLive)) {
			if err := w.want(ctx, u, pipeline.StepAttach, order, ""); err != nil {
				return err
			}
		}
	}
	why := w.l.skips(u.ContentType)
	if err := w.takeUpOne(ctx, u, pipeline.StepThumbnail, have[pipeline.StepThumbnail][""], changed, why == "", why); err != nil {
		return err
	}
	return w.takeUpOne(ctx, u, pipeline.StepWarm, have[pipeline.StepWarm][""], changed || turned,
		u.Visibility == string(pipeline.Public), "only public files have a cached URL")
}

func (w *wishes) takeUpOne(ctx context.Context, u *uploadRow, step pipeline.Step, row *stepRow, changed, useful bool, otherwise string) error {
	switch {
	case row != nil && changed:
		return w.want(ctx, u, step, "", "")
	case row != nil || u.Reason != "":
		return nil
	case useful:
		return w.want(ctx, u, step, "", "")
	}
	return w.skip(ctx, u, step, otherwise)
}

// rejectLate rejects an upload after its check: decoding it failed. Every order that it
// is linked to is looked at again, for it may have come in with the attach of another
// file; so is the cache.
func (w *wishes) rejectLate(ctx context.Context, u *uploadRow, code pipeline.Code, detail string) error {
	u.Reason, u.Detail, u.UpdatedAt = string(code), text(detail, maxError), at(w.now)
	if _, err := w.tx.NewUpdate().Model(u).Column("reason", "detail", "updated_at").WherePK().Exec(ctx); err != nil {
		return err
	}
	orders, err := ordersOf(ctx, w.tx, u.ID)
	if err != nil {
		return err
	}
	for _, order := range orders {
		if err := w.want(ctx, u, pipeline.StepAttach, order, ""); err != nil {
			return err
		}
	}
	rows, err := stepsOf(ctx, w.tx, u.ID)
	if err != nil {
		return err
	}
	for i := range rows {
		if pipeline.Step(rows[i].Step) != pipeline.StepWarm {
			continue
		}
		if err := w.want(ctx, u, pipeline.StepWarm, rows[i].Scope, ""); err != nil {
			return err
		}
	}
	return nil
}

func ordersOf(ctx context.Context, tx bun.IDB, uploadID string) ([]string, error) {
	var orders []string
	err := tx.NewSelect().Model((*linkRow)(nil)).Column("order_id").
		Where("upload_id = ?", uploadID).Order("seq").Scan(ctx, &orders)
	return orders, err
}
