package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// settle fixes the outcome of an upload when its last step has ended. An outcome that
// differs from the last one is a new revision, with a notify run for each endpoint that
// wants it.
func (w *wishes) settle(ctx context.Context, u *uploadRow) error {
	out, err := outcome(ctx, w.tx, u)
	if err != nil || out.State == pipeline.InFlight {
		return err
	}
	out.Revision = 0
	digest, err := digestOf(out)
	if err != nil || digest == u.OutcomeDigest {
		return err
	}
	u.Revision++
	u.OutcomeDigest = digest
	if _, err := w.tx.NewUpdate().Model(u).Column("revision", "outcome_digest").WherePK().Exec(ctx); err != nil {
		return err
	}
	out.Revision = u.Revision
	out.At = w.now.UTC()
	endpoints := w.l.wanted(out.Type())
	unwanted := len(endpoints) == 0
	if unwanted {
		endpoints = []string{""} // a run that nobody subscribed to says so
	}
	kept, err := toJSON(Notice{Outcome: &out, Unwanted: unwanted, At: out.At.UnixMicro()})
	if err != nil {
		return err
	}
	for _, endpoint := range endpoints {
		if err := w.want(ctx, u, pipeline.StepNotify, endpoint, kept); err != nil {
			return err
		}
	}
	return nil
}

func digestOf(o pipeline.Outcome) (string, error) {
	b, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16]), nil
}

// Outcome tells the outcome of an upload as it stands now.
func (l *Ledger) Outcome(ctx context.Context, uploadID string) (pipeline.Outcome, error) {
	u, err := uploadOf(ctx, l.db, uploadID)
	if err != nil {
		return pipeline.Outcome{}, classed("outcome", err)
	}
	o, err := outcome(ctx, l.db, u)
	return o, classed("outcome", err)
}

func outcome(ctx context.Context, db bun.IDB, u *uploadRow) (pipeline.Outcome, error) {
	rows, err := stepsOf(ctx, db, u.ID)
	if err != nil {
		return pipeline.Outcome{}, err
	}
	steps := make([]pipeline.StepRecord, 0, len(rows))
	for i := range rows {
		steps = append(steps, rows[i].record())
	}
	out := pipeline.Outcome{
		UploadID: u.ID, Revision: u.Revision, FileID: u.FileID, Bucket: u.Bucket, Key: u.ObjectKey,
		Owner: u.Owner, State: pipeline.OutcomeState(pipeline.Code(u.Reason), steps),
		Reason: pipeline.Code(u.Reason), Detail: u.Detail,
		ETag: u.ETag, Size: u.Size, ContentType: u.ContentType, Width: u.Width, Height: u.Height,
		Visibility: u.Visibility,
	}
	for _, s := range steps {
		if s.Step == pipeline.StepNotify {
			continue // an outcome does not tell of its own delivery
		}
		if err := addStep(&out, s); err != nil {
			return pipeline.Outcome{}, err
		}
	}
	var links []linkRow
	if err := db.NewSelect().Model(&links).Where("upload_id = ?", u.ID).Order("seq").Scan(ctx); err != nil {
		return pipeline.Outcome{}, err
	}
	for _, k := range links {
		out.Orders = append(out.Orders, pipeline.OutcomeOrder{Order: k.OrderID, Position: k.Position, Attached: k.Attached})
	}
	return out, nil
}

func addStep(out *pipeline.Outcome, s pipeline.StepRecord) error {
	if s.State == pipeline.Dead {
		out.DeadSteps = append(out.DeadSteps, s.Step)
	}
	if s.Code != "" && out.Reason == "" {
		out.Reason, out.Detail = s.Code, s.Detail
	}
	if s.Step != pipeline.StepThumbnail || s.State != pipeline.Done || len(s.Result) == 0 {
		return nil
	}
	var made pipeline.ThumbnailResult
	if err := json.Unmarshal(s.Result, &made); err != nil {
		return err
	}
	out.Thumbnails = made.Thumbnails
	return nil
}
