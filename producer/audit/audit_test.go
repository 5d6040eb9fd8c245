package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/producer/audit"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const bucket = "photos-1250000000"

// shop is an order store in memory.
type shop map[string][]string

func (s shop) ReadOrder(_ context.Context, id string) (pipeline.Order, error) {
	images, ok := s[id]
	if !ok {
		return pipeline.Order{}, pipeline.Errorf(pipeline.Waiting, "orders.read", id, "no such order")
	}
	if slices.Contains(images, "broken") {
		return pipeline.Order{}, pipeline.Errorf(pipeline.Invalid, "orders.read", id, "not an array")
	}
	return pipeline.Order{ID: id, Images: slices.Clone(images)}, nil
}

func (s shop) WriteImages(_ context.Context, was pipeline.Order, images []string) error {
	s[was.ID] = images
	return nil
}

// objects is a bucket that only has names.
type objects map[string]bool

func (o objects) Head(_ context.Context, _, key string) (pipeline.ObjectInfo, error) {
	if !o[key] {
		return pipeline.ObjectInfo{}, pipeline.Errorf(pipeline.Missing, "objects.head", key, "404")
	}
	return pipeline.ObjectInfo{}, nil
}

// world is a ledger with everything around it.
type world struct {
	*ledger.Ledger
	t       *testing.T
	db      *sqldb.DB
	clock   *ledgertest.Clock
	rdb     *redis.Client
	queue   *tasks.Enqueuer
	shop    shop
	objects objects
}

func key(i int) string    { return fmt.Sprintf("users/o1/%d.jpg", i) }
func fileID(i int) string { return "cos://" + bucket + "/" + key(i) }
func thumb(i int) string  { return "thumbs/small/" + key(i) + ".jpg" }
func id(i int) string     { return pipeline.UploadID(bucket, key(i)) }

