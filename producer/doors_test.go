package producer_test

import (
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/tasks"
)

const (
	oldSecret   = "whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQt"
	newSecret   = "whsec_bmV3LW5ldy1uZXctbmV3LW5ldy1uZXct"
	tokenSecret = "token-secret-token-secret-token-secret"
)

// newGatedWorld is newWorld with a gate that takes keys, signatures and tokens.
func newGatedWorld(t *testing.T, change ...func(*producer.Options)) *world {
	t.Helper()
	w := newWorld(t, change...)
	webhooks, err := auth.NewWebhooks(auth.WebhookOptions{Secrets: []string{newSecret, oldSecret}})
	require.NoError(t, err)
	users, err := auth.NewTokens(auth.TokenOptions{HS256Secret: tokenSecret})
	require.NoError(t, err)
	w.guard = auth.NewGate(auth.Options{Keys: w.keys, Webhooks: webhooks, Users: users})
	return w
}

// count gives the rows of a table of the ledger.
func (w *world) count(table string) (n int) {
	w.t.Helper()
	require.NoError(w.t, w.db.SQL().QueryRowContext(w.t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n))
	return n
}

// signed posts a body as a sender with the secret does; headers are name, value.
func (w *world) signed(secret, id string, at time.Time, path, body string, headers ...string) answer {
	w.t.Helper()
	return w.do(http.MethodPost, path, "", []byte(body), append(signatureOf(w.t, secret, id, at, body), headers...)...)
}

// signatureOf gives the headers of a sender with the secret, as name and value.
func signatureOf(t *testing.T, secret, id string, at time.Time, body string) []string {
	t.Helper()
	sender, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	signature, err := sender.Sign(id, at, []byte(body))
	require.NoError(t, err)
	return []string{"Webhook-Id", id, "Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10), "Webhook-Signature", signature}
}

func token(t *testing.T, owner string) string {
	t.Helper()
	s, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"customUserId": owner, "exp": time.Now().Add(time.Hour).Unix(),
	}).SignedString([]byte(tokenSecret))
	require.NoError(t, err)
	return s
}

// TestSignedAnnouncement: a signature opens both doors of announcements; what is sent
// again under the same ID changes nothing, also when the secret rotated in between.
func TestSignedAnnouncement(t *testing.T) {
	t.Parallel()
	w := newGatedWorld(t)
	now := time.Now()
	const body = `{"files":["users/o1/1.jpg"]}`
	var got receipts
	w.signed(oldSecret, "m1", now, "/v1/uploads", body).into(t, 202, &got)
	require.True(t, got.Uploads[0].New)
	w.signed(oldSecret, "m1", now, "/v1/uploads", body).into(t, 202, &got)
	require.False(t, got.Uploads[0].New)
	w.signed(newSecret, "m1", now.Add(time.Second), "/v1/uploads", body).into(t, 202, &got)
	require.Equal(t, 1, w.uploads()[0].Announcements, "a replay has no effect")
	w.signed(newSecret, "m2", now, "/v1/uploads", body).into(t, 202, &got)
	require.Equal(t, 2, w.uploads()[0].Announcements)

	event := cosEvent("ObjectCreated:Put", "users/o1/2.jpg", "users/o1/2.jpg", "")
	for range 2 {
		require.Equal(t, 202, w.signed(newSecret, "e1", now, "/v1/events/cos", event).status)
	}
	require.Len(t, w.uploads(), 2)
	require.Equal(t, 2, w.queued(tasks.QueueChecks))
}

// TestSignedRetryAfter503: what the ledger could not take is not remembered as seen.
func TestSignedRetryAfter503(t *testing.T) {
	t.Parallel()
	w := newGatedWorld(t)
	now := time.Now()
	const body = `{"files":["users/o1/1.jpg"]}`
	_, err := w.db.SQL().ExecContext(t.Context(), "ALTER TABLE uploads RENAME TO away")
	require.NoError(t, err)
	res := w.signed(newSecret, "m1", now, "/v1/uploads", body)
	require.GreaterOrEqual(t, res.status, 500, "%s", res.body)
	require.Zero(t, w.count("inbound_ids"))
	_, err = w.db.SQL().ExecContext(t.Context(), "ALTER TABLE away RENAME TO uploads")
	require.NoError(t, err)
	var got receipts
	w.signed(newSecret, "m1", now, "/v1/uploads", body).into(t, 202, &got)
	require.True(t, got.Uploads[0].New, "the retry is taken")
	require.Equal(t, 1, w.count("inbound_ids"))
}

