package ledger

import (
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/afterput/afterput/pipeline"
)

// micros is a time as the ledger keeps it: microseconds since 1970 UTC, 0 for none.
type micros int64

func at(t time.Time) micros {
	if t.IsZero() {
		return 0
	}
	return micros(t.UnixMicro())
}

func (m micros) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(m)).UTC()
}

type uploadRow struct {
	bun.BaseModel `bun:"table:uploads,alias:u"`

	ID            string `bun:"id,pk"`
	Bucket        string `bun:"bucket"`
	ObjectKey     string `bun:"object_key"`
	FileID        string `bun:"file_id"`
	Owner         string `bun:"owner"`
	Source        string `bun:"source"`
	Announcements int    `bun:"announcements"`
	ETag          string `bun:"etag"`
	VersionID     string `bun:"version_id"`
	Size          int64  `bun:"size"`
	ContentType   string `bun:"content_type"`
	Width         int    `bun:"width"`
	Height        int    `bun:"height"`
	Frames        int    `bun:"frames"`
	Orientation   int    `bun:"orientation"`
	Visibility    string `bun:"visibility"`
	Reason        string `bun:"reason"`
	Detail        string `bun:"detail"`
	CheckedAt     micros `bun:"checked_at"`
	Revision      int    `bun:"revision"`
	OutcomeDigest string `bun:"outcome_digest"`
	CreatedAt     micros `bun:"created_at"`
	UpdatedAt     micros `bun:"updated_at"`
}

func (r *uploadRow) upload() pipeline.Upload {
	return pipeline.Upload{
		ID: r.ID, Bucket: r.Bucket, Key: r.ObjectKey, FileID: r.FileID, Owner: r.Owner,
		Source: r.Source, Announcements: r.Announcements,
		Content: pipeline.Content{
			ETag: r.ETag, VersionID: r.VersionID, Size: r.Size,
			Facts: pipeline.Facts{
				Type: r.ContentType, Width: r.Width, Height: r.Height,
				Frames: r.Frames, Orientation: r.Orientation,
			},
			Visibility: pipeline.Visibility(r.Visibility),
		},
		Reason: pipeline.Code(r.Reason), Detail: r.Detail, CheckedAt: r.CheckedAt.time(),
		Revision: r.Revision, CreatedAt: r.CreatedAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

func (r *uploadRow) setContent(c pipeline.Content) {
	r.ETag, r.VersionID, r.Size, r.ContentType = c.ETag, c.VersionID, c.Size, c.Type
	r.Width, r.Height, r.Frames, r.Orientation = c.Width, c.Height, c.Frames, c.Orientation
	r.Visibility = string(c.Visibility)
}

type stepRow struct {
	bun.BaseModel `bun:"table:upload_steps,alias:s"`

	UploadID   string `bun:"upload_id,pk"`
	Step       string `bun:"step,pk"`
	Scope      string `bun:"scope,pk"`
	Gen        int    `bun:"gen"`
	StartedGen int    `bun:"started_gen"`
	State      string `bun:"state"`
	Code       string `bun:"code"`
	Detail     string `bun:"detail"`
	Result     string `bun:"result"`
	SweepAfter micros `bun:"sweep_after"`
	ReadyAt    micros `bun:"ready_at"`
	AskedAt    micros `bun:"asked_at"`
	UpdatedAt  micros `bun:"updated_at"`
}

func (r *stepRow) run() pipeline.Run {
	return pipeline.Run{UploadID: r.UploadID, Step: pipeline.Step(r.Step), Scope: r.Scope, Gen: r.Gen}
}

func (r *stepRow) record() pipeline.StepRecord {
	return pipeline.StepRecord{
		UploadID: r.UploadID, Step: pipeline.Step(r.Step), Scope: r.Scope, Gen: r.Gen,
		State: pipeline.StepState(r.State), Code: pipeline.Code(r.Code), Detail: r.Detail,
		Result: rawJSON(r.Result), ReadyAt: r.ReadyAt.time(), UpdatedAt: r.UpdatedAt.time(),
	}
}

type attemptRow struct {
	bun.BaseModel `bun:"table:attempts,alias:a"`

	UploadID  string `bun:"upload_id,pk"`
	Step      string `bun:"step,pk"`
	Scope     string `bun:"scope,pk"`
	Gen       int    `bun:"gen,pk"`
	N         int    `bun:"n,pk"`
	Worker    string `bun:"worker"`
	StartedAt micros `bun:"started_at"`
	EndedAt   micros `bun:"ended_at"`
	Class     string `bun:"class"`
	Error     string `bun:"error"`
	Vanished  bool   `bun:"vanished"`
}

func (r *attemptRow) attempt() pipeline.Attempt {
	return pipeline.Attempt{
		UploadID: r.UploadID, Step: pipeline.Step(r.Step), Scope: r.Scope, Gen: r.Gen, N: r.N,
		Worker: r.Worker, StartedAt: r.StartedAt.time(), EndedAt: r.EndedAt.time(),
		Class: pipeline.Class(r.Class), Error: r.Error,
	}
}

type linkRow struct {
	bun.BaseModel `bun:"table:order_links,alias:k"`

	Seq       int64  `bun:"seq,pk,autoincrement"`
	OrderID   string `bun:"order_id"`
	UploadID  string `bun:"upload_id"`
	Batch     string `bun:"batch"`
	Position  *int   `bun:"position"`
	Attached  bool   `bun:"attached"`
	Written   bool   `bun:"written"`
	CreatedAt micros `bun:"created_at"`
}

type letterRow struct {
	bun.BaseModel `bun:"table:dead_letters,alias:d"`

	ID          int64  `bun:"id,pk,autoincrement"`
	UploadID    string `bun:"upload_id"`
	Step        string `bun:"step"`
	Scope       string `bun:"scope"`
	Gen         int    `bun:"gen"`
	TaskType    string `bun:"task_type"`
	Payload     string `bun:"payload"`
	Class       string `bun:"class"`
	Code        string `bun:"code"`
	Error       string `bun:"error"`
	Fingerprint string `bun:"fingerprint"`
	Attempts    int    `bun:"attempts"`
	DiedAt      micros `bun:"died_at"`
	State       string `bun:"state"`
	Note        string `bun:"note"`
	UpdatedAt   micros `bun:"updated_at"`
}

func rawJSON(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

func toJSON(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}
