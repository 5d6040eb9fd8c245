package sts

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudapi/cloudapitest"
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

// fakeSTS is the service of a test: cloudapitest refuses what is not signed by testKey at
// now, and fakeSTS parameters that the real one refuses.
type fakeSTS struct {
	*cloudapitest.Handler
	url      string
	policies []sign.Policy
	answer   func(seconds int64) (any, *cloudapitest.Error)
}

// credentials is an answer whose key ends at a time.
func credentials(ends int64) any {
	return map[string]any{
		"Credentials": map[string]string{"Token": "t0ken", "TmpSecretId": "AKIDtemporary", "TmpSecretKey": "tmp-hush"},
		"ExpiredTime": ends, "Expiration": "2026-01-05T03:14:05Z",
	}
}

func newSTS(t *testing.T) *fakeSTS {
	t.Helper()
	f := &fakeSTS{answer: func(seconds int64) (any, *cloudapitest.Error) {
		return credentials(now.Unix() + seconds), nil
	}}
	f.Handler = &cloudapitest.Handler{
		Service: "sts", Version: "2018-08-13", Keys: map[string]string{testKey().ID: testKey().Secret},
		Actions: map[string]cloudapitest.Action{"GetFederationToken": f.issue}, Now: func() time.Time { return now },
	}
	f.url = f.Start(t)
	return f
}

func (f *fakeSTS) issue(params json.RawMessage) (any, *cloudapitest.Error) {
	var in struct {
		Name, Policy    string
		DurationSeconds int64
	}
	text := ""
	err := json.Unmarshal(params, &in)
	if err == nil {
		text, err = url.QueryUnescape(in.Policy)
	}
	var p sign.Policy
	switch {
	case err != nil || !strings.HasPrefix(in.Policy, "%7B") || json.Unmarshal([]byte(text), &p) != nil || len(p.Statement) == 0:
		return nil, &cloudapitest.Error{Code: "InvalidParameter.StrategyFormatError", Message: "no"}
	case in.Name != "afterput":
		return nil, &cloudapitest.Error{Code: "InvalidParameter.ParamError", Message: "no"}
	}
	f.policies = append(f.policies, p)
	return f.answer(in.DurationSeconds)
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
	require.Equal(t, []string{"GetFederationToken ap-guangzhou"}, f.Calls())

	var asked int64
	usual := f.answer
	f.answer = func(seconds int64) (any, *cloudapitest.Error) {
		asked = seconds
		return usual(seconds)
	}
	for d, seconds := range map[time.Duration]int64{time.Minute: 300, 10*time.Minute + time.Millisecond: 601, 24 * time.Hour: 86400} {
		_, err = c.Issue(t.Context(), want, d)
		require.NoError(t, err)
		require.Equal(t, seconds, asked)
	}
}

// TestIssueClocks: a clock that is a minute off, and an answer that crosses the turn of a
// second, make no key useless: it is the signature that ends a moment later then.
func TestIssueClocks(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{-time.Minute, -time.Second, time.Second, time.Minute} {
		f := newSTS(t)
		c := newClient(t, f.url, func(o *Options) { o.Now = func() time.Time { return now.Add(ahead) } })
		_, err := c.Issue(t.Context(), policy("*"), 10*time.Minute)
		require.NoError(t, err, "our clock is %s ahead", ahead)
	}

	f := newSTS(t)
	var asked atomic.Bool
	usual := f.answer
	f.answer = func(seconds int64) (any, *cloudapitest.Error) {
		asked.Store(true)
		return usual(seconds)
	}
	c := newClient(t, f.url, func(o *Options) {
		o.Now = func() time.Time {
			if asked.Load() {
				return now.Add(time.Second)
			}
			return now.Add(-time.Millisecond)
		}
	})
	_, err := c.Issue(t.Context(), policy("*"), 10*time.Minute)
	require.NoError(t, err)
}

// TestIssueRefused: the class says who has to do something about it, and no error carries
// a secret.
func TestIssueRefused(t *testing.T) {
	t.Parallel()
	code := func(code string) func(int64) (any, *cloudapitest.Error) {
		return func(int64) (any, *cloudapitest.Error) { return nil, &cloudapitest.Error{Code: code, Message: "no"} }
	}
	result := func(v any) func(int64) (any, *cloudapitest.Error) {
		return func(int64) (any, *cloudapitest.Error) { return v, nil }
	}
	for _, tt := range []struct {
		name   string
		change func(*Options)
		policy sign.Policy
		answer func(int64) (any, *cloudapitest.Error)
		class  pipeline.Class
		says   string
	}{
		{"another secret", func(o *Options) { o.Key.Secret = "hush-other" }, policy("*"), nil, pipeline.Denied, "AuthFailure.SignatureFailure"},
		{"another key", func(o *Options) { o.Key.ID = "AKIDother" }, policy("*"), nil, pipeline.Denied, "AuthFailure.SecretIdNotFound"},
		{
			"another time", func(o *Options) { o.Now = func() time.Time { return now.Add(6 * time.Minute) } },
			policy("*"), nil, pipeline.Transient, "AuthFailure.SignatureExpire",
		},
		{"no policy", plain, sign.Policy{}, nil, pipeline.Invalid, "StrategyFormatError"},
		{"not allowed", plain, policy("*"), code("UnauthorizedOperation"), pipeline.Denied, "request 5f9a1e6c"},
		{"too often", plain, policy("*"), code("RequestLimitExceeded.IPLimitExceeded"), pipeline.Throttled, "RequestLimitExceeded"},
		{"their fault", plain, policy("*"), code("InternalError.GetSeedTokenError"), pipeline.Transient, "InternalError"},
		{"nothing", plain, policy("*"), result(map[string]any{}), pipeline.Transient, "no credentials"},
		{"too short", plain, policy("*"), result(credentials(now.Unix() + 539)), pipeline.Denied, "before its signature"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newSTS(t)
			if tt.answer != nil {
				f.answer = tt.answer
			}
			_, err := newClient(t, f.url, tt.change).Issue(t.Context(), tt.policy, 10*time.Minute)
			require.Equal(t, tt.class, pipeline.ClassOf(err), "%v", err)
			require.ErrorContains(t, err, tt.says)
			require.NotContains(t, err.Error(), "hush")
		})
	}
}

// TestIssueAway: a page in between and a network that is away are tried again.
func TestIssueAway(t *testing.T) {
	t.Parallel()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "<html>")
	}))
	t.Cleanup(page.Close)
	for says, change := range map[string]func(*Options){
		"the answer is 502": plain,
		"unexpected EOF":    func(o *Options) { o.Client = &http.Client{Transport: broken{}} },
	} {
		_, err := newClient(t, page.URL, change).Issue(t.Context(), policy("*"), time.Minute)
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
		require.ErrorContains(t, err, says)
	}
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
