package retention_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/retention"
)

// outside is a bucket, a cache and an order in memory.
type outside struct {
	objects, urls map[string]bool
	images        []string
	fail          error
}

func (o *outside) ReadOrder(_ context.Context, id string) (pipeline.Order, error) {
	return pipeline.Order{ID: id, Images: o.images}, nil
}

func (o *outside) WriteImages(_ context.Context, _ pipeline.Order, images []string) error {
	o.images = images
	return nil
}

type bucket struct{ *outside }

func (b bucket) Delete(_ context.Context, _, key string) error {
	delete(b.objects, key)
	return b.fail
}

type cache struct{ *outside }

func (c cache) Delete(_ context.Context, fileIDs ...string) error {
	for _, id := range fileIDs {
		delete(c.urls, id)
	}
	return nil
}

// owned has two files of o1 in order A1, one of o2, and one of o1 in flight.
func owned(t *testing.T) (*ledger.Ledger, *outside) {
	t.Helper()
	l, clock := open(t)
	out := &outside{objects: map[string]bool{}, urls: map[string]bool{}, images: []string{"cos://other-1/a.jpg"}}
	for i, owner := range []string{"o1", "o1", "o2", "o1"} {
		key := fmt.Sprintf("users/%s/%d.jpg", owner, i)
		fileID := "cos://b-1/" + key
		res, err := l.Announce(t.Context(), "", []pipeline.Announcement{{Bucket: "b-1", Key: key, FileID: fileID, Owner: owner, Order: "A1", Position: &i}})
		require.NoError(t, err)
		if i == 3 {
			continue
		}
		out.objects[key], out.objects["thumbs/small/"+key+".jpg"], out.urls[fileID] = true, true, true
		c := pipeline.Content{ETag: "e1", Visibility: pipeline.Private, Facts: pipeline.Facts{Type: "image/jpeg"}}
		wishes := res.Wishes
		for len(wishes) > 0 {
			a, err := l.Begin(t.Context(), wishes[0].Run, "w1", time.Minute)
			require.NoError(t, err)
			end := pipeline.StepResult{State: pipeline.Done}
			switch a.Step { //nolint:exhaustive // the others need nothing
			case pipeline.StepCheck:
				end.Content = &c
			case pipeline.StepAttach:
				end, err = pipeline.Attach(t.Context(), &ledger.OrderBook{Ledger: l}, out, pipeline.AttachOptions{}, clock.Now(), "A1", a.Holder(), a.Upload)
				require.NoError(t, err)
			}
			made, err := l.Finish(t.Context(), a, end)
			require.NoError(t, err)
			wishes = append(wishes[1:], made...)
		}
	}
	return l, out
}

func TestErase(t *testing.T) {
	t.Parallel()
	l, out := owned(t)
	e := &retention.Eraser{
		Ledger: l, Objects: bucket{out}, URLs: cache{out},
		Thumbnails: func(string) pipeline.ThumbnailOptions {
			return pipeline.ThumbnailOptions{Presets: []pipeline.Preset{{Name: "small"}}}
		},
	}
	_, err := e.Erase(t.Context(), "", "tester", "nobody")
	require.Error(t, err)

	unused := ledger.Signed{Bucket: "b-1", Key: "users/o1/unused.jpg", Owner: "o1", ExpiresAt: time.Now()}
	require.NoError(t, l.Sign(t.Context(), unused))

	// It is cut off in the middle: the rows stay until what lies outside is gone.
	out.fail = errors.New("away")
	_, err = e.Erase(t.Context(), "o1", "tester", "asked for it")
	require.ErrorIs(t, err, out.fail)
	out.fail = nil
	counts, err := l.Owned(t.Context(), "o1")
	require.NoError(t, err)
	require.Equal(t, 3, counts.Uploads)

	done, err := e.Erase(t.Context(), "o1", "tester", "asked for it")
	require.NoError(t, err)
	require.Equal(t, retention.Erased{Uploads: 2, InFlight: 1}, done)
	require.ElementsMatch(t, []string{"users/o1/0.jpg", "users/o1/1.jpg", "users/o2/2.jpg", "thumbs/small/users/o2/2.jpg.jpg"}, slices.Collect(maps.Keys(out.objects)))
	signed, err := l.Signed(t.Context(), pipeline.UploadID("b-1", unused.Key))
	require.NoError(t, err)
	require.Empty(t, signed)
	require.Equal(t, map[string]bool{"cos://b-1/users/o2/2.jpg": true}, out.urls)
	require.Len(t, out.images, 4, "entries stay unless they are asked for")
	st, err := l.LockOrder(t.Context(), "A1", "test")
	require.NoError(t, err)
	require.Equal(t, []string{"cos://other-1/a.jpg", "cos://b-1/users/o2/2.jpg"}, st.Last)
	op, err := l.Operation(t.Context(), 2)
	require.NoError(t, err)
	require.Equal(t, "owner sha256:"+retention.OwnerMark("o1"), op.Filter, "the trail does not keep the name")
	require.JSONEq(t, `{"uploads":2,"entries":0,"inFlight":1}`, op.Counts)
	again, err := e.Erase(t.Context(), "o1", "tester", "again")
	require.NoError(t, err)
	require.Equal(t, retention.Erased{InFlight: 1}, again)
}

func TestEraseEverything(t *testing.T) {
	t.Parallel()
	l, out := owned(t)
	e := &retention.Eraser{Ledger: l, Objects: bucket{out}, URLs: cache{out}, Orders: out, Originals: true}
	done, err := e.Erase(t.Context(), "o1", "tester", "asked for it")
	require.NoError(t, err)
	require.Equal(t, retention.Erased{Uploads: 2, Entries: 2, InFlight: 1}, done)
	require.Equal(t, []string{"cos://other-1/a.jpg", "cos://b-1/users/o2/2.jpg"}, out.images)
	require.NotContains(t, out.objects, "users/o1/0.jpg")
	require.Contains(t, out.objects, "users/o2/2.jpg")
}
