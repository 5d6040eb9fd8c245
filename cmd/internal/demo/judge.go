package demo

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"slices"
	"sort"

	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// judge counts from outside: what was sent against the ledger's rows, the shop's orders
// and the bucket's objects. It writes nothing.
type judge struct {
	app  *wire.App
	shop *sql.DB
	rep  *Report
	// unrefused are announcements that the door should have refused; the door's own
	// answers count only while the demo runs.
	door map[string]pipeline.Code
}

// problem notes what does not add up.
func (j *judge) problem(format string, args ...any) {
	j.rep.Problems = append(j.rep.Problems, fmt.Sprintf(format, args...))
}

// check fills the report from what was sent.
func (j *judge) check(ctx context.Context, sent []Sent) error {
	db, err := sqldb.Open(ctx, j.app.Config.Orders.URL.Reveal())
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	j.shop = db.SQL()
	chosen := map[string][]string{}
	for _, s := range sent {
		j.rep.Announced++
		if s.Door {
			j.refusedAtDoor(s)
			continue
		}
		state, err := j.upload(ctx, s)
		if err != nil {
			return err
		}
		j.count(state)
	}
	slices.SortStableFunc(sent, func(a, b Sent) int { return a.Position - b.Position })
	for _, s := range sent {
		if s.Order == "" {
			continue
		}
		if _, ok := chosen[s.Order]; !ok {
			chosen[s.Order] = []string{}
		}
		if s.Want == "" {
			chosen[s.Order] = append(chosen[s.Order], fileID(s.Key))
		}
	}
	return j.orders(ctx, chosen)
}

func fileID(key string) string {
	return pipeline.Bucket{Name: devworld.Bucket}.FileID(key).String()
}

func (j *judge) count(state pipeline.State) {
	switch state {
	case pipeline.UploadDone:
		j.rep.Done++
	case pipeline.UploadRejected, pipeline.UploadGone:
		j.rep.Rejected++
	case pipeline.UploadDead:
		j.rep.Dead++
	case pipeline.UploadDiscarded:
		j.rep.Discarded++
	case pipeline.InFlight:
		j.rep.InFlight++
	}
}

// refusedAtDoor holds a refusal against the answer that the door gave, or after the demo
// against the ledger, which must not know it.
func (j *judge) refusedAtDoor(s Sent) {
	j.rep.Rejected++
	if got, ok := j.door[s.Key]; ok && got != s.Want {
		j.problem("door: %q was refused with %s, want %s", s.Key, got, s.Want)
	}
}

// upload compares one file that was sent with its row and its thumbnails.
func (j *judge) upload(ctx context.Context, s Sent) (pipeline.State, error) {
	u, err := j.app.Ledger.Upload(ctx, pipeline.UploadID(devworld.Bucket, s.Key))
	if errors.Is(err, ledger.ErrNotFound) {
		j.problem("lost: %s was sent and is not in the ledger", s.Key)
		return "", nil
	}
	if err != nil {
		return "", err
	}
	steps, err := j.app.Ledger.Steps(ctx, u.ID)
	if err != nil {
		return "", err
	}
	state := pipeline.DeriveState(u.Reason, steps)
	j.rep.Duplicates += u.Announcements - 1
	code := u.Reason
	for _, st := range steps {
		if code == "" {
			code = st.Code
		}
	}
	switch {
	case s.Want == "" && state != pipeline.UploadDone:
		j.problem("%s is %s (%s), want done", s.Key, state, code)
	case s.Want != "" && (state != pipeline.UploadRejected || code != s.Want):
		j.problem("%s is %s with %q, want rejected with %s", s.Key, state, code, s.Want)
	}
	if state == pipeline.UploadRejected {
		j.rep.Rejections = append(j.rep.Rejections, Rejection{Key: s.Key, Code: code})
	}
	if u.Content.ETag != s.ETag && u.Reason == "" {
		j.problem("%s was sent with ETag %s and was checked with %s", s.Key, s.ETag, u.Content.ETag)
	}
	return state, j.thumbnails(ctx, s, u, state)
}

