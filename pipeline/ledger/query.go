package ledger

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// Upload reads one upload by its ID.
func (l *Ledger) Upload(ctx context.Context, id string) (pipeline.Upload, error) {
	row, err := uploadOf(ctx, l.db, id)
	if err != nil {
		return pipeline.Upload{}, classed("upload", err)
	}
	return row.upload(), nil
}

// The ways in which people name uploads, the narrowest first.
var refs = [...]string{
	"SELECT * FROM uploads WHERE id = ? LIMIT ?",
	"SELECT * FROM uploads WHERE file_id = ? LIMIT ?",
	"SELECT * FROM uploads WHERE object_key = ? LIMIT ?",
	`SELECT u.* FROM uploads u JOIN order_links k ON k.upload_id = u.id
		WHERE k.order_id = ? ORDER BY k.position IS NOT NULL, k.position, k.seq LIMIT ?`,
}

// Find reads the uploads that ref means: an upload ID, a fileID, an object key or an
// order, in this order; at most limit of them. ErrNotFound when it means none.
func (l *Ledger) Find(ctx context.Context, ref string, limit int) ([]pipeline.Upload, error) {
	for _, query := range refs {
		var rows []uploadRow
		if err := l.db.NewRaw(query, ref, limit).Scan(ctx, &rows); err != nil {
			return nil, classed("find", err)
		}
		if len(rows) > 0 {
			return uploadsOf(rows), nil
		}
	}
	return nil, ErrNotFound
}

// Uploads pages through all uploads by ID, from the one after the given ID.
func (l *Ledger) Uploads(ctx context.Context, after string, limit int) ([]pipeline.Upload, error) {
	var rows []uploadRow
	err := l.db.NewSelect().Model(&rows).Where("u.id > ?", after).Order("id").Limit(int64(limit)).Scan(ctx)
	return uploadsOf(rows), classed("uploads", err)
}

func uploadsOf(rows []uploadRow) []pipeline.Upload {
	out := make([]pipeline.Upload, 0, len(rows))
	for i := range rows {
		out = append(out, rows[i].upload())
	}
	return out
}

// Steps reads the steps of an upload.
func (l *Ledger) Steps(ctx context.Context, uploadID string) ([]pipeline.StepRecord, error) {
	rows, err := stepsOf(ctx, l.db, uploadID)
	out := make([]pipeline.StepRecord, 0, len(rows))
	for i := range rows {
		out = append(out, rows[i].record())
	}
	return out, classed("steps", err)
}

// Links reads the links of an upload to orders, oldest first.
func (l *Ledger) Links(ctx context.Context, uploadID string) ([]pipeline.Link, error) {
	var rows []linkRow
	err := l.db.NewSelect().Model(&rows).Where("upload_id = ?", uploadID).Order("seq").Scan(ctx)
	out := make([]pipeline.Link, 0, len(rows))
	for _, r := range rows {
		out = append(out, pipeline.Link{
			Seq: r.Seq, Order: r.OrderID, UploadID: r.UploadID, Batch: r.Batch, Position: r.Position,
			CreatedAt: r.CreatedAt.time(), Attached: r.Attached, Written: r.Written,
		})
	}
	return out, classed("links", err)
}

// Attempts reads every attempt of an upload in the order of their starts.
func (l *Ledger) Attempts(ctx context.Context, uploadID string) ([]pipeline.Attempt, error) {
	var rows []attemptRow
	err := l.db.NewSelect().Model(&rows).Where("upload_id = ?", uploadID).Order("started_at", "gen", "n").Scan(ctx)
	out := make([]pipeline.Attempt, 0, len(rows))
	for i := range rows {
		out = append(out, rows[i].attempt())
	}
	return out, classed("attempts", err)
}

// Letter reads one letter.
func (l *Ledger) Letter(ctx context.Context, id int64) (pipeline.Letter, error) {
	rows, err := scanLetters(ctx, l.db.NewSelect().Model((*letterRow)(nil)).Where("d.id = ?", id))
	if err == nil && len(rows) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return pipeline.Letter{}, err
	}
	return rows[0], nil
}

func scanLetters(ctx context.Context, q *bun.SelectQuery) ([]pipeline.Letter, error) {
	var rows []struct {
		letterRow `bun:",extend"`
		Bucket    string `bun:"bucket"`
		ObjectKey string `bun:"object_key"`
		Owner     string `bun:"owner"`
		FileID    string `bun:"file_id"`
	}
	err := q.ColumnExpr("d.*").ColumnExpr("COALESCE(u.bucket, '') AS bucket, COALESCE(u.object_key, '') AS object_key").
		ColumnExpr("COALESCE(u.owner, '') AS owner, COALESCE(u.file_id, '') AS file_id").
		Join("LEFT JOIN uploads AS u ON u.id = d.upload_id").Scan(ctx, &rows)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, classed("letters", err)
	}
	out := make([]pipeline.Letter, 0, len(rows))
	for _, r := range rows {
		out = append(out, pipeline.Letter{
			ID: r.ID, UploadID: r.UploadID, Step: pipeline.Step(r.Step), Scope: r.Scope, Gen: r.Gen,
			Bucket: r.Bucket, Key: r.ObjectKey, Owner: r.Owner, FileID: r.FileID,
			TaskType: r.TaskType, Payload: []byte(r.Payload), Class: pipeline.Class(r.Class), Code: pipeline.Code(r.Code),
			Error: r.Error, Fingerprint: r.Fingerprint, Attempts: r.Attempts, DiedAt: r.DiedAt.time(), State: pipeline.LetterState(r.State),
			Note: r.Note, UpdatedAt: r.UpdatedAt.time(),
		})
	}
	return out, nil
}

// Totals counts what the ledger holds, for reports.
type Totals struct {
	Uploads       int `json:"uploads"`
	Announcements int `json:"announcements"`
	// Retries counts the failed attempts that were tried again.
	Retries int `json:"retries"`
	// Pending counts the steps that are not finished.
	Pending int `json:"pending"`
	// OpenLetters counts the dead letters that wait for a person.
	OpenLetters int `json:"openLetters"`
}

// Totals reads the totals of the whole ledger. It scans: not for hot paths.
func (l *Ledger) Totals(ctx context.Context) (Totals, error) {
	var t Totals
	err := l.db.NewRaw(`SELECT
		(SELECT COUNT(*) FROM uploads), (SELECT COALESCE(SUM(announcements), 0) FROM uploads),
		(SELECT COUNT(*) FROM attempts WHERE class != ''),
		(SELECT COUNT(*) FROM upload_steps WHERE state = 'pending'),
		(SELECT COUNT(*) FROM dead_letters WHERE state = 'open')`).
		Scan(ctx, &t.Uploads, &t.Announcements, &t.Retries, &t.Pending, &t.OpenLetters)
	return t, classed("totals", err)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// text makes a string of the outside fit for a text column of every engine: valid
// UTF-8 without NUL, at most limit bytes.
func text(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// Limits of texts that are kept for people.
const (
	maxError   = 8 << 10
	maxPayload = 64 << 10
	maxBody    = 1 << 20
)
