package producer_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestNew(t *testing.T) {
	t.Parallel()
	good := producer.Options{
		Ledger: &ledger.Ledger{}, Queue: &tasks.Enqueuer{}, Objects: &bucketFake{},
		Buckets: pipeline.Buckets{{Name: "b-1"}}, Rules: producer.Rules{Derivative: func(string) bool { return false }},
		Logger: slog.New(slog.DiscardHandler),
	}
	_, err := producer.New(good)
	require.NoError(t, err)
	for name, spoil := range map[string]func(*producer.Options){
		"ledger":     func(o *producer.Options) { o.Ledger = nil },
		"queue":      func(o *producer.Options) { o.Queue = nil },
		"objects":    func(o *producer.Options) { o.Objects = nil },
		"derivative": func(o *producer.Options) { o.Derivative = nil },
		"logger":     func(o *producer.Options) { o.Logger = nil },
		"bucket":     func(o *producer.Options) { o.Buckets = nil },
	} {
		opt := good
		spoil(&opt)
		_, err := producer.New(opt)
		require.ErrorContains(t, err, name)
	}
}

func TestAdmit(t *testing.T) {
	t.Parallel()
	p := newWorld(t).p
	free := newWorld(t, func(o *producer.Options) { o.OwnerRequired, o.Orders = false, false }).p
	type ann = pipeline.Announcement
	const good = "users/o1/1.jpg"
	for _, tt := range []struct {
		name  string
		p     *producer.Producer
		in    ann
		owner string
		code  pipeline.Code
		class pipeline.Class
	}{
		{name: "owner from the name", p: p, in: ann{Bucket: bucket, Key: good}, owner: "o1"},
		{name: "owner as announced", p: p, in: ann{Bucket: bucket, Key: good, Owner: "o1", Order: "A"}, owner: "o1"},
		{name: "no rule, no owner", p: free, in: ann{Bucket: bucket, Key: "temp/1.jpg"}},
		{name: "no rule, announced owner", p: free, in: ann{Bucket: bucket, Key: "temp/1.jpg", Owner: "o1"}, owner: "o1"},
		{name: "unknown bucket", p: p, in: ann{Bucket: "other-1", Key: good}, code: pipeline.CodeUnknownBucket, class: pipeline.Invalid},
		{name: "no bucket", p: p, in: ann{Key: good}, code: pipeline.CodeUnknownBucket, class: pipeline.Invalid},
		{name: "bad name", p: p, in: ann{Bucket: bucket, Key: "/" + good}, code: pipeline.CodeInvalidFileName, class: pipeline.Invalid},
		{name: "name that climbs out of its owner", p: p, in: ann{Bucket: bucket, Key: "users/o1/../o2/1.jpg"}, code: pipeline.CodeInvalidFileName, class: pipeline.Invalid},
		{name: "thumbnail", p: p, in: ann{Bucket: bucket, Key: "thumbs/s/" + good + ".jpg"}, code: pipeline.CodeDerivative, class: pipeline.Invalid},
		{name: "no owner under the rule", p: p, in: ann{Bucket: bucket, Key: "temp/1.jpg"}, code: pipeline.CodeOwnerMissing, class: pipeline.Invalid},
		{name: "announced owner is not enough under the rule", p: p, in: ann{Bucket: bucket, Key: "temp/1.jpg", Owner: "o1"}, code: pipeline.CodeOwnerMissing, class: pipeline.Invalid},
		{name: "another owner", p: p, in: ann{Bucket: bucket, Key: good, Owner: "o2"}, code: pipeline.CodeOwnerMismatch, class: pipeline.Denied},
		{name: "another owner, no rule", p: free, in: ann{Bucket: bucket, Key: good, Owner: "o2"}, code: pipeline.CodeOwnerMismatch, class: pipeline.Denied},
		{name: "no orders database", p: free, in: ann{Bucket: bucket, Key: good, Order: "A"}, code: "ORDERS_NOT_CONFIGURED", class: pipeline.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := tt.p.Admit(tt.in)
			require.Equal(t, tt.code, pipeline.CodeOf(err), "%v", err)
			require.Equal(t, tt.class, pipeline.ClassOf(err))
			if tt.code != "" {
				return
			}
			require.Equal(t, tt.owner, got.Owner)
			require.Equal(t, "cloud://prod."+bucket+"/"+tt.in.Key, got.FileID)
		})
	}
}

