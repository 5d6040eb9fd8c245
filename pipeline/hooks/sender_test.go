package hooks_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func secret(fill byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32))
}

func outcome() pipeline.Outcome {
	position := 2
	return pipeline.Outcome{
		UploadID: "u1", Revision: 1, FileID: "cloud://env.b-125/users/oX/a&b.jpg", Bucket: "b-125", Key: "users/oX/a&b.jpg",
		Owner: "oX", State: pipeline.UploadDone, ETag: "e", Size: 10, ContentType: "image/jpeg",
		Orders: []pipeline.OutcomeOrder{{Order: "A12", Position: &position, Attached: true}},
		At:     time.Date(2026, 11, 21, 10, 0, 0, 123456789, time.FixedZone("CST", 8*3600)),
	}
}

type received struct {
	header http.Header
	body   []byte
}

// endpoint answers with status and keeps what it got.
func endpoint(t *testing.T, status int, header map[string]string) (*httptest.Server, chan received) {
	t.Helper()
	got := make(chan received, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- received{r.Header.Clone(), body}
		for k, v := range header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, strings.Repeat("secret answer ", 10000))
	}))
	t.Cleanup(server.Close)
	return server, got
}

func newSender(t *testing.T, opt hooks.Options) *hooks.Sender {
	t.Helper()
	if opt.Secrets == nil {
		opt.Secrets = []string{secret(1)}
	}
	s, err := hooks.New(opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestNotifySigns(t *testing.T) {
	t.Parallel()
	server, got := endpoint(t, http.StatusNoContent, nil)
	s := newSender(t, hooks.Options{URL: server.URL + "/hook?a=1", Secrets: []string{secret(1), secret(2)}, AllowPrivate: true})
	sent, err := s.Notify(t.Context(), outcome().Event())
	require.NoError(t, err)
	require.True(t, sent)

	r := <-got
	require.Equal(t, "u1.1", r.header.Get("Webhook-Id"))
	require.Equal(t, "application/json", r.header.Get("Content-Type"))
	require.Equal(t, "afterput", r.header.Get("User-Agent"))
	require.Len(t, strings.Fields(r.header.Get("Webhook-Signature")), 2)
	for _, key := range []string{secret(1), secret(2)} {
		w, err := standardwebhooks.NewWebhook(key)
		require.NoError(t, err)
		require.NoError(t, w.Verify(r.body, r.header))
	}
	w, err := standardwebhooks.NewWebhook(secret(3))
	require.NoError(t, err)
	require.Error(t, w.Verify(r.body, r.header))

	var event hooks.Event[pipeline.Outcome]
	require.NoError(t, json.Unmarshal(r.body, &event))
	require.Equal(t, "upload.done", event.Type)
	require.Equal(t, "2026-11-21T02:00:00Z", event.Timestamp)
	require.Equal(t, outcome().Orders, event.Data.Orders)
	require.Contains(t, string(r.body), "a&b.jpg")
}

// TestNotifyAgain: a second try has the same id and body; only its time is new.
func TestNotifyAgain(t *testing.T) {
	t.Parallel()
	server, got := endpoint(t, http.StatusInternalServerError, nil)
	now := time.Now()
	s := newSender(t, hooks.Options{URL: server.URL, AllowPrivate: true, Now: func() time.Time { return now }})
	_, err := s.Notify(t.Context(), outcome().Event())
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	now = now.Add(time.Minute)
	// What went through a database with coarser times is the same outcome.
	o := outcome()
	o.At = o.At.Truncate(time.Microsecond).UTC()
	_, err = s.Notify(t.Context(), o.Event())
	require.Error(t, err)

	first, second := <-got, <-got
	require.Equal(t, first.body, second.body)
	require.Equal(t, first.header["Webhook-Id"], second.header["Webhook-Id"])
	require.NotEqual(t, first.header["Webhook-Timestamp"], second.header["Webhook-Timestamp"])
	require.NotEqual(t, first.header["Webhook-Signature"], second.header["Webhook-Signature"])
}

func TestNotifyStatus(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		status     int
		retryAfter string
		class      pipeline.Class // "" for success
		wait       time.Duration
	}{
		{200, "", "", 0},
		{202, "", "", 0},
		{301, "", pipeline.Transient, 0},
		{307, "", pipeline.Transient, 0},
		{400, "", pipeline.Transient, 0},
		{401, "", pipeline.Denied, 0},
		{403, "", pipeline.Denied, 0},
		{404, "", pipeline.Transient, 0},
		{408, "", pipeline.Transient, 0},
		{410, "", pipeline.Denied, 0},
		{425, "", pipeline.Transient, 0},
		{429, "30", pipeline.Throttled, 30 * time.Second},
		{429, "", pipeline.Throttled, 0},
		{429, "soon", pipeline.Throttled, 0},
		{429, "-5", pipeline.Throttled, 0},
		{429, "4000000000", pipeline.Throttled, 24 * time.Hour},
		{500, "30", pipeline.Transient, 0},
		{503, now.Add(time.Minute).Format(http.TimeFormat), pipeline.Throttled, time.Minute},
		{503, now.Add(-time.Minute).Format(http.TimeFormat), pipeline.Throttled, 0},
		{504, "", pipeline.Transient, 0},
	} {
		t.Run(fmt.Sprintf("%d %s", tt.status, tt.retryAfter), func(t *testing.T) {
			t.Parallel()
			header := map[string]string{"Location": "http://127.0.0.1:1/elsewhere"}
			if tt.retryAfter != "" {
				header["Retry-After"] = tt.retryAfter
			}
			server, got := endpoint(t, tt.status, header)
			s := newSender(t, hooks.Options{URL: server.URL, AllowPrivate: true, Now: func() time.Time { return now }})
			sent, err := s.Notify(t.Context(), outcome().Event())
			require.Equal(t, tt.class, pipeline.ClassOf(err))
			require.Equal(t, tt.class == "", sent)
			require.Equal(t, tt.wait, pipeline.RetryAfterOf(err))
			require.Len(t, got, 1, "one request, no redirect followed")
			require.Equal(t, tt.status == 401 || tt.status == 403, pipeline.CodeOf(err) == pipeline.CodeWebhookRefused)
			if err != nil {
				require.Contains(t, err.Error(), fmt.Sprint(tt.status))
				require.NotContains(t, err.Error(), "secret answer")
			}
		})
	}
}

func TestNotifyNobody(t *testing.T) {
	t.Parallel()
	s, err := hooks.New(hooks.Options{})
	require.NoError(t, err)
	sent, err := s.Notify(t.Context(), outcome().Event())
	require.NoError(t, err)
	require.False(t, sent)
	require.NoError(t, s.Close())
}

// TestNotifyKeepsSecrets: no error shows user, password, path, query or key.
func TestNotifyKeepsSecrets(t *testing.T) {
	t.Parallel()
	server, got := endpoint(t, http.StatusForbidden, nil)
	withUser := strings.Replace(server.URL, "http://", "http://user:pa55word@", 1) + "/hook/t0ken?key=k3y"
	s := newSender(t, hooks.Options{URL: withUser, AllowPrivate: true})
	_, answered := s.Notify(t.Context(), outcome().Event())
	require.Error(t, answered)
	r := <-got
	require.NotEmpty(t, r.header.Get("Authorization"), "the endpoint gets what the URL says")
	server.Close()
	_, unreachable := s.Notify(t.Context(), outcome().Event())
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(unreachable))
	_, badURL := hooks.New(hooks.Options{URL: "https://user:pa55word@h/%zz", Secrets: []string{secret(1)}})
	_, badSecret := hooks.New(hooks.Options{URL: "https://h/", Secrets: []string{"whsec_pa55word!"}})
	for _, err := range []error{answered, unreachable, badURL, badSecret} {
		require.Error(t, err)
		for _, s := range []string{"user", "pa55word", "t0ken", "k3y", secret(1)} {
			require.NotContains(t, err.Error(), s)
		}
	}
}

