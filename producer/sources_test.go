package producer_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/producer/events"
)

var update = flag.Bool("update", false, "write golden files")

// source is a way in, with a request of each kind.
type source struct {
	name, path, key string
	good            string
	// forgedPath and forgedKey are those of somebody who was not let in.
	forgedPath, forgedKey string
	malformed, strange    string
	// signed and forgedSigned give the headers of senders that sign, name and value.
	signed, forgedSigned func(body string) []string
	// asks is a door that only answers and keeps nothing.
	asks bool
}

func sources(t *testing.T) []source {
	t.Helper()
	event := cosEvent("ObjectCreated:Put", "users/o1/1.jpg", "users/o1/1.jpg", "")
	many := callbackPath(t, events.CallbackGrant{Bucket: bucket, Prefix: "users/o1/"})
	const wrongKey = "announce-0123456789abcdeX"
	signer := func(secret string) func(string) []string {
		return func(body string) []string { return signatureOf(t, secret, "m1", time.Now(), body) }
	}
	const stranger = "whsec_c3RyYW5nZXItc3RyYW5nZXItc3RyYW5nZXI="
	forgedToken := token(t, "o1")
	forgedToken = forgedToken[:len(forgedToken)-10] + "AAAAAAAAAA"
	return []source{
		{
			name: "client JSON by a key, `POST /v1/uploads`", path: "/v1/uploads", key: announceKey, good: `{"files":["users/o1/1.jpg"]}`,
			forgedPath: "/v1/uploads", forgedKey: wrongKey, malformed: `{"files":[`, strange: `{"file":"users/o1/1.jpg"}`,
		},
		{
			name: "client JSON by an end user's token, `POST /v1/uploads`", path: "/v1/uploads", key: token(t, "o1"), good: `{"files":["users/o1/1.jpg"]}`,
			forgedPath: "/v1/uploads", forgedKey: forgedToken, malformed: `{"files":[`, strange: `{"file":"users/o1/1.jpg"}`,
		},
		{
			name: "client JSON, signed, `POST /v1/uploads`", path: "/v1/uploads", signed: signer(newSecret), good: `{"files":["users/o1/1.jpg"]}`,
			forgedPath: "/v1/uploads", forgedSigned: signer(stranger), malformed: `{"files":[`, strange: `{"file":"users/o1/1.jpg"}`,
		},
		{
			name: "COS trigger by a key, `POST /v1/events/cos`", path: "/v1/events/cos", key: announceKey, good: event,
			forgedPath: "/v1/events/cos", forgedKey: wrongKey, malformed: event[:len(event)-2], strange: `{"Records":[{"s3":{}}]}`,
		},
		{
			name: "COS trigger, signed, `POST /v1/events/cos`", path: "/v1/events/cos", signed: signer(newSecret), good: event,
			forgedPath: "/v1/events/cos", forgedSigned: signer(stranger), malformed: event[:len(event)-2], strange: `{"Records":[{"s3":{}}]}`,
		},
		{
			name: "topic of CMQ or TDMQ, `POST /v1/events/cos`", path: "/v1/events/cos", key: announceKey,
			good:       fmt.Sprintf(`{"Records":[{"CMQ":{"msgBody":%q}}]}`, event),
			forgedPath: "/v1/events/cos", forgedKey: wrongKey, malformed: `{"Records":[{"CMQ":`, strange: `{"Records":[{"CMQ":{"msgBody":"hello"}}]}`,
		},
		{
			name: "EventBridge, `POST /v1/events/eventbridge`", path: "/v1/events/eventbridge", key: announceKey, good: cloudEvent(event),
			forgedPath: "/v1/events/eventbridge", forgedKey: wrongKey, malformed: `{"specversion":"1.0"`, strange: cloudEvent(`{"object":"users/o1/1.jpg"}`),
		},
		{
			name: "COS callback, `POST /v1/callbacks/cos`", path: many, good: "bucket=" + bucket + "&object=users/o1/1.jpg",
			forgedPath: many[:len(many)-1], malformed: "object=%zz", strange: `{"object":{}}`,
		},
		{
			name: "URLs of files, `POST /v1/temp-urls`", path: "/v1/temp-urls", key: readKey, good: `{"fileIDs":["SUCCESS"]}`, asks: true,
			forgedPath: "/v1/temp-urls", forgedKey: wrongKey, malformed: `{"fileIDs":[`, strange: `{"fileList":["SUCCESS"]}`,
		},
	}
}

