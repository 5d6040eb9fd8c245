package chaos

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image/jpeg"
	"path/filepath"
	"slices"
	"strings"

	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/pipeline"
)

// judge counts from outside. It reads sent.jsonl from the disk, as anyone would.
func (b *Bench) judge(ctx context.Context, r *Result) error {
	lines, accepted, err := ReadSent(filepath.Join(b.Dir, "sent.jsonl"))
	if err != nil {
		return err
	}
	seen, err := b.look(ctx)
	if err != nil {
		return err
	}
	j := &judge{bench: b, r: r, seen: seen, last: map[string]Sent{}, accepted: map[string]bool{}}
	for _, s := range lines {
		j.last[s.Key] = s
		j.accepted[s.Key] = j.accepted[s.Key] || accepted[s.N]
	}
	for _, key := range sortedKeys(j.last) {
		if !j.accepted[key] {
			continue
		}
		r.Accepted++
		if err := j.file(ctx, j.last[key]); err != nil {
			return err
		}
	}
	j.orders()
	j.strays()
	r.Counts.Doubled += seen.twice
	r.Counts.Stuck += b.unacked
	ghosts, err := b.ghosts(ctx)
	if err != nil {
		return err
	}
	for _, key := range ghosts {
		j.note(&r.Counts.Ghosts, "ghost: %s", key)
	}
	r.Again, err = b.count(ctx, `SELECT COALESCE(SUM(n - 1), 0) FROM
		(SELECT COUNT(*) AS n FROM attempts GROUP BY upload_id, step, scope, gen) AS runs`)
	return err
}

type judge struct {
	bench    *Bench
	r        *Result
	seen     *outside
	last     map[string]Sent
	accepted map[string]bool
}

// note adds to a count and keeps the first words about it.
func (j *judge) note(count *int, format string, args ...any) {
	*count++
	if len(j.r.Details) < 20 {
		j.r.Details = append(j.r.Details, fmt.Sprintf(format, args...))
	}
}

func fileID(key string) string { return pipeline.Bucket{Name: devworld.Bucket}.FileID(key).String() }

// file judges what became of one file.
func (j *judge) file(ctx context.Context, s Sent) error {
	c := &j.r.Counts
	id := pipeline.UploadID(devworld.Bucket, s.Key)
	u, known := j.seen.uploads[s.Key]
	in := 0
	for _, f := range j.seen.orders[s.Order] {
		if f == fileID(s.Key) {
			in++
		}
	}
	if !known {
		j.note(&c.Lost, "lost: %s was accepted and is in no row", s.Key)
		return nil
	}
	if in > 1 {
		j.note(&c.Doubled, "doubled: %s stands %d times in order %s", s.Key, in, s.Order)
	}
	excused := j.letters(s, id)
	j.told(s, u)
	switch s.Expect {
	case ExpectDone:
		switch {
		case in == 0 && !excused:
			j.note(&c.Lost, "lost: %s is not in order %s, and no letter says why (%s)", s.Key, s.Order, u.State)
		case in > 0 && !excused && u.State != pipeline.UploadDone && u.State != pipeline.InFlight:
			j.note(&c.Half, "half: %s is in its order and is %s", s.Key, u.State)
		}
		if excused {
			return nil
		}
		return j.pictures(ctx, s)
	case ExpectMissing:
		if !excused {
			j.note(&c.Lost, "lost: %s never was uploaded, and no letter says so (%s)", s.Key, u.State)
		}
	case ExpectRejected:
		if u.State != pipeline.UploadRejected {
			j.note(&c.Wrong, "wrong: %s is no photo and is %s", s.Key, u.State)
		}
	case ExpectGone:
		if !excused && u.State != pipeline.UploadGone {
			j.note(&c.Wrong, "wrong: %s was deleted and is %s", s.Key, u.State)
		}
	}
	if in > 0 {
		j.note(&c.Phantom, "phantom: %s is %s and stands in order %s", s.Key, s.Expect, s.Order)
	}
	return nil
}

// letters tells whether an open letter explains the file, and counts those that nothing
// explains.
func (j *judge) letters(s Sent, id string) (excused bool) {
	for _, l := range j.seen.letters[id] {
		if !l.open() && l.State != "discarded" {
			continue
		}
		if s.Expect == ExpectMissing && l.Class == string(pipeline.Missing) || slices.Contains(j.bench.row.Letters, l.Class) {
			excused = true
			continue
		}
		j.note(&j.r.Counts.Letters, "letter: %s %s %s: %s", s.Key, l.Step, l.Class, l.Error)
	}
	return excused
}

