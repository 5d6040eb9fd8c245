package monitor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/tasks/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	line = `{"v":1,"upload":"u1","gen":2}`
	dead = "dead: letter 7: check.read: 403"
	id   = "check:u1:2"
	one  = "/monitor/api/queues/checks/tasks/" + id
	run  = "/monitor/api/queues/checks/archived_tasks/" + id + ":run"
	gone = "/monitor/api/queues/checks/archived_tasks/" + id
)

// onEach runs a test on each shape of Redis, with one archived task.
func onEach(t *testing.T, test func(t *testing.T, rdb redis.UniversalClient)) {
	redistest.Each(t, func(t *testing.T, url string) {
		rdb := redistest.Universal(t, url)
		archive(t, rdb)
		test(t, rdb)
	})
}

// archive leaves one task in the archive as a worker does that buried its step.
func archive(t *testing.T, rdb redis.UniversalClient) {
	t.Helper()
	task := asynq.NewTask("afterput:check", []byte(line), asynq.Queue("checks"), asynq.TaskID(id))
	_, err := asynq.NewClientFromRedisClient(rdb).Enqueue(task)
	require.NoError(t, err)
	srv := asynq.NewServerFromRedisClient(rdb, asynq.Config{
		Queues: map[string]int{"checks": 1}, LogLevel: asynq.FatalLevel, TaskCheckInterval: 20 * time.Millisecond,
	})
	require.NoError(t, srv.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		return fmt.Errorf("%s: %w", dead, asynq.SkipRetry)
	})))
	defer srv.Shutdown()
	inspect := asynq.NewInspectorFromRedisClient(rdb)
	require.Eventually(t, func() bool {
		info, err := inspect.GetTaskInfo("checks", id)
		return err == nil && info.State == asynq.TaskStateArchived
	}, 20*time.Second, 20*time.Millisecond)
}

func ask(t *testing.T, h http.Handler, method, path string, header ...string) (int, string, http.Header) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://ops.example"+path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body), res.Header
}

func TestReading(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		h := New(rdb, false)
		code, page, header := ask(t, h, "GET", "/monitor/")
		require.Equal(t, 200, code)
		require.Contains(t, page, `FLAG_ROOT_PATH="\/monitor"`)
		require.Contains(t, page, `FLAG_READ_ONLY="true"`)
		require.Equal(t, "DENY", header.Get("X-Frame-Options"))
		require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
		code, _, _ = ask(t, h, "GET", "/monitor/queues/checks/tasks")
		require.Equal(t, 200, code, "a page of the application")

		code, body, _ := ask(t, h, "GET", "/monitor/api/queues")
		require.Equal(t, 200, code)
		require.Contains(t, body, `"queue":"checks"`)

		code, body, _ = ask(t, h, "GET", "/monitor/api/queues/checks/archived_tasks?size=20&page=1")
		require.Equal(t, 200, code)
		var list struct {
			Tasks []struct {
				ID      string `json:"id"`
				Payload string `json:"payload"`
				Error   string `json:"error_message"`
			} `json:"tasks"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &list))
		require.Len(t, list.Tasks, 1)
		require.Equal(t, id, list.Tasks[0].ID)
		require.Equal(t, line, list.Tasks[0].Payload, "the payload is shown as it is")
		require.Contains(t, list.Tasks[0].Error, dead)

		code, body, _ = ask(t, h, "GET", one)
		require.Equal(t, 200, code)
		require.Contains(t, body, `"state":"archived"`)
		code, body, _ = ask(t, h, "GET", "/monitor/api/redis_info")
		require.Equal(t, 200, code, body)
	})
}

func TestReadOnly(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		h := New(rdb, false)
		for _, c := range [][2]string{{"POST", run}, {"DELETE", gone}, {"POST", "/monitor/api/queues/checks:pause"}, {"DELETE", "/monitor/api/queues/checks"}} {
			code, _, _ := ask(t, h, c[0], c[1])
			require.Equal(t, http.StatusMethodNotAllowed, code, c)
		}
		_, body, _ := ask(t, h, "GET", one)
		require.Contains(t, body, `"state":"archived"`)
	})
}

func TestWriting(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		h := New(rdb, true)
		for _, from := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
			for _, c := range [][2]string{{"POST", run}, {"DELETE", gone}} {
				code, _, _ := ask(t, h, c[0], c[1], from...)
				require.Equal(t, http.StatusForbidden, code, "%v from %v", c, from)
			}
		}
		_, body, _ := ask(t, h, "GET", one)
		require.Contains(t, body, `"state":"archived"`, "nothing came through")

		code, _, _ := ask(t, h, "POST", run, "Sec-Fetch-Site", "same-origin", "Origin", "http://ops.example")
		require.Equal(t, http.StatusNoContent, code)
		_, body, _ = ask(t, h, "GET", one)
		require.Contains(t, body, `"state":"pending"`)
		require.NoError(t, asynq.NewInspectorFromRedisClient(rdb).ArchiveTask("checks", id))
		code, _, _ = ask(t, h, "DELETE", gone)
		require.Equal(t, http.StatusNoContent, code)
		code, _, _ = ask(t, h, "GET", one)
		require.Equal(t, http.StatusNotFound, code)
	})
}

func TestPayloadThatIsNotText(t *testing.T) {
	t.Parallel()
	rdb := redistest.Client(t, redistest.Mini(t))
	_, err := asynq.NewClientFromRedisClient(rdb).Enqueue(asynq.NewTask("other", []byte("<b>\x00\n\xff")), asynq.Queue("checks"), asynq.TaskID("x"))
	require.NoError(t, err)
	code, body, _ := ask(t, New(rdb, false), "GET", "/monitor/api/queues/checks/pending_tasks")
	require.Equal(t, 200, code)
	require.True(t, json.Valid([]byte(body)))
	require.NotContains(t, body, "<b>", "JSON escapes what a page could take for HTML")
}
