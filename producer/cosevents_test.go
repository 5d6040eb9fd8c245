package producer_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/tasks"
)

func withoutOrders(o *producer.Options) { o.Orders = false }

type eventAnswer struct {
	Results []struct {
		Key, UploadID, Status, Message string
		Code                           pipeline.Code
		Letter                         int64
	}
	RequestID string
}

func TestPostCOSEvent(t *testing.T) {
	t.Parallel()
	const key = "users/o1/1.jpg"
	put := func(key string) string { return cosEvent("ObjectCreated:Put", key, key, "") }
	for _, tt := range []struct {
		name, body string
		status     string
		code       pipeline.Code
		rows       int
	}{
		{name: "put", body: put(key), status: "accepted", rows: 1},
		{name: "post", body: cosEvent("ObjectCreated:Post", key, key, ""), status: "accepted", rows: 1},
		{name: "multipart", body: cosEvent("ObjectCreated:CompleteMultipartUpload", key, key, ""), status: "accepted", rows: 1},
		{name: "restore", body: cosEvent("ObjectRestore:Post", key, key, ""), status: "ignored"},
		{name: "thumbnail of ours", body: put("thumbs/s/" + key + ".jpg"), status: "ignored", code: pipeline.CodeDerivative},
		{name: "no owner", body: put("temp/1.jpg"), status: "refused", code: pipeline.CodeOwnerMissing},
		{name: "bad name", body: put("users/o1/a//b.jpg"), status: "refused", code: pipeline.CodeInvalidFileName},
		{name: "another bucket", body: strings.ReplaceAll(put(key), "7072-prod", "7072-other"), status: "refused", code: pipeline.CodeUnknownBucket},
		{name: "another appid", body: strings.ReplaceAll(put(key), "1250000000", "1250000001"), status: "refused", code: pipeline.CodeUnknownBucket},
		{name: "removal of what nobody knows", body: cosEvent("ObjectRemove:Delete", key, key, ""), status: "duplicate"},
		{name: "no event name", body: strings.ReplaceAll(put(key), "eventName", "name"), status: "refused", code: "UNREADABLE_RECORD"},
		{name: "no cos", body: `{"Records":[{"event":{"eventName":"cos:ObjectCreated:Put"}}]}`, status: "refused", code: "UNREADABLE_RECORD"},
		{name: "another shape", body: `{"Records":[7]}`, status: "refused", code: "UNREADABLE_RECORD"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var got eventAnswer
			w.event(tt.body).into(t, 202, &got)
			require.NotEmpty(t, got.RequestID)
			require.Len(t, got.Results, 1)
			r := got.Results[0]
			require.Equal(t, tt.status, r.Status, "%+v", r)
			require.Equal(t, tt.code, r.Code)
			require.Equal(t, tt.status == "refused" || tt.status == "ignored", r.Message != "")
			require.Len(t, w.uploads(), tt.rows)
			require.Equal(t, tt.rows, w.queued(tasks.QueueChecks))
			require.Empty(t, w.objects.asked, "one name needs no question")
			if tt.rows > 0 {
				require.Equal(t, pipeline.UploadID(bucket, key), r.UploadID)
				require.Equal(t, key, r.Key)
			}
		})
	}
}

func TestPostCOSEventRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"no JSON", "hello", 400, "BAD_JSON"},
		{"no records", `{"Records":[]}`, 400, "NO_RECORDS"},
		{"another document", `{"files":[]}`, 400, "NO_RECORDS"},
		{"too many records", `{"Records":[` + strings.Repeat("1,", 1000) + `1]}`, 400, "TOO_MANY_RECORDS"},
		{"2 MiB", `{"Records":["` + strings.Repeat("a", 2<<20) + `"]}`, 413, "BODY_TOO_LARGE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w.event(tt.body).requireError(t, tt.status, tt.code)
		})
	}
}

// TestPostCOSEventRecords: each record has its own end.
func TestPostCOSEventRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	record := func(key string) string {
		return strings.TrimSuffix(strings.TrimPrefix(cosEvent("ObjectCreated:Put", key, key, ""), `{"Records":[`), `]}`)
	}
	body := `{"Records":[` + strings.Join([]string{
		record("thumbs/s/x.jpg"), record("users/o1/1.jpg"), `{}`, record("users/o1/2.jpg"), record("temp/3.jpg"), record("users/o1/1.jpg"),
	}, ",") + `]}`
	var got eventAnswer
	w.event(body).into(t, 202, &got)
	var ends []string
	for _, r := range got.Results {
		ends = append(ends, r.Status+" "+r.Key)
	}
	require.Equal(t, []string{
		"ignored thumbs/s/x.jpg", "accepted users/o1/1.jpg", "refused ", "accepted users/o1/2.jpg",
		"refused temp/3.jpg", "duplicate users/o1/1.jpg",
	}, ends)
	require.Len(t, w.uploads(), 2)
}

