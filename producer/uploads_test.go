package producer_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/tasks"
)

// receipts is the answer of POST /v1/uploads.
type receipts struct {
	Order   string `json:"order"`
	Uploads []struct {
		UploadID, FileID, Key string
		New                   bool
	} `json:"uploads"`
	RequestID string `json:"requestId"`
}

func TestPostUploads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.announce(`{"order":"A12","owner":"o1","files":["cloud://prod.`+bucket+`/users/o1/图 1.jpg",{"file":"users/o1/2.jpg","position":7}]}`,
		auth.RequestIDHeader, "my-request.1")
	var raw map[string]any
	res.into(t, 202, &raw)
	require.Len(t, raw, 3)
	var got receipts
	res.into(t, 202, &got)
	require.Equal(t, "A12", got.Order)
	require.Equal(t, "my-request.1", got.RequestID)
	require.Equal(t, "my-request.1", res.header.Get(auth.RequestIDHeader))
	require.Equal(t, "nosniff", res.header.Get("X-Content-Type-Options"))
	require.Len(t, got.Uploads, 2)
	for i, key := range []string{"users/o1/图 1.jpg", "users/o1/2.jpg"} {
		u := got.Uploads[i]
		require.Equal(t, pipeline.UploadID(bucket, key), u.UploadID)
		require.Equal(t, "cloud://prod."+bucket+"/"+key, u.FileID)
		require.Equal(t, key, u.Key)
		require.True(t, u.New)
		links, err := w.ledger.Links(t.Context(), u.UploadID)
		require.NoError(t, err)
		require.Len(t, links, 1)
		require.Equal(t, []int{0, 7}[i], *links[0].Position)
		require.NotEmpty(t, links[0].Batch)
	}
	require.Equal(t, 2, w.queued(tasks.QueueChecks))

	res = w.announce(`{"files":["users/o1/3.jpg"]}`)
	res.into(t, 202, &got)
	links, err := w.ledger.Links(t.Context(), got.Uploads[0].UploadID)
	require.NoError(t, err)
	require.Empty(t, links, "no order, no link")
}

// TestPostUploadsRefused: every bad announcement has its status and code, and leaves
// nothing behind.
func TestPostUploadsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	files := func(names ...string) string {
		b, err := json.Marshal(map[string]any{"order": "A12", "owner": "o1", "files": names})
		require.NoError(t, err)
		return string(b)
	}
	const name = "INVALID_FILE_NAME"
	for _, tt := range []struct {
		name, body string
		status     int
		code       string
	}{
		{"leading slash", files("/users/o1/1.jpg"), 400, name},
		{"double slash", files("users/o1//1.jpg"), 400, name},
		{"climbs", files("users/o1/../o2/1.jpg"), 400, name},
		{"NUL", files("users/o1/1\x00.jpg"), 400, name},
		{"900 bytes", files("users/o1/" + strings.Repeat("a", 891)), 400, name},
		{"900 bytes when encoded", files("users/o1/" + strings.Repeat("图", 99)), 400, name},
		{"leading slash in a fileID", files("cloud://prod." + bucket + "//users/o1/1.jpg"), 400, name},
		{"NUL in a fileID", files("cloud://prod." + bucket + "/users/o1/\x00.jpg"), 400, name},
		{"no owner", files("temp/1.jpg"), 400, "OWNER_MISSING"},
		{"another owner", files("users/o2/1.jpg"), 403, "OWNER_MISMATCH"},
		{"a good one does not help a bad one", files("users/o1/1.jpg", "users/o2/1.jpg"), 403, "OWNER_MISMATCH"},
		{"another environment", files("cloud://dev." + bucket + "/users/o1/1.jpg"), 400, "WRONG_ENVIRONMENT"},
		{"another bucket", files("cos://other-1250000000/users/o1/1.jpg"), 400, "UNKNOWN_BUCKET"},
		{"no fileID", files("wxfile://tmp/users/o1/1.jpg"), 400, "INVALID_FILE_ID"},
		{"thumbnail", files("thumbs/s/users/o1/1.jpg.jpg"), 400, "DERIVATIVE"},
		{"2 MiB", files(strings.Repeat("a", 2<<20)), 413, "BODY_TOO_LARGE"},
		{"a name of 2000 bytes", files(strings.Repeat("a", 2000)), 400, "BAD_FIELD"},
		{"empty name", files(""), 400, "EMPTY_NAME"},
		{"twice the same", files("users/o1/1.jpg", "users/o1/1.jpg"), 400, "DUPLICATE_FILE"},
		{"too many", files(make([]string, 101)...), 400, "TOO_MANY_FILES"},
		{"unknown field", `{"files":["users/o1/1.jpg"],"sign":"x"}`, 400, "UNKNOWN_FIELD"},
		{"unknown field of a file", `{"files":[{"file":"users/o1/1.jpg","size":1}]}`, 400, "UNKNOWN_FIELD"},
		{"field twice", `{"owner":"o1","owner":"o2","files":["users/o1/1.jpg"]}`, 400, "DUPLICATE_FIELD"},
		{"no files", `{"order":"A12"}`, 400, "MISSING_FIELD"},
		{"empty files", `{"files":[]}`, 400, "MISSING_FIELD"},
		{"bad position", `{"files":[{"file":"users/o1/1.jpg","position":-1}]}`, 400, "BAD_POSITION"},
		{"trailing data", `{"files":["users/o1/1.jpg"]}{}`, 400, "TRAILING_DATA"},
		{"no JSON", `files=users/o1/1.jpg`, 400, "BAD_JSON"},
		{"no body", ``, 400, "BAD_JSON"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.announce(tt.body).requireError(t, tt.status, tt.code)
			require.Empty(t, w.uploads(), "no row")
		})
	}
	require.Zero(t, w.queued(tasks.QueueChecks))
}

func TestPostUploadsNoOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withoutOrders)
	w.announce(`{"order":"A12","files":["users/o1/1.jpg"]}`).requireError(t, 400, "ORDERS_NOT_CONFIGURED")
	require.Empty(t, w.uploads())
}

func TestKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good, event := []byte(`{"files":["users/o1/1.jpg"]}`), []byte(cosEvent("ObjectCreated:Put", "users/o1/1.jpg", "users/o1/1.jpg", ""))
	for _, tt := range []struct {
		name, method, path, key string
		body                    []byte
		status                  int
		code                    string
	}{
		{"announce without key", http.MethodPost, "/v1/uploads", "", good, 401, "UNAUTHORIZED"},
		{"announce with a wrong key", http.MethodPost, "/v1/uploads", "announce-0123456789abcdeX", good, 401, "UNAUTHORIZED"},
		{"announce with a key to read", http.MethodPost, "/v1/uploads", readKey, good, 403, "FORBIDDEN"},
		{"event without key", http.MethodPost, "/v1/events/cos", "", event, 401, "UNAUTHORIZED"},
		{"event with a key to read", http.MethodPost, "/v1/events/cos", readKey, event, 403, "FORBIDDEN"},
		{"read without key", http.MethodGet, "/v1/uploads/0af3", "", nil, 401, "UNAUTHORIZED"},
		{"read with a key to announce", http.MethodGet, "/v1/uploads/0af3", announceKey, nil, 403, "FORBIDDEN"},
		{"2 MiB without key", http.MethodPost, "/v1/uploads", "", bytes.Repeat([]byte("a"), 2<<20), 401, "UNAUTHORIZED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := w.do(tt.method, tt.path, tt.key, tt.body)
			res.requireError(t, tt.status, tt.code)
			require.Equal(t, tt.status == 401, res.header.Get("WWW-Authenticate") != "")
			require.Empty(t, w.uploads(), "no row")
			require.Zero(t, w.queued(tasks.QueueChecks))
		})
	}
}

// TestTwoDoors: the phone's announcement and the event of the same object are one upload,
// in whatever order they come.
func TestTwoDoors(t *testing.T) {
	t.Parallel()
	phone := func(w *world) answer {
		return w.announce(`{"order":"A12","owner":"o1","batch":"b1","files":["cloud://prod.` + bucket + `/users/o1/1.jpg"]}`)
	}
	event := func(w *world) answer {
		return w.event(cosEvent("ObjectCreated:Put", "users/o1/1.jpg", "users/o1/1.jpg", `{"x-cos-meta-order-id":"A12"}`))
	}
	for name, doors := range map[string][]func(*world) answer{
		"phone first":       {phone, event, phone, event},
		"event first":       {event, phone, event},
		"twice by the door": {phone, phone, event, event},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for _, door := range doors {
				res := door(w)
				require.Equal(t, 202, res.status, "%s", res.body)
			}
			all := w.uploads()
			require.Len(t, all, 1)
			require.Equal(t, len(doors), all[0].Announcements)
			require.Equal(t, "o1", all[0].Owner)
			links, err := w.ledger.Links(t.Context(), all[0].ID)
			require.NoError(t, err)
			require.Len(t, links, 1)
			require.Equal(t, "b1", links[0].Batch)
			require.Equal(t, 0, *links[0].Position)
			require.Equal(t, 1, w.queued(tasks.QueueChecks))
		})
	}
}

func TestWebhookIDReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := `{"order":"A12","files":["users/o1/1.jpg"]}`
	var first, again receipts
	w.announce(body, "webhook-id", "msg_1").into(t, 202, &first)
	require.True(t, first.Uploads[0].New)
	before := w.uploads()[0]

	w.announce(body, "webhook-id", "msg_1").into(t, 202, &again)
	require.False(t, again.Uploads[0].New)
	again.Uploads[0].New, again.RequestID = true, first.RequestID
	require.Equal(t, first, again)
	require.Equal(t, before, w.uploads()[0], "nothing changed, not even the count")

	w.announce(body, "webhook-id", "msg_2").into(t, 202, &again)
	require.Equal(t, 2, w.uploads()[0].Announcements)

	kept := `{"files":["users/o2/1.jpg"]}`
	w.announce(`{"owner":"o1","files":["users/o2/1.jpg"]}`, "webhook-id", "msg_3").requireError(t, 403, "OWNER_MISMATCH")
	w.announce(kept, "webhook-id", "msg_3").into(t, 202, &again)
	require.True(t, again.Uploads[0].New, "what was refused is not remembered")
}
