package replay_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/replay"
)

// stand is a ledger and a bucket with one upload.
type stand struct {
	upload  pipeline.Upload
	steps   []pipeline.StepRecord
	links   []pipeline.Link
	head    error
	etag    string
	deleted []string
}

func (s *stand) Upload(context.Context, string) (pipeline.Upload, error) { return s.upload, nil }

func (s *stand) Steps(context.Context, string) ([]pipeline.StepRecord, error) { return s.steps, nil }

func (s *stand) Links(context.Context, string) ([]pipeline.Link, error) { return s.links, nil }

func (s *stand) Head(context.Context, string, string) (pipeline.ObjectInfo, error) {
	return pipeline.ObjectInfo{ETag: s.etag}, s.head
}

func (s *stand) Delete(_ context.Context, bucket, key string) error {
	s.deleted = append(s.deleted, bucket+"/"+key)
	return nil
}

func TestOriginals(t *testing.T) {
	t.Parallel()
	step := func(name pipeline.Step, state pipeline.StepState) pipeline.StepRecord {
		return pipeline.StepRecord{Step: name, State: state}
	}
	for name, c := range map[string]struct {
		change func(*stand)
		letter pipeline.Letter
		kept   string
		delete bool
	}{
		"nobody wants it":      {delete: true},
		"never checked":        {change: func(s *stand) { s.upload.Content.ETag = "" }, delete: true},
		"the outcome is told":  {change: func(s *stand) { s.steps = append(s.steps, step(pipeline.StepNotify, pipeline.Pending)) }, delete: true},
		"linked, not attached": {change: func(s *stand) { s.links = []pipeline.Link{{Order: "A1"}} }, delete: true},
		"gone already":         {change: func(s *stand) { s.head = pipeline.Errorf(pipeline.Missing, "head", "k", "404") }},
		"no upload":            {letter: pipeline.Letter{ID: 2}, kept: "the letter names none"},
		"attached":             {change: func(s *stand) { s.links = []pipeline.Link{{Order: "A1", Attached: true}} }, kept: `order "A1" holds it`},
		"another step pending": {change: func(s *stand) { s.steps = append(s.steps, step(pipeline.StepAttach, pipeline.Pending)) }, kept: "its step attach is pending"},
		"another step dead":    {change: func(s *stand) { s.steps = append(s.steps, step(pipeline.StepWarm, pipeline.Dead)) }, kept: "its step warm is dead"},
		"newer content":        {change: func(s *stand) { s.etag = "e2" }, kept: "newer content"},
		"the bucket refuses":   {change: func(s *stand) { s.head = errors.New("403") }, kept: "403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &stand{etag: "e1", steps: []pipeline.StepRecord{step(pipeline.StepThumbnail, pipeline.Discarded)}}
			s.upload.ID, s.upload.Bucket, s.upload.Key, s.upload.Content.ETag = "u1", "b-1", "k", "e1"
			if c.change != nil {
				c.change(s)
			}
			if c.letter.ID == 0 {
				c.letter = pipeline.Letter{ID: 1, UploadID: "u1"}
			}
			err := (&replay.Originals{Ledger: s, Objects: s}).Delete(t.Context(), c.letter)
			if c.kept != "" {
				_, ok := errors.AsType[*replay.KeptError](err)
				require.True(t, ok, "%v", err)
				require.ErrorContains(t, err, c.kept)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, c.delete, len(s.deleted) == 1)
		})
	}
}

// TestRunDeletes: only a discard deletes, and only what it discarded itself.
func TestRunDeletes(t *testing.T) {
	t.Parallel()
	l := many(t, 4)
	var deleted []int64
	opt := replay.Options{Who: "ops", Limit: 1, Delete: func(_ context.Context, x pipeline.Letter) error {
		if deleted = append(deleted, x.ID); x.ID == 3 {
			return &replay.KeptError{Why: "wanted"}
		}
		return nil
	}}
	_, err := replay.Run(t.Context(), l, queue(taken), opt)
	require.NoError(t, err)
	require.Empty(t, deleted, "a replay deletes nothing")

	opt.Action, opt.Limit = replay.Discard, 0
	opt.Each = func(x pipeline.Letter, err error) error {
		if x.ID == 3 {
			require.ErrorContains(t, err, "wanted")
		}
		if x.ID == 2 { // somebody replays the last one meanwhile
			_, err := l.Replay(t.Context(), 4, "other", "")
			require.NoError(t, err)
		}
		return nil
	}
	sum, err := replay.Run(t.Context(), l, queue(taken), opt)
	require.NoError(t, err)
	require.Equal(t, []int64{2, 3}, deleted)
	require.Equal(t, replay.Summary{Matched: 3, Replayed: 2, Skipped: 1, Deleted: 1, Kept: 1, AuditID: sum.AuditID}, sum)
	left, err := l.CountLetters(t.Context(), ledger.LetterFilter{State: pipeline.LetterOpen})
	require.NoError(t, err)
	require.Zero(t, left.Count)
}