// healthy has three files in order A1, one that was refused, one whose check is dead and
// one that waits with its task in the queue.
func healthy(t *testing.T) *world {
	t.Helper()
	db, err := sqldb.Create(t.Context(), ledgertest.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	w := &world{t: t, db: db, clock: ledgertest.NewClock(), shop: shop{"A1": {"cos://other-1/a.jpg"}}, objects: objects{}}
	w.Ledger, err = ledger.New(ledger.Options{DB: db, Now: w.clock.Now})
	require.NoError(t, err)
	w.rdb = redistest.Client(t, redistest.Mini(t))
	w.queue = tasks.NewEnqueuer(w.rdb, nil, w.clock.Now)
	for i := range 6 {
		w.announce(i)
	}
	for i := range 3 {
		w.accept(i)
	}
	w.check(3, pipeline.CodeTooLarge)
	w.finishAll(3)
	w.die(4)
	w.clock.Add(2 * time.Minute)
	return w
}

func (w *world) announce(i int) {
	position := i
	res, err := w.Announce(w.t.Context(), "", []pipeline.Announcement{{
		Bucket: bucket, Key: key(i), FileID: fileID(i), Owner: "o1", Order: "A1", Position: &position,
	}})
	require.NoError(w.t, err)
	require.NoError(w.t, w.queue.EnqueueAll(w.t.Context(), res.Wishes))
}

func (w *world) begin(i int, step pipeline.Step, scope string) *ledger.OpenAttempt {
	steps, err := w.Steps(w.t.Context(), id(i))
	require.NoError(w.t, err)
	for _, s := range steps {
		if s.Step == step && s.Scope == scope {
			a, err := w.Begin(w.t.Context(), pipeline.Run{UploadID: id(i), Step: step, Scope: scope, Gen: s.Gen}, "w1", time.Minute)
			require.NoError(w.t, err)
			return a
		}
	}
	require.FailNow(w.t, "no such step", "%s of %d", step, i)
	return nil
}

func (w *world) finish(a *ledger.OpenAttempt, res pipeline.StepResult) {
	_, err := w.Finish(w.t.Context(), a, res)
	require.NoError(w.t, err)
}

func (w *world) check(i int, code pipeline.Code) {
	c := pipeline.Content{ETag: "e1", Size: 9, Visibility: pipeline.Private, Facts: pipeline.Facts{Type: "image/jpeg"}}
	w.finish(w.begin(i, pipeline.StepCheck, ""), pipeline.StepResult{State: pipeline.Done, Code: code, Content: &c})
}

// accept ends every step of an upload as the worker would.
func (w *world) accept(i int) {
	w.check(i, "")
	w.objects[thumb(i)] = true
	w.finish(w.begin(i, pipeline.StepThumbnail, ""), pipeline.StepResult{State: pipeline.Done, Result: pipeline.ThumbnailResult{
		Thumbnails: []pipeline.OutcomeThumbnail{{Preset: "small", Key: thumb(i)}},
	}})
	w.attach(i)
	w.finishAll(i)
}

func (w *world) attach(i int) {
	a := w.begin(i, pipeline.StepAttach, "A1")
	res, err := pipeline.Attach(w.t.Context(), &ledger.OrderBook{Ledger: w.Ledger}, w.shop, pipeline.AttachOptions{}, w.clock.Now(), "A1", a.Holder(), a.Upload)
	require.NoError(w.t, err)
	w.finish(a, res)
}

// finishAll ends whatever is pending, notify last.
func (w *world) finishAll(i int) {
	for range 2 {
		steps, err := w.Steps(w.t.Context(), id(i))
		require.NoError(w.t, err)
		for _, s := range steps {
			if s.State == pipeline.Pending {
				w.finish(w.begin(i, s.Step, s.Scope), pipeline.StepResult{State: pipeline.Done})
			}
		}
	}
}

func (w *world) die(i int) {
	_, _, err := w.Bury(w.t.Context(), w.begin(i, pipeline.StepCheck, ""), ledger.Death{Class: pipeline.Denied, Cause: errors.New("403")})
	require.NoError(w.t, err)
	w.finishAll(i)
}

// sql tampers with the ledger.
func (w *world) sql(query string, args ...any) {
	w.t.Helper()
	_, err := w.db.SQL().ExecContext(w.t.Context(), query, args...)
	require.NoError(w.t, err)
}

func (w *world) audit(change ...func(*audit.Options)) (audit.Report, []audit.Finding) {
	w.t.Helper()
	opt := audit.Options{
		Ledger: w.Ledger, Orders: w.shop, Objects: w.objects, Queue: asynq.NewInspectorFromRedisClient(w.rdb),
		Buckets: pipeline.Buckets{{Name: bucket}}, Page: 2,
	}
	for _, c := range change {
		c(&opt)
	}
	a, err := audit.New(opt)
	require.NoError(w.t, err)
	var list []audit.Finding
	rep, err := a.Run(w.t.Context(), func(f audit.Finding) error {
		list = append(list, f)
		return nil
	})
	require.NoError(w.t, err)
	return rep, list
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	rep, list := w.audit()
	require.Empty(t, list)
	require.True(t, rep.Holds)
	require.Equal(t, []int{6, 3, 1, 1, 1}, []int{rep.Announced, rep.Done, rep.Rejected, rep.Dead, rep.InFlight})
	require.Equal(t, []int{1, 4, 3, 1}, []int{rep.Orders, rep.Entries, rep.Thumbnails, rep.Waiting})
	require.Equal(t, 5, rep.Stale, "the tasks of the checks that the test ended by hand")

	// What the business takes out is known to be its own wish after the next attach.
	w.shop["A1"] = slices.DeleteFunc(w.shop["A1"], func(s string) bool { return s == fileID(1) })
	w.check(5, "")
	w.objects[thumb(5)] = true
	w.attach(5)
	w.finishAll(5)
	rep, list = w.audit()
	require.Empty(t, list)
	require.Equal(t, 1, rep.RemovedByBusiness)

	rep, list = w.audit(func(o *audit.Options) { o.Since = w.clock.Now() })
	require.Empty(t, list)
	require.Zero(t, rep.Announced+rep.Orders+rep.Thumbnails)
}

// TestTampering breaks one thing at a time and sees that the audit names it.
func TestTampering(t *testing.T) {
	t.Parallel()
	without := func(list []string, entry string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == entry })
	}
	for _, tt := range []struct {
		name string
		do   func(w *world)
		want audit.Finding // What is a part of the text
	}{
		{
			"order entry deleted", func(w *world) { w.shop["A1"] = without(w.shop["A1"], fileID(1)) },
			audit.Finding{Kind: audit.KindEntryMissing, UploadID: id(1), Key: key(1), Order: "A1", Step: "attach", What: fileID(1)},
		},
		{
			"order deleted", func(w *world) { delete(w.shop, "A1") },
			audit.Finding{Kind: audit.KindOrderMissing, Order: "A1", What: "not there"},
		},
		{
			"order unreadable", func(w *world) { w.shop["A1"] = []string{"broken"} },
			audit.Finding{Kind: audit.KindOrderUnreadable, Order: "A1", What: "not an array"},
		},
		{
			"phantom entry", func(w *world) { w.shop["A1"] = append(w.shop["A1"], fileID(9)) },
			audit.Finding{Kind: audit.KindPhantom, Key: fileID(9), Order: "A1", What: "nobody announced"},
		},
		{
			"refused entry", func(w *world) { w.shop["A1"] = append(w.shop["A1"], fileID(3)) },
			audit.Finding{Kind: audit.KindRefusedEntry, UploadID: id(3), Key: key(3), Order: "A1", Step: "attach", What: "refused"},
		},
		{
			"thumbnail deleted", func(w *world) { delete(w.objects, thumb(2)) },
			audit.Finding{Kind: audit.KindThumbnailMissing, UploadID: id(2), Key: key(2), Step: "thumbnail", What: thumb(2)},
		},
		{
			"step deleted", func(w *world) { w.sql("DELETE FROM upload_steps WHERE upload_id = ? AND step = 'thumbnail'", id(0)) },
			audit.Finding{Kind: "step missing", UploadID: id(0), Key: key(0), Step: "thumbnail", What: "no row of step thumbnail"},
		},
		{
			"attach deleted", func(w *world) { w.sql("DELETE FROM upload_steps WHERE upload_id = ? AND step = 'attach'", id(0)) },
			audit.Finding{Kind: "step missing", UploadID: id(0), Key: key(0), Order: "A1", Step: "attach", What: "no row"},
		},
		{
			"notify deleted", func(w *world) { w.sql("DELETE FROM upload_steps WHERE upload_id = ? AND step = 'notify'", id(3)) },
			audit.Finding{Kind: "step missing", UploadID: id(3), Key: key(3), Step: "notify", What: "no row"},
		},
		{
			"link deleted", func(w *world) { w.sql("DELETE FROM order_links WHERE upload_id = ?", id(0)) },
			audit.Finding{Kind: "link missing", UploadID: id(0), Key: key(0), Order: "A1", Step: "attach", What: "no link"},
		},
		{
			"mark lost", func(w *world) { w.sql("UPDATE order_links SET attached = 0 WHERE upload_id = ?", id(0)) },
			audit.Finding{Kind: "not marked attached", UploadID: id(0), Key: key(0), Order: "A1", Step: "attach", What: "not marked"},
		},
		{
			"letter deleted", func(w *world) { w.sql("DELETE FROM dead_letters") },
			audit.Finding{Kind: "letter missing", UploadID: id(4), Key: key(4), Step: "check", What: "no open letter"},
		},
		{
			"dead step revived", func(w *world) { w.sql("UPDATE upload_steps SET state = 'done' WHERE state = 'dead'") },
			audit.Finding{Kind: "letter without dead step", UploadID: id(4), Key: key(4), Step: "check", What: "not dead"},
		},
		{
			"strange state", func(w *world) {
				w.sql("UPDATE upload_steps SET state = 'lost' WHERE upload_id = ? AND step = 'warm'", id(0))
			},
			audit.Finding{Kind: "unknown state", UploadID: id(0), Key: key(0), Step: "warm", What: "does not exist"},
		},
		{
			"queue wiped", func(w *world) { require.NoError(w.t, w.rdb.FlushAll(w.t.Context()).Err()) },
			audit.Finding{Kind: audit.KindTaskMissing, UploadID: id(5), Key: key(5), Step: "check", What: "no task"},
		},
		{"task archived", func(w *world) {
			require.NoError(w.t, asynq.NewInspectorFromRedisClient(w.rdb).ArchiveTask(tasks.QueueChecks, "check:"+id(5)+":1"))
		}, audit.Finding{Kind: audit.KindTaskMissing, UploadID: id(5), Key: key(5), Step: "check", What: "no task"}},
		{"unknown task", func(w *world) {
			_, err := w.queue.Enqueue(w.t.Context(), pipeline.Wish{Run: pipeline.Run{UploadID: id(9), Step: pipeline.StepCheck, Gen: 1}})
			require.NoError(w.t, err)
		}, audit.Finding{Kind: audit.KindTaskUnknown, UploadID: id(9), Step: "check", What: "does not know"}},
		{
			"every step deleted", func(w *world) { w.sql("DELETE FROM upload_steps WHERE upload_id = ?", id(0)) },
			audit.Finding{Kind: audit.KindEquation, What: "6 announced, but 2 done"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := healthy(t)
			tt.do(w)
			rep, list := w.audit()
			require.False(t, rep.Holds)
			require.Equal(t, len(list), rep.Total())
			require.True(t, slices.ContainsFunc(list, func(f audit.Finding) bool {
				want := tt.want
				same := f.UploadID == want.UploadID && f.Key == want.Key && f.Order == want.Order && f.Step == want.Step
				return f.Kind == want.Kind && same && strings.Contains(f.What, want.What)
			}), "%+v", list)
		})
	}
}

