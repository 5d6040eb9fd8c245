package sts

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/producer/sign"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 1, 5, 3, 4, 5, 0, time.UTC)

func testKey() qsign.Key { return qsign.Key{ID: "AKIDpermanent", Secret: "hush-hush"} }

func policy(resource string) sign.Policy {
	return sign.Policy{Version: "2.0", Statement: []sign.Statement{{
		Effect: "allow", Action: []string{"name/cos:PutObject"}, Resource: []string{resource},
	}}}
}

// TestVector is the example of the documentation of API 3.0 (CVM 213/30654), whose key
// pair is printed with asterisks and signs as it stands.
func TestVector(t *testing.T) {
	t.Parallel()
	body := []byte(`{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://cvm.tencentcloudapi.com/", nil)
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("X-Tc-Action", "DescribeInstances")
	key := qsign.Key{ID: "AKID********************************", Secret: "********************************"}
	authorize(req, "cvm", body, key, time.Unix(1551113065, 0))
	require.Equal(t, "TC3-HMAC-SHA256 Credential=AKID********************************/2019-02-25/cvm/tc3_request, "+
		"SignedHeaders=content-type;host;x-tc-action, Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f",
		req.Header.Get("Authorization"))
}

// service is the STS of a test: it signs again what came, and refuses what the real one
// refuses.
type fakeSTS struct {
	url      string
	policies []sign.Policy
	answer   func(seconds int64) (int, string)
}

func newSTS(t *testing.T) *fakeSTS {
	t.Helper()
	f := &fakeSTS{answer: func(seconds int64) (int, string) {
		return 200, fmt.Sprintf(`{"Response":{"Credentials":{"Token":"t0ken","TmpSecretId":"AKIDtemporary","TmpSecretKey":"tmp-hush"},
			"ExpiredTime":%d,"Expiration":"2026-01-05T03:14:05Z","RequestId":"r-1"}}`, now.Unix()+seconds)
	}}
	web := httptest.NewServer(f)
	t.Cleanup(web.Close)
	f.url = web.URL
	return f
}

func (f *fakeSTS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	refuse := func(code string) {
		_, _ = fmt.Fprintf(w, `{"Response":{"Error":{"Code":%q,"Message":"no"},"RequestId":"r-2"}}`, code)
	}
	again := r.Clone(r.Context())
	again.URL = &url.URL{Host: r.Host}
	authorize(again, "sts", body, testKey(), now)
	switch h := r.Header; {
	case r.Method != http.MethodPost || r.URL.Path != "/":
		refuse("InvalidAction")
		return
	case h.Get("Authorization") != again.Header.Get("Authorization") || h.Get("X-Tc-Timestamp") != fmt.Sprint(now.Unix()):
		refuse("AuthFailure.SignatureFailure")
		return
	case h.Get("X-Tc-Action") != "GetFederationToken" || h.Get("X-Tc-Version") != "2018-08-13" || h.Get("X-Tc-Region") != "ap-guangzhou":
		refuse("InvalidAction")
		return
	}
	var in struct {
		Name, Policy    string
		DurationSeconds int64
	}
	text := ""
	err := json.Unmarshal(body, &in)
	if err == nil {
		text, err = url.QueryUnescape(in.Policy)
	}
	var p sign.Policy
	if err != nil || json.Unmarshal([]byte(text), &p) != nil || !strings.HasPrefix(in.Policy, "%7B") || in.Name != "afterput" {
		refuse("InvalidParameter.PolicyTooLong")
		return
	}
	f.policies = append(f.policies, p)
	status, answer := f.answer(in.DurationSeconds)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func newClient(t *testing.T, endpoint string, change func(*Options)) *Client {
	t.Helper()
	opt := Options{Key: testKey(), Region: "ap-guangzhou", Endpoint: endpoint, Now: func() time.Time { return now }}
	change(&opt)
	c, err := New(opt)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func plain(*Options) {}

func TestIssue(t *testing.T) {
	t.Parallel()
	f := newSTS(t)
	c := newClient(t, f.url, plain)
	want := policy("qcs::cos:ap-guangzhou:uid/1250000000:photos-1250000000/users/oX/a+b c.jpg")
	key, err := c.Issue(t.Context(), want, 10*time.Minute)
	require.NoError(t, err)
	require.Equal(t, qsign.Key{ID: "AKIDtemporary", Secret: "tmp-hush", Token: "t0ken"}, key)
	require.Equal(t, []sign.Policy{want}, f.policies)

	var asked int64
	usual := f.answer
	f.answer = func(seconds int64) (int, string) {
		asked = seconds
		return usual(seconds)
	}
	for d, seconds := range map[time.Duration]int64{time.Minute: 300, 10*time.Minute + time.Millisecond: 601, 24 * time.Hour: 86400} {
		_, err = c.Issue(t.Context(), want, d)
		require.NoError(t, err)
		require.Equal(t, seconds, asked)
	}
}

// TestIssueRefused: the class says who has to do something about it, and no error carries
// a secret.
func TestIssueRefused(t *testing.T) {
	t.Parallel()
	code := func(code string) func(int64) (int, string) {
		return func(int64) (int, string) {
			return 200, `{"Response":{"Error":{"Code":"` + code + `","Message":"no"},"RequestId":"r-3"}}`
		}
	}
	text := func(status int, text string) func(int64) (int, string) {
		return func(int64) (int, string) { return status, text }
	}
	for _, tt := range []struct {
		name   string
		change func(*Options)
		answer func(int64) (int, string)
		class  pipeline.Class
		says   string
	}{
		{"another key", func(o *Options) { o.Key.Secret = "hush-other" }, nil, pipeline.Denied, "AuthFailure.SignatureFailure"},
		{"another time", func(o *Options) { o.Now = func() time.Time { return now.Add(time.Second) } }, nil, pipeline.Denied, "AuthFailure"},
		{"not allowed", plain, code("UnauthorizedOperation"), pipeline.Denied, "request r-3"},
		{"too often", plain, code("RequestLimitExceeded.IPLimitExceeded"), pipeline.Throttled, "RequestLimitExceeded"},
		{"their fault", plain, code("InternalError.GetSeedTokenError"), pipeline.Transient, "InternalError"},
		{"a page", plain, text(502, "<html>"), pipeline.Transient, "status 502"},
		{"nothing", plain, text(200, `{"Response":{"RequestId":"r-4"}}`), pipeline.Transient, "no credentials"},
		{"too short", plain, func(int64) (int, string) {
			return 200, fmt.Sprintf(`{"Response":{"Credentials":{"Token":"t","TmpSecretId":"i","TmpSecretKey":"hush"},"ExpiredTime":%d}}`, now.Unix()+599)
		}, pipeline.Denied, "before its signature"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newSTS(t)
			if tt.answer != nil {
				f.answer = tt.answer
			}
			_, err := newClient(t, f.url, tt.change).Issue(t.Context(), policy("*"), 10*time.Minute)
			require.Equal(t, tt.class, pipeline.ClassOf(err), "%v", err)
			require.ErrorContains(t, err, tt.says)
			require.NotContains(t, err.Error(), "hush")
		})
	}
	away := newSTS(t)
	c := newClient(t, away.url, func(o *Options) {
		o.Client = &http.Client{Transport: broken{}}
	})
	_, err := c.Issue(t.Context(), policy("*"), time.Minute)
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
}

// broken is a network that is away.
type broken struct{}

func (broken) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, io.ErrUnexpectedEOF
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options){
		"no key":        func(o *Options) { o.Key.Secret = "" },
		"no region":     func(o *Options) { o.Region = "" },
		"temporary key": func(o *Options) { o.Key.Token = "t0ken" },
		"no URL":        func(o *Options) { o.Endpoint = "sts" },
	} {
		opt := Options{Key: testKey(), Region: "ap-guangzhou"}
		change(&opt)
		_, err := New(opt)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), "hush", name)
	}
	c, err := New(Options{Key: testKey(), Region: "ap-guangzhou"})
	require.NoError(t, err)
	require.Equal(t, DefaultEndpoint, c.opt.Endpoint)
}
