package auth_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/producer/auth"
)

// The vector of the standard's own libraries.
const (
	vectorSecret    = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime      = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

	otherSecret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)

func vectorHeaders() http.Header {
	return http.Header{
		"Webhook-Id": {vectorID}, "Webhook-Timestamp": {strconv.Itoa(vectorTime)}, "Webhook-Signature": {vectorSignature},
	}
}

func newWebhooks(t *testing.T, at int64, secrets ...string) *auth.Webhooks {
	t.Helper()
	if len(secrets) == 0 {
		secrets = []string{"whsec_" + vectorSecret}
	}
	v, err := auth.NewWebhooks(auth.WebhookOptions{Secrets: secrets, Now: func() time.Time { return time.Unix(at, 0) }})
	require.NoError(t, err)
	return v
}

func TestWebhookVector(t *testing.T) {
	t.Parallel()
	require.NoError(t, newWebhooks(t, vectorTime).Verify(vectorHeaders(), []byte(vectorBody)))
	require.NoError(t, newWebhooks(t, vectorTime, vectorSecret).Verify(vectorHeaders(), []byte(vectorBody)), "without the prefix")
	require.NoError(t, newWebhooks(t, vectorTime, otherSecret, vectorSecret).Verify(vectorHeaders(), []byte(vectorBody)), "the new one first")
	require.NoError(t, newWebhooks(t, vectorTime, vectorSecret, otherSecret).Verify(vectorHeaders(), []byte(vectorBody)), "the old one first")
	require.Error(t, newWebhooks(t, vectorTime, otherSecret).Verify(vectorHeaders(), []byte(vectorBody)), "rotated away")

	// The list of the vectors of the standard's libraries: the right one among others.
	h := vectorHeaders()
	h.Set("Webhook-Signature", strings.Join([]string{
		"v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=", "v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=",
		vectorSignature, "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=",
	}, " "))
	require.NoError(t, newWebhooks(t, vectorTime).Verify(h, []byte(vectorBody)))
}

func TestWebhookTolerance(t *testing.T) {
	t.Parallel()
	for off, ok := range map[int64]bool{-301: false, -300: true, 0: true, 300: true, 301: false, 86400: false, -86400: false} {
		err := newWebhooks(t, vectorTime+off).Verify(vectorHeaders(), []byte(vectorBody))
		require.Equal(t, ok, err == nil, "clock off by %d s: %v", off, err)
	}
	// Times whose distance does not fit into 64 bits.
	for _, seconds := range []string{"9223372036854775807", "-9223372036854775808"} {
		h := vectorHeaders()
		h.Set("Webhook-Timestamp", seconds)
		require.ErrorContains(t, newWebhooks(t, vectorTime).Verify(h, []byte(vectorBody)), "five minutes")
	}
}

// TestWebhookForged: whatever is not exactly what was signed is 401.
func TestWebhookForged(t *testing.T) {
	t.Parallel()
	set := func(name string, values ...string) func(http.Header) {
		return func(h http.Header) { h[http.CanonicalHeaderKey(name)] = values }
	}
	const id, at, sig = "webhook-id", "webhook-timestamp", "webhook-signature"
	for _, tt := range []struct {
		name   string
		change func(http.Header)
		body   string
	}{
		{"no ID", func(h http.Header) { h.Del(id) }, vectorBody},
		{"no timestamp", func(h http.Header) { h.Del(at) }, vectorBody},
		{"no signature", func(h http.Header) { h.Del(sig) }, vectorBody},
		{"empty ID", set(id, ""), vectorBody},
		{"empty timestamp", set(at, ""), vectorBody},
		{"empty signature", set(sig, ""), vectorBody},
		{"another ID", set(id, vectorID+"x"), vectorBody},
		{"another timestamp", set(at, "1614265331"), vectorBody},
		{"timestamp in words", set(at, "now"), vectorBody},
		{"timestamp with a plus", set(at, "+1614265330"), vectorBody},
		{"timestamp with a zero", set(at, "01614265330"), vectorBody},
		{"timestamp with spaces", set(at, " 1614265330"), vectorBody},
		{"timestamp in hex", set(at, "0x60378372"), vectorBody},
		{"timestamp with a fraction", set(at, "1614265330.0"), vectorBody},
		{"body altered", nil, `{"test": 2432232315}`},
		{"body longer", nil, vectorBody + " "},
		{"body empty", nil, ""},
		{"body with a byte order mark", nil, "\xef\xbb\xbf" + vectorBody},
		{"no version", set(sig, strings.TrimPrefix(vectorSignature, "v1,")), vectorBody},
		{"another version", set(sig, "v2"+strings.TrimPrefix(vectorSignature, "v1")), vectorBody},
		{"asymmetric version", set(sig, "v1a"+strings.TrimPrefix(vectorSignature, "v1")), vectorBody},
		{"truncated", set(sig, vectorSignature[:20]), vectorBody},
		{"only the version", set(sig, "v1,"), vectorBody},
		{"other case", set(sig, strings.ToLower(vectorSignature)), vectorBody},
		{"in hex", set(sig, "v1,83484cf52b04f8e4cf2531adfed9882ad4b2665137b8524425594d20e2c9d4e1"), vectorBody},
		{"not base64", set(sig, "v1,!!!"), vectorBody},
		{"two IDs", set(id, vectorID, vectorID), vectorBody},
		{"two timestamps", set(at, "1614265330", "1614265330"), vectorBody},
		{"two signatures", set(sig, vectorSignature, vectorSignature), vectorBody},
		{"a very long ID", set(id, strings.Repeat("x", 257)), vectorBody},
		{"a thousand signatures", set(sig, strings.Repeat("v1,x ", 1000)+vectorSignature), vectorBody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := vectorHeaders()
			if tt.change != nil {
				tt.change(h)
			}
			err := newWebhooks(t, vectorTime).Verify(h, []byte(tt.body))
			var refusal *auth.Refusal
			require.ErrorAs(t, err, &refusal)
			require.Equal(t, 401, refusal.Status)
			require.Equal(t, auth.CodeUnauthorized, refusal.Code)
			require.NotContains(t, refusal.Message, vectorSecret)
			require.NotContains(t, refusal.Message, "g0hM9SsE", "what would be right is not told")
		})
	}
}