func TestNotifyGuards(t *testing.T) {
	t.Parallel()
	var asked atomic.Bool
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Store(true) }))
	t.Cleanup(server.Close)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433"} {
		s := newSender(t, hooks.Options{URL: "https://" + host + ":" + port})
		sent, err := s.Notify(t.Context(), outcome().Event())
		require.False(t, sent)
		require.Error(t, err, host)
		if host == "127.0.0.1" {
			require.Equal(t, pipeline.Denied, pipeline.ClassOf(err))
			require.ErrorContains(t, err, "a loopback address")
		}
	}
	// Metadata of the cloud stays refused on an intranet too.
	s := newSender(t, hooks.Options{URL: "http://169.254.0.23/", AllowPrivate: true})
	_, err = s.Notify(t.Context(), outcome().Event())
	require.Equal(t, pipeline.Denied, pipeline.ClassOf(err))
	require.False(t, asked.Load())
}

func TestNotifyTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	s := newSender(t, hooks.Options{URL: server.URL, AllowPrivate: true})
	_, err := s.Notify(t.Context(), outcome().Event())
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	require.ErrorContains(t, err, "certificate")

	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	s = newSender(t, hooks.Options{URL: server.URL, AllowPrivate: true, RootCAs: roots})
	sent, err := s.Notify(t.Context(), outcome().Event())
	require.NoError(t, err)
	require.True(t, sent)
}

