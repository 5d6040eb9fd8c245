package producer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/producer/events"
	"github.com/afterput/afterput/producer/openapi/openapitest"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errAway = pipeline.Errorf(pipeline.Transient, "objects.head", "", "no answer")

const (
	announceKey = "announce-0123456789abcdef"
	readKey     = "read-0123456789abcdef"
	bucket      = "7072-prod-1250000000"
	plainBucket = "plain-1250000000"
)

// bucketFake answers Head for the keys that it holds.
type bucketFake struct {
	mu    sync.Mutex
	keys  map[string]bool
	err   error
	asked []string
}

func (b *bucketFake) Head(_ context.Context, bucket, key string) (pipeline.ObjectInfo, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, bucket+"/"+key)
	switch {
	case b.err != nil:
		return pipeline.ObjectInfo{}, b.err
	case !b.keys[key]:
		return pipeline.ObjectInfo{}, pipeline.Errorf(pipeline.Missing, "objects.head", key, "404")
	}
	return pipeline.ObjectInfo{ETag: "e", Size: 1}, nil
}

// world is a producer with everything around it.
type world struct {
	t       *testing.T
	p       *producer.Producer
	ledger  *ledger.Ledger
	db      *sqldb.DB
	objects *bucketFake
	inspect *asynq.Inspector
	keys    *auth.Keys
	guard   producer.Guard
	url     string
}

func defaults(opt *producer.Options) {
	opt.Buckets = pipeline.Buckets{
		{Name: bucket, Env: "prod", Aliases: []string{"old"}},
		{Name: plainBucket},
	}
	opt.OwnerRequired, opt.Orders = true, true
	opt.Derivative = pipeline.ThumbnailOptions{}.Derivative
	opt.Logger = slog.New(slog.DiscardHandler)
}

// newWorld starts a producer over a ledger on SQLite, an embedded Redis and HTTP.
func newWorld(t *testing.T, change ...func(*producer.Options)) *world {
	t.Helper()
	rdb := redistest.Client(t, redistest.Mini(t))
	w := newWorldOver(t, rdb, change...)
	w.inspect = asynq.NewInspectorFromRedisClient(rdb)
	return w
}

func newWorldOver(t *testing.T, rdb redis.UniversalClient, change ...func(*producer.Options)) *world {
	t.Helper()
	w := &world{t: t, objects: &bucketFake{keys: map[string]bool{}}}
	var err error
	w.db, err = sqldb.Create(t.Context(), ledgertest.SQLite(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.db.Close() })
	w.ledger, err = ledger.New(ledger.Options{DB: w.db})
	require.NoError(t, err)

	opt := producer.Options{Ledger: w.ledger, Queue: tasks.NewEnqueuer(rdb, nil, nil), Objects: w.objects}
	defaults(&opt)
	for _, f := range change {
		f(&opt)
	}
	w.p, err = producer.New(opt)
	require.NoError(t, err)
	w.keys, err = auth.NewKeys([]auth.Key{
		{Name: "mini", Secret: announceKey, Scopes: []auth.Scope{auth.ScopeAnnounce}},
		{Name: "ops", Secret: readKey, Scopes: []auth.Scope{auth.ScopeRead}},
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	w.guard = w.keys
	producer.NewAPI(w.p, w, 0).Register(mux)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w
}

// Require and RequireOwn are those of the guard that a test chose.
func (w *world) Require(scope auth.Scope, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.guard.Require(scope, next).ServeHTTP(rw, r) })
}

func (w *world) RequireOwn(scope auth.Scope, next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.guard.RequireOwn(scope, next).ServeHTTP(rw, r) })
}

// Rate is that of the guard that a test chose.
func (w *world) Rate(r *http.Request, caller auth.Identity) error { return w.guard.Rate(r, caller) }

// answer is what came back over HTTP.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request; headers are name, value, name, value.
func (w *world) do(method, path, key string, body []byte, headers ...string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, bytes.NewReader(body))
	require.NoError(w.t, err)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	require.NoError(w.t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	documented(w.t, req, body, res, b)
	return answer{res.StatusCode, res.Header, b}
}

// documented holds an answer against the OpenAPI document, as every test does.
func documented(t *testing.T, req *http.Request, sent []byte, res *http.Response, body []byte) {
	t.Helper()
	doc, err := openapitest.Load()
	require.NoError(t, err)
	a := openapitest.Answer{Method: req.Method, Path: req.URL.Path, Status: res.StatusCode, Header: res.Header, Body: body}
	kept := req.URL.Path == events.CallbackPath && res.StatusCode == http.StatusAccepted // only as a letter
	if req.Header.Get("Content-Type") != "application/x-www-form-urlencoded" && !kept && json.Valid(sent) {
		a.Sent = sent
	}
	require.NoError(t, doc.Check(a))
}

func (w *world) announce(body string, headers ...string) answer {
	w.t.Helper()
	return w.do(http.MethodPost, "/v1/uploads", announceKey, []byte(body), headers...)
}

func (w *world) event(body string, headers ...string) answer {
	w.t.Helper()
	return w.do(http.MethodPost, "/v1/events/cos", announceKey, []byte(body), headers...)
}

// requireError checks the body that every error has.
func (a answer) requireError(t *testing.T, status int, code string) map[string]string {
	t.Helper()
	require.Equal(t, status, a.status, "%s", a.body)
	var body map[string]string
	require.NoError(t, json.Unmarshal(a.body, &body), "%s", a.body)
	require.Len(t, body, 3)
	require.Equal(t, code, body["code"], "%s", a.body)
	require.NotEmpty(t, body["message"])
	require.NotEmpty(t, body["requestId"])
	require.Equal(t, a.header.Get(auth.RequestIDHeader), body["requestId"])
	require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
	require.Equal(t, "no-store", a.header.Get("Cache-Control"))
	return body
}

func (a answer) into(t *testing.T, status int, v any) {
	t.Helper()
	require.Equal(t, status, a.status, "%s", a.body)
	require.NoError(t, json.Unmarshal(a.body, v), "%s", a.body)
}

func (w *world) uploads() []pipeline.Upload {
	w.t.Helper()
	all, err := w.ledger.Uploads(w.t.Context(), "", 1000)
	require.NoError(w.t, err)
	return all
}

// queued counts the tasks of a queue.
func (w *world) queued(queue string) int {
	w.t.Helper()
	queues, err := w.inspect.Queues()
	require.NoError(w.t, err)
	if !slices.Contains(queues, queue) {
		return 0
	}
	info, err := w.inspect.GetQueueInfo(queue)
	require.NoError(w.t, err)
	return info.Size
}

// cosEvent is a record of a COS trigger; key and path are as they stand in it.
func cosEvent(kind, key, path, meta string) string {
	if meta == "" {
		meta = "{}"
	}
	name := strings.TrimSuffix(bucket, "-1250000000")
	return fmt.Sprintf(`{"Records":[{"cos":{"cosBucket":{"appid":"1250000000","name":%q,"cosRegion":"ap-guangzhou"},
		"cosObject":{"key":%s,"url":%q,"size":5,"vid":"","meta":%s}},"event":{"eventName":"cos:%s","eventTime":1632900000}}]}`,
		name, quoted("/1250000000/"+name+"/"+key), "http://"+bucket+".cos.ap-guangzhou.myqcloud.com/"+path, meta, kind)
}

// quoted is a string in JSON.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// uploadOf gives the upload of a key.
func (w *world) uploadOf(t *testing.T, key string) pipeline.Upload {
	t.Helper()
	u, err := w.ledger.Upload(t.Context(), pipeline.UploadID(bucket, key))
	require.NoError(t, err)
	return u
}