func FuzzWebhook(f *testing.F) {
	f.Add(vectorID, strconv.Itoa(vectorTime), vectorSignature, []byte(vectorBody))
	f.Add("", "-1", "v1,", []byte{})
	f.Add(vectorID, "1614265330", "v1,a v1,b v1a,c , ,,", []byte(vectorBody))
	v, err := auth.NewWebhooks(auth.WebhookOptions{
		Secrets: []string{vectorSecret}, Now: func() time.Time { return time.Unix(vectorTime, 0) },
	})
	require.NoError(f, err)
	sign, err := standardwebhooks.NewWebhook(vectorSecret)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, id, at, signature string, body []byte) {
		h := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {signature}}
		if v.Verify(h, body) != nil {
			return
		}
		seconds, err := strconv.ParseInt(at, 10, 64)
		require.NoError(t, err)
		want, err := sign.Sign(id, time.Unix(seconds, 0), body)
		require.NoError(t, err)
		require.Contains(t, signature, want, "only what the holder of the secret signed comes in")
	})
}

func TestNewWebhooksRefuses(t *testing.T) {
	t.Parallel()
	for want, secrets := range map[string][]string{
		"no webhook secret":               nil,
		"secret 1 has 0 bytes":            {""},
		"secret 1 has 0 bytes: want 24":   {"whsec_"},
		"secret 2 has 4 bytes":            {vectorSecret, "whsec_aHVzaA=="},
		"secret 1 has 66 bytes":           {strings.Repeat("aHVz", 22)},
		"secret 1 is not base64 after wh": {"whsec_hush-hush-hush"},
	} {
		_, err := auth.NewWebhooks(auth.WebhookOptions{Secrets: secrets})
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "hush")
		require.NotContains(t, err.Error(), "aHV")
	}
}

// TestGateSignature: a signature opens what announces by POST, and nothing else.
func TestGateSignature(t *testing.T) {
	t.Parallel()
	gate := auth.NewGate(auth.Options{Keys: newKeys(t), Webhooks: newWebhooks(t, vectorTime), MaxBody: 100})
	for _, tt := range []struct {
		name, method string
		scope        auth.Scope
		body         string
		header       []string
		status       int
	}{
		{"good", "POST", auth.ScopeAnnounce, vectorBody, nil, 200},
		{"forged", "POST", auth.ScopeAnnounce, vectorBody + " ", nil, 401},
		{"reading", "POST", auth.ScopeRead, vectorBody, nil, 401},
		{"everything", "POST", auth.ScopeAdmin, vectorBody, nil, 401},
		{"by GET", "GET", auth.ScopeAnnounce, vectorBody, nil, 401},
		{"by PUT", "PUT", auth.ScopeAnnounce, vectorBody, nil, 401},
		{"too large", "POST", auth.ScopeAnnounce, strings.Repeat("x", 101), nil, 413},
		{"compressed", "POST", auth.ScopeAnnounce, vectorBody, []string{"Content-Encoding", "gzip"}, 415},
		{"compressed twice", "POST", auth.ScopeAnnounce, vectorBody, []string{"Content-Encoding", "identity, br"}, 415},
		{"identity", "POST", auth.ScopeAnnounce, vectorBody, []string{"Content-Encoding", "identity"}, 200},
		{"with a good key", "POST", auth.ScopeAnnounce, "", []string{"Authorization", "Bearer " + shop}, 200},
		{"with a wrong key", "POST", auth.ScopeAnnounce, vectorBody, []string{"Authorization", "Bearer wrong-0123456789abcdef"}, 401},
		{"with an empty key", "POST", auth.ScopeAnnounce, vectorBody, []string{"Authorization", ""}, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tt.method, "https://afterput.example/v1/uploads", strings.NewReader(tt.body))
			maps.Copy(r.Header, vectorHeaders())
			if len(tt.header) > 0 {
				r.Header.Set(tt.header[0], tt.header[1])
			}
			w := httptest.NewRecorder()
			gate.Require(tt.scope, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got, err := auth.ReadBody(w, r, 100)
				require.NoError(t, err)
				_, _ = w.Write(append(bytes.Clone(got), auth.Caller(r.Context())...))
			})).ServeHTTP(w, r)
			require.Equal(t, tt.status, w.Code, "%s", w.Body)
			switch {
			case tt.status != 200:
				require.NotContains(t, w.Body.String(), vectorSecret)
			case tt.body == "":
				require.Equal(t, "shop", w.Body.String())
			default:
				require.Equal(t, vectorBody+"webhook", w.Body.String(), "the body is there to be read once more")
			}
		})
	}
}