func TestNotifyTimesOut(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	s := newSender(t, hooks.Options{URL: server.URL, AllowPrivate: true, Timeout: 50 * time.Millisecond})
	_, err := s.Notify(t.Context(), outcome().Event())
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Notify(ctx, outcome().Event())
	require.True(t, errors.Is(err, context.Canceled))
}

func TestNotifyRefusesIDs(t *testing.T) {
	t.Parallel()
	s := newSender(t, hooks.Options{URL: "https://example.com"})
	for _, id := range []string{"", "a b", "a\r\nX: y", "图"} {
		_, err := s.Notify(t.Context(), pipeline.Event{ID: id, Type: "upload.done"})
		require.Equal(t, pipeline.Bug, pipeline.ClassOf(err))
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := []string{secret(1)}
	short := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23))
	for want, opt := range map[string]hooks.Options{
		"does not begin with https": {URL: "ftp://h/", Secrets: good},
		"plain http":                {URL: "http://h/", Secrets: good},
		"no host":                   {URL: "https:///x", Secrets: good},
		"fragment":                  {URL: "https://h/#x", Secrets: good},
		"no secret":                 {URL: "https://h/"},
		"secret 2 is not base64":    {URL: "https://h/", Secrets: []string{secret(1), "plain text"}},
		"secret 1 has 23 bytes":     {URL: "https://h/", Secrets: []string{short}},
		"secret 1 has 0 bytes":      {URL: "https://h/", Secrets: []string{""}},
	} {
		_, err := hooks.New(opt)
		require.ErrorContains(t, err, want)
	}
}

func ExampleBody() {
	body, err := hooks.Body(pipeline.Outcome{
		UploadID: "5f2c", Revision: 1, FileID: "cos://photos-125/users/oX/1.jpg", Bucket: "photos-125", Key: "users/oX/1.jpg",
		State: pipeline.UploadRejected, Reason: pipeline.CodeTooLarge, Detail: "25 MB: at most 20 MB",
		At: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC),
	}.Event())
	fmt.Println(string(body), err)
	// Output:
	// {"type":"upload.rejected","timestamp":"2026-11-21T10:00:00Z","data":{"uploadId":"5f2c","revision":1,"fileID":"cos://photos-125/users/oX/1.jpg","bucket":"photos-125","key":"users/oX/1.jpg","state":"rejected","reason":"TOO_LARGE","detail":"25 MB: at most 20 MB"}} <nil>
}