// thumbnails fetches and decodes every thumbnail of a file that is done, and sees that
// one that never was accepted has none.
func (j *judge) thumbnails(ctx context.Context, s Sent, u pipeline.Upload, state pipeline.State) error {
	image := len(u.Content.Type) > 6 && u.Content.Type[:6] == "image/"
	for _, p := range j.app.Config.Thumbnails.Presets {
		key := j.app.ThumbnailKey(devworld.Bucket, p.Name, s.Key)
		body, err := j.fetch(ctx, key)
		missing := pipeline.ClassOf(err) == pipeline.Missing
		switch {
		case err != nil && !missing:
			return err
		case u.Reason != "" && !missing:
			j.problem("%s is rejected and has the thumbnail %s", s.Key, key)
		case state != pipeline.UploadDone || !image || u.Reason != "":
		case missing:
			j.problem("thumbnail missing: %s", key)
		default:
			j.thumbnail(key, body, p.Width, p.Height)
		}
	}
	return nil
}

func (j *judge) thumbnail(key string, body []byte, w, h int) {
	img, err := jpeg.Decode(bytes.NewReader(body))
	switch {
	case err != nil:
		j.problem("thumbnail %s cannot be decoded: %v", key, err)
	case img.Bounds().Dx() > w || img.Bounds().Dy() > h:
		j.problem("thumbnail %s is %v, over %d x %d", key, img.Bounds().Size(), w, h)
	case bytes.Contains(body, []byte("Exif\x00")):
		j.problem("thumbnail %s carries EXIF data", key)
	default:
		j.rep.Thumbnails++
	}
}

func (j *judge) fetch(ctx context.Context, key string) ([]byte, error) {
	_, body, err := j.app.Objects.Get(ctx, devworld.Bucket, key, pipeline.ReadOptions{})
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	return io.ReadAll(body)
}

// orders compares every order's array with the chosen one, by the shop's own table.
func (j *judge) orders(ctx context.Context, chosen map[string][]string) error {
	rows, err := j.shop.QueryContext(ctx, "SELECT id, images FROM orders ORDER BY id")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	got := map[string][]string{}
	for rows.Next() {
		var id, images string
		if err := rows.Scan(&id, &images); err != nil {
			return err
		}
		list := []string{}
		if err := json.Unmarshal([]byte(images), &list); err != nil {
			j.problem("order %s holds no array: %v", id, err)
		}
		got[id] = list
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for id := range got {
		if _, ok := chosen[id]; !ok {
			j.problem("order %s was never named and holds %d entries", id, len(got[id]))
		}
	}
	ids := make([]string, 0, len(chosen))
	for id := range chosen {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		images, ok := got[id]
		if !ok {
			images = []string{}
			j.problem("order %s is not in the shop", id)
		}
		j.rep.Orders = append(j.rep.Orders, OrderReport{ID: id, Chosen: chosen[id], Images: images})
		if !slices.Equal(images, chosen[id]) {
			j.problem("order %s: %s", id, difference(chosen[id], images))
		}
	}
	return nil
}

func difference(want, got []string) string {
	for _, f := range want {
		if !slices.Contains(got, f) {
			return "entry missing: " + f
		}
	}
	for _, f := range got {
		if !slices.Contains(want, f) {
			return "entry that nobody chose: " + f
		}
	}
	if len(got) != len(want) {
		return "an entry stands twice"
	}
	return "the entries are not in the chosen order"
}

// urls sees that every public file has a cached URL that anybody can fetch, and no
// other file has one.
func (j *judge) urls(ctx context.Context, sent []Sent) error {
	for _, s := range sent {
		if s.Door {
			continue
		}
		id := fileID(s.Key)
		found, err := j.app.Cache.Get(ctx, id)
		if err != nil {
			return err
		}
		u, ok := found[id]
		should := s.Public && s.Want == ""
		switch {
		case ok != should:
			j.problem("%s: cached URL %t, want %t", s.Key, ok, should)
		case ok:
			j.rep.CachedURLs = append(j.rep.CachedURLs, u.URL)
		}
	}
	return nil
}

// webhooks sees that every upload was told of, and its last outcome is what it is.
func (j *judge) webhooks(ctx context.Context, sent []Sent, received []devworld.Delivery) error {
	last := map[string]pipeline.Outcome{}
	for _, d := range received {
		if d.Outcome.Revision > last[d.Outcome.UploadID].Revision {
			last[d.Outcome.UploadID] = d.Outcome
		}
	}
	j.rep.Webhooks = len(received)
	for _, s := range sent {
		if s.Door {
			continue
		}
		id := pipeline.UploadID(devworld.Bucket, s.Key)
		o, err := j.app.Ledger.Outcome(ctx, id)
		if errors.Is(err, ledger.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if last[id].State != o.State || last[id].Revision != o.Revision {
			j.problem("%s: the last webhook said %q revision %d, the outcome is %s revision %d",
				s.Key, last[id].State, last[id].Revision, o.State, o.Revision)
		}
	}
	return nil
}
