package reconcile_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/reconcile"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// headers are what uploaders set, by key.
type headers map[string]map[string]string

var errAway = errors.New("the bucket is away")

func (h headers) Metadata(_ context.Context, _, key string) (map[string]string, error) {
	meta, ok := h[key]
	switch {
	case !ok:
		return nil, pipeline.Errorf(pipeline.Missing, "test", key, "404")
	case meta == nil:
		return nil, errAway
	}
	return meta, nil
}

func (w *world) withHeaders(h headers) {
	w.t.Helper()
	var err error
	w.Reconciler, err = reconcile.New(reconcile.Options{
		Objects: lister{w.store}, Ledger: w.ledger, Door: w.door, Thumbnails: w.rules, Now: w.clock.Now,
		Queue: tasks.NewEnqueuer(redistest.Client(w.t, redistest.Mini(w.t)), nil, nil), Metadata: h,
	})
	require.NoError(w.t, err)
}

// What was never announced finds its order by the headers of its upload, as its event
// would have done; headers that cannot be used are none.
func TestMissingFindsItsOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("users/o1/1.jpg", "users/o1/2.jpg", "users/o1/3.jpg", "users/o1/4.jpg")
	w.clock.Add(time.Hour)
	w.withHeaders(headers{
		"users/o1/1.jpg": {"x-cos-meta-order-id": "A1", "x-cos-meta-position": "7", "x-cos-meta-batch": "b"},
		"users/o1/2.jpg": {},
		"users/o1/3.jpg": {"x-cos-meta-order-id": "A1", "x-cos-meta-position": "last"},
		// 4.jpg is deleted between the listing and the question
	})
	dry, _ := w.found(reconcile.Plan{}, reconcile.Controls{})
	require.Len(t, dry, 4)
	healed, report := w.found(reconcile.Plan{Apply: true}, reconcile.Controls{})
	require.Len(t, healed, 3)
	require.EqualValues(t, 3, report.Healed)
	require.Equal(t, "A1", healed[0].Order)

	links, err := w.ledger.Links(t.Context(), pipeline.UploadID(bucket, "users/o1/1.jpg"))
	require.NoError(t, err)
	require.Len(t, links, 1)
	require.Equal(t, "A1", links[0].Order)
	require.Equal(t, "b", links[0].Batch)
	require.Equal(t, 7, *links[0].Position)
	links, err = w.ledger.Links(t.Context(), pipeline.UploadID(bucket, "users/o1/2.jpg"))
	require.NoError(t, err)
	require.Empty(t, links)
	links, err = w.ledger.Links(t.Context(), pipeline.UploadID(bucket, "users/o1/3.jpg"))
	require.NoError(t, err)
	require.Len(t, links, 1)
	require.Nil(t, links[0].Position)
}

// Headers weigh less than what the signer wrote down for the key, and more than nothing.
func TestSignerBeforeHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const both, placed = "users/o1/1.jpg", "users/o1/2.jpg"
	w.put(both, placed)
	require.NoError(t, w.ledger.Sign(t.Context(), ledger.Signed{
		Bucket: bucket, Key: both, Owner: "o1", Order: "SIGN", Position: new(2), ExpiresAt: w.clock.Now().Add(time.Hour),
	}))
	require.NoError(t, w.ledger.Sign(t.Context(), ledger.Signed{Bucket: bucket, Key: placed, Owner: "o1", ExpiresAt: w.clock.Now().Add(time.Hour)}))
	w.clock.Add(time.Hour)
	meta := map[string]string{"x-cos-meta-order-id": "META", "x-cos-meta-position": "7"}
	w.withHeaders(headers{both: meta, placed: meta})
	healed, _ := w.found(reconcile.Plan{Apply: true}, reconcile.Controls{})
	require.Len(t, healed, 2)
	for i, want := range []struct {
		key, order string
		position   int
	}{{both, "SIGN", 2}, {placed, "META", 7}} {
		require.Equal(t, want.order, healed[i].Order)
		links, err := w.ledger.Links(t.Context(), pipeline.UploadID(bucket, want.key))
		require.NoError(t, err)
		require.Len(t, links, 1)
		require.Equal(t, want.order, links[0].Order)
		require.Equal(t, want.position, *links[0].Position)
	}
}

// A bucket that does not tell the headers ends the run: announced without its order the
// object would not be missing any more.
func TestMissingWaitsForItsHeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put("users/o1/1.jpg")
	w.clock.Add(time.Hour)
	w.withHeaders(headers{"users/o1/1.jpg": nil})
	_, err := w.Run(t.Context(), reconcile.Plan{Bucket: bucket, Apply: true}, reconcile.Controls{})
	require.ErrorIs(t, err, errAway)
	_, err = w.ledger.Upload(t.Context(), pipeline.UploadID(bucket, "users/o1/1.jpg"))
	require.Error(t, err)
}