// TestUsers: an end user announces and reads what is the user's own, and nothing else.
func TestUsers(t *testing.T) {
	t.Parallel()
	w := newGatedWorld(t, func(o *producer.Options) { o.OwnerRequired = false })
	post := func(owner, body string) answer {
		return w.do(http.MethodPost, "/v1/uploads", token(t, owner), []byte(body))
	}
	for name, body := range map[string]string{
		"another's name":       `{"files":["users/o2/1.jpg"]}`,
		"another's fileID":     `{"files":["cloud://prod.` + bucket + `/users/o2/1.jpg"]}`,
		"one of two":           `{"files":["users/o1/1.jpg","users/o2/1.jpg"]}`,
		"another's owner":      `{"owner":"o2","files":["users/o1/1.jpg"]}`,
		"nobody's name":        `{"files":["temp/1.jpg"]}`,
		"nobody's fileID":      `{"files":["cos://` + plainBucket + `/temp/1.jpg"]}`,
		"a folder like theirs": `{"files":["users/o1x/1.jpg"]}`,
		"the folder itself":    `{"files":["users/o1"]}`,
	} {
		refused := post("o1", body).requireError(t, 403, "OWNER_MISMATCH")
		require.NotContains(t, refused["message"], tokenSecret, name)
		require.Empty(t, w.uploads(), name)
	}
	post("o1", `{"files":["users/../o1/1.jpg"]}`).requireError(t, 400, "INVALID_FILE_NAME")
	w.do(http.MethodPost, "/v1/events/cos", token(t, "o1"),
		[]byte(cosEvent("ObjectCreated:Put", "users/o1/2.jpg", "users/o1/2.jpg", ""))).requireError(t, 403, "FORBIDDEN")
	require.Empty(t, w.uploads())

	var got receipts
	post("o1", `{"order":"A12","owner":"o1","files":["users/o1/1.jpg"]}`).into(t, 202, &got)
	require.Equal(t, "o1", w.uploads()[0].Owner)
	get := func(key, id string) answer { return w.do(http.MethodGet, "/v1/uploads/"+id, key, nil) }
	id := got.Uploads[0].UploadID
	require.Equal(t, 200, get(token(t, "o1"), id).status)
	require.Equal(t, 200, get(readKey, id).status)
	theirs := get(token(t, "o2"), id).requireError(t, 404, "NOT_FOUND")
	nobodys := get(token(t, "o2"), pipeline.UploadID(bucket, "users/o1/9.jpg")).requireError(t, 404, "NOT_FOUND")
	require.Equal(t, nobodys["message"], theirs["message"], "nothing tells that it is there")
}

// TestBOM: one byte order mark before the JSON is cut off, with a key and with a signature.
func TestBOM(t *testing.T) {
	t.Parallel()
	w := newGatedWorld(t)
	const bom = "\xef\xbb\xbf"
	require.Equal(t, 202, w.announce(bom+`{"files":["users/o1/1.jpg"]}`).status)
	require.Equal(t, 202, w.signed(newSecret, "m", time.Now(), "/v1/uploads", bom+`{"files":["users/o1/2.jpg"]}`).status)
	w.announce(bom+bom+`{"files":["users/o1/3.jpg"]}`).requireError(t, 400, "BAD_JSON")
	w.announce(strings.ToValidUTF8("\xff\xfe{\x00", "\xff")+`}`).requireError(t, 400, "BAD_JSON")
	require.Len(t, w.uploads(), 2)
}