// TestUploadDeleted takes a whole row out, as a restored backup of one table would.
func TestUploadDeleted(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	w.sql("PRAGMA foreign_keys = OFF")
	w.sql("DELETE FROM uploads WHERE id = ?", id(0))
	rep, list := w.audit()
	require.Zero(t, rep.Balance(), "the equation cannot see it")
	var kinds []audit.Kind
	for _, f := range list {
		kinds = append(kinds, f.Kind)
		require.True(t, f.UploadID == id(0) || f.Key == fileID(0), "%+v", f)
	}
	require.Contains(t, kinds, audit.Kind("upload missing"))
	require.Contains(t, kinds, audit.KindPhantom)
}

// TestReadOnlyOutside leaves out what is not there and stops at what cannot be read.
func TestReadOnlyOutside(t *testing.T) {
	t.Parallel()
	w := healthy(t)
	delete(w.objects, thumb(2))
	rep, list := w.audit(func(o *audit.Options) { o.Objects = nil })
	require.Empty(t, list)
	require.Zero(t, rep.Thumbnails)

	a, err := audit.New(audit.Options{Ledger: w.Ledger, Objects: w.objects})
	require.NoError(t, err)
	stop := errors.New("enough")
	_, err = a.Run(t.Context(), func(audit.Finding) error { return stop })
	require.ErrorIs(t, err, stop)
	_, err = audit.New(audit.Options{})
	require.Error(t, err)
}