// TestEventNames: events differ in whether names are percent-encoded, so the bucket says
// which object is meant.
func TestEventNames(t *testing.T) {
	t.Parallel()
	const encoded, decoded = "users/o1/%E5%9B%BE.jpg", "users/o1/图.jpg"
	for _, tt := range []struct {
		name, key, path string
		there           []string
		err             error
		kind            string
		want            string
		asked           int
	}{
		{name: "the decoded one is there", key: encoded, path: encoded, there: []string{decoded}, want: decoded, asked: 1},
		{name: "the one as it stands is there", key: encoded, path: encoded, there: []string{encoded}, want: encoded, asked: 2},
		{name: "both are there: the decoded path of the URL", key: encoded, path: encoded, there: []string{encoded, decoded}, want: decoded, asked: 1},
		{name: "none is there yet", key: encoded, path: encoded, want: decoded, asked: 2},
		{name: "the bucket does not answer", key: encoded, path: encoded, err: errAway, want: decoded, asked: 2},
		{name: "plus is no blank", key: "users/o1/a+b.jpg", path: "users/o1/a+b.jpg", want: "users/o1/a+b.jpg"},
		{name: "encoded twice", key: "users/o1/a%20b.jpg", path: "users/o1/a%2520b.jpg", there: []string{"users/o1/a%20b.jpg"}, want: "users/o1/a%20b.jpg", asked: 1},
		{name: "decoded key, encoded path", key: decoded, path: encoded, there: []string{decoded}, want: decoded},
		{name: "a removed object is not asked for", kind: "ObjectRemove:Delete", key: encoded, path: encoded, want: decoded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.objects.err = tt.err
			for _, k := range tt.there {
				w.objects.keys[k] = true
			}
			if tt.kind == "" {
				tt.kind = "ObjectCreated:Put"
			}
			var got eventAnswer
			w.event(cosEvent(tt.kind, tt.key, tt.path, "")).into(t, 202, &got)
			require.Equal(t, tt.want, got.Results[0].Key)
			require.Len(t, w.objects.asked, tt.asked)
		})
	}
}

// TestRemovedNames: a removed object cannot be asked for. It is the one that was announced,
// by whichever of its names.
func TestRemovedNames(t *testing.T) {
	t.Parallel()
	const encoded, decoded = "users/o1/%E5%9B%BE.jpg", "users/o1/图.jpg"
	for _, announced := range []string{encoded, decoded} {
		w := newWorld(t)
		w.announce(`{"files":[` + quoted(announced) + `]}`)
		var got eventAnswer
		w.event(cosEvent("ObjectRemove:Delete", encoded, encoded, "")).into(t, 202, &got)
		require.Equal(t, announced, got.Results[0].Key)
		require.Equal(t, 2, w.uploads()[0].Announcements)
		require.Empty(t, w.objects.asked)
	}
	w := newWorld(t)
	_, err := w.db.SQL().ExecContext(t.Context(), "ALTER TABLE uploads RENAME TO away")
	require.NoError(t, err)
	w.event(cosEvent("ObjectRemove:Delete", encoded, encoded, "")).requireError(t, 503, "UNAVAILABLE")
}

func TestEventOfForeignBucketIsNotAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := strings.ReplaceAll(cosEvent("ObjectCreated:Put", "users/o1/%41.jpg", "users/o1/%41.jpg", ""), "7072-prod", "evil")
	var got eventAnswer
	w.event(body).into(t, 202, &got)
	require.Equal(t, pipeline.CodeUnknownBucket, got.Results[0].Code)
	require.Empty(t, w.objects.asked)
}

func TestEventMeta(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	meta := `{"x-cos-meta-order-id":"A12","x-cos-meta-position":"3","x-cos-meta-batch":"b1"}`
	require.Equal(t, 202, w.event(cosEvent("ObjectCreated:Put", "users/o1/1.jpg", "users/o1/1.jpg", meta)).status)
	u := w.uploads()[0]
	require.Equal(t, "cos-event", u.Source)
	links, err := w.ledger.Links(t.Context(), u.ID)
	require.NoError(t, err)
	require.Len(t, links, 1)
	require.Equal(t, "A12", links[0].Order)
	require.Equal(t, "b1", links[0].Batch)
	require.Equal(t, 3, *links[0].Position)

	none := newWorld(t, withoutOrders)
	var got eventAnswer
	none.event(cosEvent("ObjectCreated:Put", "users/o1/1.jpg", "users/o1/1.jpg", meta)).into(t, 202, &got)
	require.Equal(t, pipeline.Code("ORDERS_NOT_CONFIGURED"), got.Results[0].Code)
}

// TestEventRemoved: the removal of a known object has it checked again.
func TestEventRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, 202, w.event(cosEvent("ObjectCreated:Put", "users/o1/1.jpg", "users/o1/1.jpg", "")).status)
	id := w.uploads()[0].ID
	_, err := w.ledger.Begin(t.Context(), pipeline.Run{UploadID: id, Step: pipeline.StepCheck, Gen: 1}, "w1", 0)
	require.NoError(t, err)
	var got eventAnswer
	w.event(cosEvent("ObjectRemove:DeleteMarkerCreated", "users/o1/1.jpg", "users/o1/1.jpg", "")).into(t, 202, &got)
	require.Equal(t, id, got.Results[0].UploadID)
	steps, err := w.ledger.Steps(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, steps, 1)
	require.Equal(t, 2, steps[0].Gen)
	require.Equal(t, 2, w.queued(tasks.QueueChecks))
}

func TestEventWebhookID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := cosEvent("ObjectCreated:Put", "users/o1/1.jpg", "users/o1/1.jpg", "")
	var first, again eventAnswer
	w.event(body, "webhook-id", "e1").into(t, 202, &first)
	w.event(body, "webhook-id", "e1").into(t, 202, &again)
	require.Equal(t, "accepted", first.Results[0].Status)
	require.Equal(t, "duplicate", again.Results[0].Status)
	require.Equal(t, 1, w.uploads()[0].Announcements)
}