// TestSources asks every door every kind of question, and holds the answers against the
// table that users read; -update writes it.
func TestSources(t *testing.T) {
	t.Parallel()
	kinds := []string{"accepted", "duplicate", "forged", "too large", "malformed", "not understood"}
	var page strings.Builder
	page.WriteString("# What each door answers\n\nStatus, and what the answer says of the file or its code. The tests of the doors make this table. [Signatures](sign.md) are asked for by GET and have no body; `GET /openapi.json` has every answer of every door.\n\n")
	_, _ = fmt.Fprintf(&page, "| source | %s |\n|%s\n", strings.Join(kinds, " | "), strings.Repeat("---|", len(kinds)+1))
	for _, s := range sources(t) {
		cells := []string{s.name}
		for _, kind := range kinds {
			cells = append(cells, s.ask(t, kind))
		}
		page.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	page.WriteString("\n- `202` and `200` of an announcement mean that the ledger has it: the upload, or the letter that keeps what was not understood.\n" +
		"- A request with a wrong key or token is refused before its body is read. Neither it nor one that is too large or malformed leaves anything behind; only the callback does, because COS does not send it again: what cannot be read of it is kept as a letter.\n" +
		"- While the ledger is away, or 64 requests wait for it already, every door answers `503 UNAVAILABLE` with `Retry-After`, and nothing is kept.\n" +
		"- The [codes](codes.md#why-an-announcement-is-refused) say what to do, and [the doors](events.md) what they take.\n")
	file := filepath.Join("..", "deploy", "docs", "sources.md")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(page.String()), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), page.String(), "go test ./producer -run TestSources -update writes it")
}

// TestSourcesWithoutLedger: what cannot be committed is never answered as taken.
func TestSourcesWithoutLedger(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		for _, body := range []string{s.good, s.strange} {
			if s.asks {
				continue // its own tests have it
			}
			w := newGatedWorld(t, withCallbacks)
			require.NoError(t, w.db.Close())
			res := w.do(http.MethodPost, s.path, s.key, []byte(body), s.headers(s.signed, body)...)
			if body == s.strange && res.status == 400 {
				continue // refused whatever the ledger does
			}
			res.requireError(t, 503, "UNAVAILABLE")
			require.NotEmpty(t, res.header.Get("Retry-After"), s.name)
		}
	}
}

// ask sends one request to a new world, checks what it left behind, and gives the cell of
// the table.
func (s source) ask(t *testing.T, kind string) string {
	t.Helper()
	w, _ := newTempURLs(t, withCallbacks)
	send := func(path, key, body string) answer {
		sign := s.signed
		if kind == "forged" {
			sign = s.forgedSigned
		}
		res := w.do(http.MethodPost, path, key, []byte(body), s.headers(sign, body)...)
		require.NotEmpty(t, res.header.Get("X-Request-Id"))
		return res
	}
	var res answer
	uploads := 0
	switch kind {
	case "accepted":
		res, uploads = send(s.path, s.key, s.good), 1
	case "duplicate":
		require.Less(t, send(s.path, s.key, s.good).status, 300)
		res, uploads = send(s.path, s.key, s.good), 1
	case "forged":
		res = send(s.forgedPath, s.forgedKey, s.good)
	case "too large":
		res = send(s.path, s.key, s.good+strings.Repeat(" ", 2<<20))
	case "malformed":
		res = send(s.path, s.key, s.malformed)
	case "not understood":
		res = send(s.path, s.key, s.strange)
	}
	if s.asks {
		uploads = 0
	}
	said, letter := saidOf(t, res)
	require.Len(t, w.uploads(), uploads, "%s: %s", s.name, kind)
	letters := w.letters()
	require.Equal(t, letter != 0, len(letters) == 1, "%s: %s: %s", s.name, kind, res.body)
	if letter != 0 {
		require.Equal(t, letter, letters[0].ID)
		said += ", a letter"
	}
	return fmt.Sprintf("%d %s", res.status, said)
}

// headers are those of a sender that signs, or none.
func (s source) headers(sign func(string) []string, body string) []string {
	if sign == nil {
		return nil
	}
	return sign(body)
}

// saidOf gives what an answer says of its one file: its code, else what became of it.
func saidOf(t *testing.T, res answer) (said string, letter int64) {
	t.Helper()
	type end struct {
		Code, Status string
		Letter       int64
		New          *bool
	}
	var body struct {
		end
		Results, Uploads, FileList []end
	}
	require.NoError(t, json.Unmarshal(res.body, &body), "%s", res.body)
	e := body.end
	if one := slices.Concat(body.Results, body.Uploads, body.FileList); len(one) > 0 {
		require.Len(t, one, 1)
		e = one[0]
	}
	switch {
	case e.Code != "":
		return "`" + e.Code + "`", e.Letter
	case e.New != nil && *e.New:
		return "accepted", 0
	case e.New != nil:
		return "duplicate", 0
	}
	return e.Status, e.Letter
}
