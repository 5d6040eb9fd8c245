package wire_test

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer/events"
	"github.com/afterput/afterput/producer/openapi/openapitest"
)

const (
	answersBucket  = "photos-1250000000"
	answersParts   = "users/o1/20260105/ho6xqlrtwv4kdpxsf7c2ybm3qa.mp4" // signed for, in parts
	reader         = "reader-0123456789"
	callbackSecret = "callback-0123456789"
)

// answers collects which answers of the document were really seen.
type answers struct {
	t    *testing.T
	doc  *openapitest.Document
	seen map[string][]string
}

// ask sends a request as it is written and holds the answer against the document.
func (a *answers) ask(address, method, target, headers, body string) reply {
	a.t.Helper()
	length := ""
	if !strings.Contains(headers, "Content-Length") && !strings.Contains(headers, "Transfer-Encoding") {
		length = fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	res := send(a.t, address, func(w io.Writer, _ *net.TCPConn) error {
		_, err := io.WriteString(w, method+" "+target+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"+headers+length+"\r\n"+body)
		return err
	})
	path, err := url.Parse(target)
	require.NoError(a.t, err)
	require.NoError(a.t, a.doc.Check(openapitest.Answer{
		Method: method, Path: path.Path, Status: res.status, Header: res.header, Body: []byte(res.body),
	}))
	operation := a.doc.Find(method, path.Path)
	if operation == "" && res.status == 405 {
		operation = a.doc.Find("GET", path.Path) // a method that it refuses
	}
	if status := strconv.Itoa(res.status); !slices.Contains(a.seen[operation], status) {
		a.seen[operation] = append(a.seen[operation], status)
	}
	return res
}

// request is a good request to a door, what its caller sends, and what other callers do.
type request struct {
	method, path, auth, body string
	// stranger is somebody unknown, unfit somebody who may not do this.
	strangerPath, unfitAuth, unfitBody string
	malformed                          string
}

func bearer(key string) string { return "Authorization: Bearer " + key + "\r\n" }

func answersCallback(t *testing.T, g events.CallbackGrant) string {
	t.Helper()
	g.Bucket, g.Expires = answersBucket, time.Now().Add(time.Hour).Unix()
	target, err := events.CallbackURL("", []byte(callbackSecret), g)
	require.NoError(t, err)
	return target
}

func requests(t *testing.T) []request {
	t.Helper()
	event := `{"Records":[{"cos":{"cosBucket":{"appid":"1250000000","name":"photos","cosRegion":"ap-guangzhou"},"cosObject":{"key":"/1250000000/photos/users/o1/2.jpg","url":"http://` +
		answersBucket + `.cos.ap-guangzhou.myqcloud.com/users/o1/2.jpg","size":5}},"event":{"eventName":"cos:ObjectCreated:Put","eventTime":1632900000}}]}`
	many := answersCallback(t, events.CallbackGrant{Prefix: "users/o1/"})
	return []request{
		{method: "POST", path: "/v1/uploads", auth: bearer(announcer), body: `{"order":"A12","files":["users/o1/1.jpg"]}`, unfitAuth: bearer(watcher), malformed: `{"files":[`},
		{method: "GET", path: "/v1/uploads/" + pipeline.UploadID(answersBucket, "users/o1/1.jpg"), auth: bearer(reader), unfitAuth: bearer(watcher)},
		{method: "POST", path: "/v1/events/cos", auth: bearer(announcer), body: event, unfitAuth: bearer(watcher), malformed: `{"Records":[]}`},
		{method: "POST", path: "/v1/events/eventbridge", auth: bearer(announcer), body: `{"specversion":"1.0","id":"e","type":"cos:created:object","source":"cos","data":` + event + `}`, unfitAuth: bearer(watcher), malformed: `[]`},
		{method: "POST", path: many, body: "object=users/o1/3.jpg", strangerPath: many[:len(many)-1], unfitBody: "object=users/o2/3.jpg", malformed: "size=5"},
		{method: "POST", path: "/v1/temp-urls", auth: bearer(reader), body: `{"fileIDs":["cos://` + answersBucket + `/users/o1/1.jpg"]}`, unfitAuth: bearer(watcher), malformed: `{"fileIDs":[]}`},
		{method: "GET", path: "/put-sign?ext=jpg&owner=o1&forbidOverwrite=1", auth: bearer(announcer), unfitAuth: bearer(watcher)},
		{method: "GET", path: "/post-policy?ext=jpg&owner=o1", auth: bearer(announcer), unfitAuth: bearer(watcher)},
		{method: "GET", path: "/multipart-sign?method=post&uploads=&owner=o1&cosKey=" + answersParts, auth: bearer(announcer), unfitAuth: bearer(watcher)},
		{method: "GET", path: "/healthz"},
		{method: "GET", path: "/readyz"},
		{method: "GET", path: "/metrics", auth: bearer(watcher), unfitAuth: bearer(announcer)},
		{method: "GET", path: "/openapi.json"},
	}
}

// TestAnswers: every answer that the OpenAPI document has is really given, as the document
// says, and no other. 500 is a bug, which nobody can ask for.
func TestAnswers(t *testing.T) {
	t.Parallel()
	doc, err := openapitest.Load()
	require.NoError(t, err)
	a := &answers{t, doc, make(map[string][]string)}
	settings := func(limit config.RateLimit) func(*config.Config) {
		return func(c *config.Config) {
			c.Auth.Keys = append(c.Auth.Keys, config.Key{Name: "page", Secret: reader, Scopes: []string{"read"}})
			c.Auth.CallbackSecret, c.HTTP.RateLimit = callbackSecret, limit
			// Little progress is enough, so that a loaded machine sends what is too large in time.
			c.HTTP.Progress = config.Progress{Bytes: 1 << 10, Every: 500 * time.Millisecond, AtMost: time.Minute}
		}
	}
	app, address := door(t, settings(config.RateLimit{}))
	require.NoError(t, app.Cache.Set(t.Context(), pipeline.TempURL{FileID: "cos://" + answersBucket + "/users/o1/1.jpg", URL: "https://u/1.jpg"}))
	require.NoError(t, app.Ledger.Sign(t.Context(), ledger.Signed{
		Bucket: answersBucket, Key: answersParts, Owner: "o1", ExpiresAt: time.Now().Add(time.Hour),
	}))
	for _, r := range requests(t) {
		for range 2 { // new, and known
			require.Less(t, a.ask(address, r.method, r.path, r.auth, r.body).status, 300, r.path)
		}
		a.refusals(address, r)
	}
	a.more(t, address)

	_, address = door(t, settings(config.RateLimit{PerKey: 1, PerOwner: 1, PerIP: 1}))
	for _, r := range requests(t) {
		a.tooMany(address, r)
	}
	app, address = door(t, settings(config.RateLimit{}))
	require.NoError(t, app.Close())
	for _, r := range requests(t) {
		a.ask(address, r.method, r.path, r.auth, r.body)
	}

	for _, operation := range doc.Operations() {
		want := slices.DeleteFunc(doc.Statuses(operation), func(status string) bool { return status == "500" })
		slices.Sort(a.seen[operation])
		require.Equal(t, want, a.seen[operation], operation)
	}
}

// refusals asks in every way that is refused.
func (a *answers) refusals(address string, r request) {
	a.ask(address, r.method, r.path, "X: "+strings.Repeat("x", 64<<10)+"\r\n", "")
	a.ask(address, r.method, r.path, r.auth+"Transfer-Encoding: gzip\r\n", "")
	a.ask(address, r.method, r.path, r.auth+"Content-Length: many\r\n", "")
	if r.strangerPath != "" {
		a.ask(address, r.method, r.strangerPath, "", r.body)
		a.ask(address, r.method, r.path, "", r.unfitBody)
	}
	if r.auth != "" {
		a.ask(address, r.method, r.path, "", r.body)
		a.ask(address, r.method, r.path, bearer("wrong-0123456789abcdef"), r.body)
		a.ask(address, r.method, r.path, r.unfitAuth, r.body)
	}
	if r.body != "" {
		a.ask(address, r.method, r.path, r.auth, r.malformed)
		a.ask(address, r.method, r.path, r.auth, r.body+strings.Repeat(" ", 2<<20))
		a.ask(address, r.method, r.path, r.auth+"Content-Encoding: gzip\r\n", r.body)
		a.ask(address, r.method, r.path, r.auth+"Content-Length: 1000\r\n", r.body)
	}
}

// more asks what only one door answers.
func (a *answers) more(t *testing.T, address string) {
	t.Helper()
	a.ask(address, "GET", "/v1/uploads/"+pipeline.UploadID(answersBucket, "nothing"), bearer(reader), "")
	a.ask(address, "POST", answersCallback(t, events.CallbackGrant{Prefix: "users/o1/"}), "", "object=%zz")
	for _, path := range []string{"/put-sign", "/post-policy", "/multipart-sign"} {
		a.ask(address, "GET", path, bearer(announcer), "")
		a.ask(address, "POST", path, bearer(announcer), "")
	}
	for _, nowhere := range []string{"/", "/v1/", "/v1/uploads", "/v2/uploads", "/v1/uploads/a/b", "/favicon.ico"} {
		require.Equal(t, 404, a.ask(address, "GET", nowhere, bearer(announcer), "").status)
	}
	require.Equal(t, 404, a.ask(address, "DELETE", "/v1/uploads/1", bearer(announcer), "").status)
	require.Equal(t, 404, a.ask(address, "POST", "/healthz", "", "").status)
}

// tooMany asks until it is too often, as the caller and, where there is one, as a stranger.
func (a *answers) tooMany(address string, r request) {
	if r.auth == "" && r.strangerPath == "" {
		return
	}
	for range 200 {
		if a.ask(address, r.method, r.path, r.auth, r.body).status == 429 {
			return
		}
	}
	a.t.Fatalf("%s %s is never too often", r.method, r.path)
}
