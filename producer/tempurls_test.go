package producer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/tempurl"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/producer/events"
)

// resolver answers by name and remembers who asked.
type resolver struct{ who []tempurl.Viewer }

func (r *resolver) Resolve(_ context.Context, who tempurl.Viewer, ids []string) []tempurl.Answer {
	r.who = append(r.who, who)
	out := make([]tempurl.Answer, len(ids))
	for i, id := range ids {
		out[i] = tempurl.Answer{FileID: id, Code: id}
		if id == tempurl.Success {
			out[i].URL, out[i].MaxAge = "https://u/?a=1&b=2", 599900*time.Millisecond
		}
	}
	return out
}

func newTempURLs(t *testing.T, change ...func(*producer.Options)) (*world, *resolver) {
	t.Helper()
	w, urls := newGatedWorld(t, change...), &resolver{}
	mux := http.NewServeMux()
	api := producer.NewAPI(w.p, w, 0)
	api.Register(mux)
	api.RegisterTempURLs(mux, urls)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	w.url = srv.URL
	return w, urls
}

func TestPostTempURLs(t *testing.T) {
	t.Parallel()
	w, urls := newTempURLs(t)
	body := []byte(`{"fileIDs":["SUCCESS","STORAGE_FILE_NONEXIST","STORAGE_REQUEST_FAIL"]}`)
	for key, who := range map[string]tempurl.Viewer{readKey: {All: true}, token(t, "oX"): {Owner: "oX"}} {
		res := w.do(http.MethodPost, "/v1/temp-urls", key, body)
		require.Equal(t, 200, res.status, "%s", res.body)
		require.JSONEq(t, fmt.Sprintf(`{"requestId":%q,"fileList":[
			{"fileID":"SUCCESS","tempFileURL":"https://u/?a=1&b=2","maxAge":599,"code":"SUCCESS"},
			{"fileID":"STORAGE_FILE_NONEXIST","tempFileURL":"","maxAge":0,"code":"STORAGE_FILE_NONEXIST"},
			{"fileID":"STORAGE_REQUEST_FAIL","tempFileURL":"","maxAge":0,"code":"STORAGE_REQUEST_FAIL"}]}`,
			res.header.Get(auth.RequestIDHeader)), string(res.body))
		require.Equal(t, "no-store", res.header.Get("Cache-Control"))
		require.Equal(t, who, urls.who[len(urls.who)-1])
	}
}

func TestPostTempURLsRefused(t *testing.T) {
	t.Parallel()
	w, urls := newTempURLs(t)
	many, err := json.Marshal(map[string]any{"fileIDs": make([]string, events.MaxFileIDs+1)})
	require.NoError(t, err)
	for _, tt := range []struct {
		name, key, body string
		status          int
		code            string
	}{
		{"no key", "", `{}`, 401, "UNAUTHORIZED"},
		{"wrong scope", announceKey, `{}`, 403, "FORBIDDEN"},
		{"no JSON", readKey, `fileIDs`, 400, "BAD_JSON"},
		{"empty", readKey, ``, 400, "BAD_JSON"},
		{"another field", readKey, `{"fileIDs":["a"],"maxAge":5}`, 400, "UNKNOWN_FIELD"},
		{"a field twice", readKey, `{"fileIDs":["a"],"fileIDs":["b"]}`, 400, "DUPLICATE_FIELD"},
		{"trailing", readKey, `{"fileIDs":["a"]} x`, 400, "TRAILING_DATA"},
		{"no list", readKey, `{"fileIDs":"a"}`, 400, "BAD_FIELD"},
		{"no strings", readKey, `{"fileIDs":[1]}`, 400, "BAD_FIELD"},
		{"nothing", readKey, `{}`, 400, "MISSING_FIELD"},
		{"an empty list", readKey, `{"fileIDs":[]}`, 400, "MISSING_FIELD"},
		{"too many", readKey, string(many), 400, "TOO_MANY_FILES"},
		{"too large", readKey, `{"fileIDs":["` + strings.Repeat("a", 1<<20) + `"]}`, 413, "BODY_TOO_LARGE"},
	} {
		w.do(http.MethodPost, "/v1/temp-urls", tt.key, []byte(tt.body)).requireError(t, tt.status, tt.code)
	}
	require.Empty(t, urls.who)
	res := w.do(http.MethodPost, "/v1/temp-urls", readKey, []byte(`{"fileIDs":["STORAGE_REQUEST_FAIL"]}`))
	res.requireError(t, 503, "UNAVAILABLE")
	require.Contains(t, string(res.body), "neither the storage nor the ledger told of any of 1 files")
	require.NotEmpty(t, res.header.Get("Retry-After"))
}
