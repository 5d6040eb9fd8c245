package reconcile_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/reconcile"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const bucket = "photos-1250000000"

// world is a local COS, a ledger on SQLite and an embedded Redis on one clock.
type world struct {
	t      *testing.T
	clock  *ledgertest.Clock
	cos    *coslocal.Server
	store  *objects.Store
	ledger *ledger.Ledger
	door   *producer.Producer
	thumbs pipeline.ThumbnailOptions
	*reconcile.Reconciler
}

func (w *world) rules(string) pipeline.ThumbnailOptions { return w.thumbs }

// lister is what wire makes of a store.
type lister struct{ *objects.Store }

func (l lister) List(ctx context.Context, bucket, prefix, marker string, limit int) ([]reconcile.Object, string, error) {
	page, err := l.Store.List(ctx, bucket, prefix, marker, min(limit, 7)) // many pages
	if err != nil {
		return nil, "", err
	}
	out := make([]reconcile.Object, 0, len(page.Objects))
	for _, o := range page.Objects {
		out = append(out, reconcile.Object(o))
	}
	return out, page.Next, nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: ledgertest.NewClock()}
	w.thumbs = pipeline.ThumbnailOptions{Presets: []pipeline.Preset{{Name: "small"}, {Name: "large", Format: pipeline.PNG}}}
	var err error
	w.cos, err = coslocal.New(coslocal.Options{
		Dir: t.TempDir(), Bucket: bucket, Keys: map[string]string{"AKIDtest": "s3cr3t"}, Now: w.clock.Now,
	})
	require.NoError(t, err)
	web := httptest.NewServer(w.cos)
	w.store, err = objects.New(objects.Options{Now: w.clock.Now, Buckets: []objects.BucketOptions{{
		Name: bucket, Region: "ap-guangzhou", Endpoint: web.URL, SecretID: "AKIDtest", SecretKey: "s3cr3t",
	}}})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, w.store.Close())
		require.NoError(t, w.cos.Close())
		web.Close()
	})
	db, err := sqldb.Create(t.Context(), ledgertest.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	w.ledger, err = ledger.New(ledger.Options{DB: db, Now: w.clock.Now, Skips: func(string) string { return "" }})
	require.NoError(t, err)
	queue := tasks.NewEnqueuer(redistest.Client(t, redistest.Mini(t)), nil, nil)
	w.door, err = producer.New(producer.Options{
		Ledger: w.ledger, Queue: queue, Objects: w.store, Buckets: pipeline.Buckets{{Name: bucket}},
		Rules: producer.Rules{OwnerRequired: true, Orders: true, Derivative: w.thumbs.Derivative}, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	w.Reconciler, err = reconcile.New(reconcile.Options{
		Objects: lister{w.store}, Ledger: w.ledger, Door: w.door, Queue: queue, Metadata: w.store, Thumbnails: w.rules, Now: w.clock.Now,
	})
	require.NoError(t, err)
	return w
}

func (w *world) put(keys ...string) {
	w.t.Helper()
	for _, key := range keys {
		_, err := w.store.Put(w.t.Context(), bucket, key, []byte("bytes of "+key+w.clock.Now().String()), pipeline.PutOptions{})
		require.NoError(w.t, err)
	}
}

func (w *world) remove(keys ...string) {
	w.t.Helper()
	for _, key := range keys {
		require.NoError(w.t, w.store.Delete(w.t.Context(), bucket, key))
	}
}

func (w *world) announce(order string, keys ...string) {
	w.t.Helper()
	for _, key := range keys {
		_, err := w.door.Accept(w.t.Context(), "", []pipeline.Announcement{{Bucket: bucket, Key: key, Order: order, Source: "test"}})
		require.NoError(w.t, err)
	}
}

// work does what workers do, until nothing is pending.
func (w *world) work() {
	w.t.Helper()
	for {
		due, err := w.ledger.Due(w.t.Context(), true, ledger.Cursor{}, 1000)
		require.NoError(w.t, err)
		if len(due.Wishes) == 0 {
			return
		}
		for _, wish := range due.Wishes {
			a, err := w.ledger.Begin(w.t.Context(), wish.Run, "w1", time.Minute)
			require.NoError(w.t, err)
			_, err = w.ledger.Finish(w.t.Context(), a, w.step(a))
			require.NoError(w.t, err)
		}
	}
}

func (w *world) step(a *ledger.OpenAttempt) pipeline.StepResult {
	ctx := w.t.Context()
	res := pipeline.StepResult{State: pipeline.Done}
	switch a.Step {
	case pipeline.StepCheck:
		info, err := w.store.Head(ctx, bucket, a.Upload.Key)
		content := a.Upload.Content
		if err != nil {
			res.Code = pipeline.CodeObjectGone
		} else {
			content = pipeline.Content{ETag: info.ETag, Size: info.Size, Visibility: pipeline.Private, Facts: pipeline.Facts{Type: "image/jpeg"}}
			if strings.HasSuffix(a.Upload.Key, ".mp4") {
				content.Type = "video/mp4"
			}
		}
		res.Content = &content
	case pipeline.StepThumbnail:
		if strings.Contains(a.Upload.Key, "without-frames") {
			return pipeline.StepResult{State: pipeline.Skipped, Detail: "the video has no frame"}
		}
		for _, p := range w.thumbs.Presets {
			w.put(w.thumbs.Key(p.Name, a.Upload.Key))
		}
	case pipeline.StepAttach:
		st, err := w.ledger.LockOrder(ctx, a.Scope, "h")
		require.NoError(w.t, err)
		for i := range st.Links {
			st.Links[i].Attached = st.Links[i].UploadID == a.UploadID || st.Links[i].Attached
		}
		_, err = w.ledger.CommitOrder(ctx, a.Scope, "h", pipeline.OrderCommit{Links: st.Links})
		require.NoError(w.t, err)
		require.NoError(w.t, w.ledger.UnlockOrder(ctx, a.Scope, "h"))
	case pipeline.StepWarm, pipeline.StepNotify:
	}
	return res
}

// found runs a plan and gives what it found, in its order.
func (w *world) found(p reconcile.Plan, c reconcile.Controls) ([]reconcile.Finding, reconcile.Report) {
	w.t.Helper()
	var all []reconcile.Finding
	c.Found = func(f reconcile.Finding) error { all = append(all, f); return nil }
	p.Bucket = bucket
	report, err := w.Run(w.t.Context(), p, c)
	require.NoError(w.t, err)
	require.EqualValues(w.t, len(all), report.Findings())
	return all, report
}