// told sees that the last webhook is the outcome.
func (j *judge) told(s Sent, u upload) {
	o, ok := j.seen.told[u.ID]
	if u.State != pipeline.InFlight && (!ok || o.State != u.State) {
		j.note(&j.r.Counts.Untold, "untold: %s is %s, the last webhook said %q", s.Key, u.State, o.State)
	}
}

// pictures fetches the original and every thumbnail.
func (j *judge) pictures(ctx context.Context, s Sent) error {
	c := &j.r.Counts
	body, err := j.bench.gen.phone.Get(ctx, s.Key)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != s.SHA256 {
		j.note(&c.Wrong, "wrong: the original %s is not what was sent", s.Key)
	}
	for _, p := range j.bench.World.Config.Thumbnails.Presets {
		key := j.bench.thumbnailKey(p.Name, s.Key)
		if !slices.Contains(j.seen.bucket, key) {
			j.note(&c.Wrong, "wrong: there is no %s", key)
			continue
		}
		body, err := j.bench.gen.phone.Get(ctx, key)
		if err != nil {
			return err
		}
		if why := wrong(body, p.Width, p.Height, s.Hue); why != "" {
			j.note(&c.Wrong, "wrong: %s %s", key, why)
		}
	}
	return nil
}

// wrong says what is wrong with a thumbnail; "" is nothing.
func wrong(body []byte, width, height, hue int) string {
	img, err := jpeg.Decode(bytes.NewReader(body))
	switch {
	case err != nil:
		return "cannot be decoded: " + err.Error()
	case img.Bounds().Dx() > width || img.Bounds().Dy() > height:
		return fmt.Sprintf("is %v, larger than %d x %d", img.Bounds().Size(), width, height)
	case bytes.Contains(body, []byte("Exif\x00")):
		return "carries EXIF data"
	case hue >= 0 && hueOf(img) != hue:
		return fmt.Sprintf("shows hue %d instead of %d", hueOf(img), hue)
	}
	return ""
}

// orders sees that every array holds what was sent to it, in the chosen order.
func (j *judge) orders() {
	chosen := map[string][]Sent{}
	for _, key := range sortedKeys(j.last) {
		s := j.last[key]
		chosen[s.Order] = append(chosen[s.Order], s)
	}
	for _, id := range sortedKeys(j.seen.orders) {
		files := chosen[id]
		slices.SortStableFunc(files, func(a, b Sent) int { return a.Slot - b.Slot })
		var want []string
		for _, s := range files {
			if f := fileID(s.Key); slices.Contains(j.seen.orders[id], f) {
				want = append(want, f)
			}
		}
		var got []string
		for _, f := range j.seen.orders[id] {
			if !slices.Contains(want, f) {
				j.note(&j.r.Counts.Phantom, "phantom: order %s holds %s", id, f)
			} else if !slices.Contains(got, f) {
				got = append(got, f)
			}
		}
		if !slices.Equal(got, want) {
			j.note(&j.r.Counts.Misplaced, "misplaced: order %s holds %v", id, j.seen.orders[id])
		}
	}
}

// strays are thumbnails of what was not accepted.
func (j *judge) strays() {
	for _, key := range j.seen.bucket {
		rest, ok := strings.CutPrefix(key, "thumbs/")
		if !ok {
			continue
		}
		_, original, _ := strings.Cut(strings.TrimSuffix(rest, ".jpg"), "/")
		if s, ok := j.last[original]; !ok || s.Expect != ExpectDone {
			j.note(&j.r.Counts.Stray, "stray: %s", key)
		}
	}
}

// ghosts are the keys of tasks in Redis that no list holds.
func (b *Bench) ghosts(ctx context.Context) (keys []string, err error) {
	rdb := b.Redis.Client
	for _, q := range queues {
		prefix := "asynq:{" + q + "}:"
		held := map[string]bool{}
		for _, list := range []string{"pending", "active"} {
			ids, err := rdb.LRange(ctx, prefix+list, 0, -1).Result()
			if err != nil {
				return nil, err
			}
			for _, id := range ids {
				held[id] = true
			}
		}
		for _, set := range []string{"scheduled", "retry", "archived", "completed"} {
			ids, err := rdb.ZRange(ctx, prefix+set, 0, -1).Result()
			if err != nil {
				return nil, err
			}
			for _, id := range ids {
				held[id] = true
			}
		}
		it := rdb.Scan(ctx, 0, prefix+"t:*", 1000).Iterator()
		for it.Next(ctx) {
			if !held[strings.TrimPrefix(it.Val(), prefix+"t:")] {
				keys = append(keys, it.Val())
			}
		}
		if err := it.Err(); err != nil {
			return nil, err
		}
	}
	return keys, nil
}