// TestForgedWebhooks: whatever is not exactly what a holder of a secret signed is refused
// with a status, a code and no row, at every door of announcements.
func TestForgedWebhooks(t *testing.T) {
	t.Parallel()
	w := newGatedWorld(t)
	now := time.Now()
	uploads := `{"files":["users/o1/1.jpg"]}`
	event := cosEvent("ObjectCreated:Put", "users/o1/1.jpg", "users/o1/1.jpg", "")
	const stranger = "whsec_c3RyYW5nZXItc3RyYW5nZXItc3RyYW5nZXI="
	sign := func(secret string, at time.Time, body string) string {
		sender, err := standardwebhooks.NewWebhook(secret)
		require.NoError(t, err)
		s, err := sender.Sign("m1", at, []byte(body))
		require.NoError(t, err)
		return s
	}
	at := strconv.FormatInt(now.Unix(), 10)
	doors := map[string]string{"/v1/uploads": uploads, "/v1/events/cos": event, "/v1/events/eventbridge": cloudEvent(event)}
	for door, body := range doors {
		good := sign(newSecret, now, body)
		for _, tt := range []struct {
			name   string
			body   string
			header map[string][]string
			status int
			code   string
		}{
			{"nothing", body, nil, 401, "UNAUTHORIZED"},
			{"only an ID", body, map[string][]string{"Webhook-Timestamp": nil, "Webhook-Signature": nil}, 401, "UNAUTHORIZED"},
			{"no signature", body, map[string][]string{"Webhook-Signature": nil}, 401, "UNAUTHORIZED"},
			{"empty signature", body, map[string][]string{"Webhook-Signature": {""}}, 401, "UNAUTHORIZED"},
			{"of a stranger", body, map[string][]string{"Webhook-Signature": {sign(stranger, now, body)}}, 401, "UNAUTHORIZED"},
			{"of another body", body + " ", map[string][]string{}, 401, "UNAUTHORIZED"},
			{"of no body", "", map[string][]string{}, 401, "UNAUTHORIZED"},
			{"truncated", body, map[string][]string{"Webhook-Signature": {good[:len(good)-2]}}, 401, "UNAUTHORIZED"},
			{"asymmetric", body, map[string][]string{"Webhook-Signature": {"v1a" + good[2:]}}, 401, "UNAUTHORIZED"},
			{"version 0", body, map[string][]string{"Webhook-Signature": {"v0" + good[2:]}}, 401, "UNAUTHORIZED"},
			{"two signatures", body, map[string][]string{"Webhook-Signature": {good, good}}, 401, "UNAUTHORIZED"},
			{"two IDs", body, map[string][]string{"Webhook-Id": {"m1", "m1"}}, 401, "UNAUTHORIZED"},
			{"two timestamps", body, map[string][]string{"Webhook-Timestamp": {at, at}}, 401, "UNAUTHORIZED"},
			{"another ID", body, map[string][]string{"Webhook-Id": {"m2"}}, 401, "UNAUTHORIZED"},
			{"too old", body, stamped(now.Add(-310*time.Second), sign(newSecret, now.Add(-310*time.Second), body)), 401, "UNAUTHORIZED"},
			{"of the future", body, stamped(now.Add(310*time.Second), sign(newSecret, now.Add(310*time.Second), body)), 401, "UNAUTHORIZED"},
			{"old, made new", body, stamped(now, sign(newSecret, now.Add(-time.Hour), body)), 401, "UNAUTHORIZED"},
			{"beside a wrong key", body, map[string][]string{"Authorization": {"Bearer wrong-0123456789abcdef"}}, 401, "UNAUTHORIZED"},
			{"beside a key without the scope", body, map[string][]string{"Authorization": {"Bearer " + readKey}}, 403, "FORBIDDEN"},
			{"beside a token that is none", body, map[string][]string{"Authorization": {"Bearer a.b.c"}}, 401, "UNAUTHORIZED"},
			{"compressed", body, map[string][]string{"Content-Encoding": {"gzip"}}, 415, "ENCODING_NOT_SUPPORTED"},
		} {
			t.Run(door+" "+tt.name, func(t *testing.T) {
				header := http.Header{}
				if tt.header != nil {
					header = http.Header{"Webhook-Id": {"m1"}, "Webhook-Timestamp": {at}, "Webhook-Signature": {good}}
				}
				maps.Copy(header, tt.header)
				res := w.raw(http.MethodPost, door, header, tt.body)
				res.requireError(t, tt.status, tt.code)
				require.NotContains(t, string(res.body), good[3:20], "what would be right is not told")
				require.NotContains(t, string(res.body), "whsec")
				for _, table := range []string{"uploads", "upload_steps", "order_links", "inbound_ids", "dead_letters"} {
					require.Zero(t, w.count(table), table)
				}
			})
		}
	}
	require.Zero(t, w.queued(tasks.QueueChecks))
}

// TestSignedButBad: a good signature does not make a bad body good, and its ID is not
// remembered, so that the corrected one is taken.
func TestSignedButBad(t *testing.T) {
	t.Parallel()
	w := newGatedWorld(t)
	now := time.Now()
	for body, code := range map[string]string{
		`{"files":["users/o1/1.jpg"],"files":["users/o2/1.jpg"]}`:               "DUPLICATE_FIELD",
		`{"files":[{"file":"users/o1/1.jpg","file":"users/o2/1.jpg"}]}`:         "DUPLICATE_FIELD",
		`{"owner":"o1","owner":"o2","files":["users/o1/1.jpg"]}`:                "DUPLICATE_FIELD",
		"\x1f\x8b\x08\x00\x00\x00\x00\x00":                                      "BAD_JSON",
		`{"files":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000): "BAD_JSON",
		`{"files":["users/o1/../o2/1.jpg"]}`:                                    "INVALID_FILE_NAME",
	} {
		w.signed(newSecret, "m1", now, "/v1/uploads", body).requireError(t, 400, code)
		require.Zero(t, w.count("uploads"))
		require.Zero(t, w.count("inbound_ids"))
	}
	require.Equal(t, 202, w.signed(newSecret, "m1", now, "/v1/uploads", `{"files":["users/o1/1.jpg"]}`).status)
}

func stamped(at time.Time, signature string) map[string][]string {
	return map[string][]string{"Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "Webhook-Signature": {signature}}
}

// raw sends a request with exactly these headers.
func (w *world) raw(method, path string, header http.Header, body string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, strings.NewReader(body))
	require.NoError(w.t, err)
	req.Header = header
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	require.NoError(w.t, err)
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	require.NoError(w.t, err)
	documented(w.t, req, []byte(body), res, b)
	return answer{res.StatusCode, res.Header, b}
}