func TestNamed(t *testing.T) {
	t.Parallel()
	p := newWorld(t).p
	for _, tt := range []struct {
		name, in, bucket, fileID string
		code                     pipeline.Code
	}{
		{name: "key", in: "users/o1/1.jpg", bucket: bucket},
		{name: "cloud", in: "cloud://prod." + bucket + "/users/o1/1.jpg", bucket: bucket, fileID: "cloud://prod." + bucket + "/users/o1/1.jpg"},
		{name: "alias", in: "cloud://old.7072-old/users/o1/1.jpg", bucket: bucket, fileID: "cloud://old.7072-old/users/o1/1.jpg"},
		{name: "cos", in: "cos://" + plainBucket + "/users/o1/1.jpg", bucket: plainBucket, fileID: "cos://" + plainBucket + "/users/o1/1.jpg"},
		{name: "another environment", in: "cloud://dev." + bucket + "/users/o1/1.jpg", code: pipeline.CodeWrongEnvironment},
		{name: "another bucket", in: "cos://other-1/users/o1/1.jpg", code: pipeline.CodeUnknownBucket},
		{name: "URL", in: "https://example.com/users/o1/1.jpg", code: pipeline.CodeInvalidFileID},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := p.Named(tt.in)
			require.Equal(t, tt.code, pipeline.CodeOf(err), "%v", err)
			require.Equal(t, tt.bucket, got.Bucket)
			require.Equal(t, tt.fileID, got.FileID)
		})
	}
}

func TestAcceptAllOrNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.p.Accept(t.Context(), "", []pipeline.Announcement{
		{Bucket: bucket, Key: "users/o1/1.jpg"}, {Bucket: bucket, Key: "temp/2.jpg"},
	})
	require.ErrorContains(t, err, "temp/2.jpg")
	require.Equal(t, pipeline.CodeOwnerMissing, pipeline.CodeOf(err))
	require.Empty(t, w.uploads())
	require.Zero(t, w.queued(tasks.QueueChecks))

	receipts, err := w.p.Accept(t.Context(), "", nil)
	require.NoError(t, err)
	require.Empty(t, receipts)
}

// TestAcceptRedisAway: the ledger has it, so it is accepted, and the sweep finds what to
// enqueue.
func TestAcceptRedisAway(t *testing.T) {
	t.Parallel()
	w := newWorldOver(t, redistest.Away(t))
	res := w.announce(`{"order":"A12","files":["users/o1/1.jpg","users/o1/2.jpg"]}`)
	require.Equal(t, 202, res.status, "%s", res.body)
	require.Len(t, w.uploads(), 2)
	due, err := w.ledger.Due(t.Context(), true, ledger.Cursor{}, 10)
	require.NoError(t, err)
	require.Len(t, due.Wishes, 2)
}

// TestAcceptLedgerAway: nothing is kept, and the caller is told to come back.
func TestAcceptLedgerAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, w.db.Close())
	for name, do := range map[string]func() answer{
		"uploads": func() answer { return w.announce(`{"files":["users/o1/1.jpg"]}`) },
		"event":   func() answer { return w.event(cosEvent("ObjectCreated:Put", "users/o1/1.jpg", "users/o1/1.jpg", "")) },
		"state":   func() answer { return w.do("GET", "/v1/uploads/0af3", readKey, nil) },
	} {
		res := do()
		body := res.requireError(t, 503, "UNAVAILABLE")
		require.Equal(t, "5", res.header.Get("Retry-After"), name)
		require.NotContains(t, body["message"], "sql", "no inside is shown")
	}
	require.Zero(t, w.queued(tasks.QueueChecks), "nothing is queued that the ledger does not have")

	_, err := w.p.Accept(t.Context(), "", []pipeline.Announcement{{Bucket: bucket, Key: "users/o1/1.jpg"}})
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
}

// TestAcceptAtOnce: the same announcement 50 times at once is one row and one task.
func TestAcceptAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	done := make(chan error)
	for i := range 50 {
		go func() {
			a := pipeline.Announcement{Bucket: bucket, Key: "users/o1/1.jpg", Order: "A12", Position: new(0), Source: fmt.Sprint(i)}
			_, err := w.p.Accept(t.Context(), "", []pipeline.Announcement{a})
			done <- err
		}()
	}
	for range 50 {
		require.NoError(t, <-done)
	}
	uploads := w.uploads()
	require.Len(t, uploads, 1)
	require.Equal(t, 50, uploads[0].Announcements)
	links, err := w.ledger.Links(t.Context(), uploads[0].ID)
	require.NoError(t, err)
	require.Len(t, links, 1)
	require.Equal(t, 1, w.queued(tasks.QueueChecks))
}

func TestReceiptNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := w.p.Accept(t.Context(), "", []pipeline.Announcement{{Bucket: bucket, Key: "users/o1/1.jpg"}})
	require.NoError(t, err)
	require.True(t, first[0].New)
	a, err := w.p.Named("cloud://old.7072-old/users/o1/1.jpg")
	require.NoError(t, err)
	again, err := w.p.Accept(t.Context(), "", []pipeline.Announcement{a})
	require.NoError(t, err)
	require.False(t, again[0].New)
	require.Equal(t, first[0].FileID, again[0].FileID, "a receipt has the name that the order will hold")
	require.True(t, strings.HasPrefix(again[0].FileID, "cloud://prod."))
}
