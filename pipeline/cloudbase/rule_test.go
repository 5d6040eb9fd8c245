package cloudbase_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudapi"
	"github.com/afterput/afterput/pipeline/cloudbase"
	"github.com/afterput/afterput/pipeline/cloudbase/cloudbasetest"
)

const ruled = "7072-prod-125"

// control counts what is asked of the control plane.
type control struct {
	*cloudapi.Client
	calls atomic.Int32
}

func (c *control) Call(ctx context.Context, action string, in, out any) error {
	c.calls.Add(1)
	return c.Client.Call(ctx, action, in, out)
}

func newRule(t *testing.T, now func() time.Time, change ...func(*cloudapi.Options)) (*cloudbasetest.Gateway, *control, *cloudbase.Rule) {
	t.Helper()
	g := cloudbasetest.New(t)
	g.Use(cloudbasetest.Bucket{Name: ruled, URL: "http://127.0.0.1"})
	opt := cloudapi.Options{
		Service: "tcb", Version: "2018-06-08", Endpoint: g.URL, SecretID: cloudbasetest.SecretID, SecretKey: cloudbasetest.SecretKey,
	}
	for _, f := range change {
		f(&opt)
	}
	client, err := cloudapi.New(opt)
	require.NoError(t, err)
	c := &control{Client: client}
	return g, c, cloudbase.NewRule(c, cloudbasetest.Env, ruled, now)
}

func TestRule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		tag, rule string
		want      pipeline.Visibility
		class     pipeline.Class
	}{
		{tag: "READONLY", want: pipeline.Public},
		{tag: "ADMINWRITE", want: pipeline.Public},
		{tag: "PRIVATE", want: pipeline.Private},
		{tag: "ADMINONLY", want: pipeline.Private},
		{tag: "CUSTOM", rule: `{"read": true, "write": false}`, want: pipeline.Public},
		{tag: "CUSTOM", rule: `{"read": false, "write": true}`, want: pipeline.Private},
		{tag: "CUSTOM", rule: cloudbasetest.OwnFolder, want: pipeline.VisibilityUnknown},
		{tag: "CUSTOM", rule: `[{"role":"anyone","action":"read"}]`, want: pipeline.VisibilityUnknown},
		{tag: "CUSTOM", rule: ``, want: pipeline.VisibilityUnknown},
		{tag: "OPEN", class: pipeline.Transient},
	} {
		g, _, rule := newRule(t, nil)
		g.ACL(tt.tag, tt.rule)
		got, err := rule.Visibility(t.Context())
		require.Equal(t, tt.class, pipeline.ClassOf(err), "%v", err)
		require.Equal(t, tt.want, got, tt)
	}
}

// TestRuleIsKept: for half a minute, by one question of all who ask at once.
func TestRuleIsKept(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64
	g, c, rule := newRule(t, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { _, _ = rule.Visibility(t.Context()) })
	}
	wg.Wait()
	require.EqualValues(t, 1, c.calls.Load())
	g.ACL("PRIVATE", "")
	v, err := rule.Visibility(t.Context())
	require.NoError(t, err)
	require.Equal(t, pipeline.Public, v)
	ahead.Store(int64(31 * time.Second))
	v, err = rule.Visibility(t.Context())
	require.NoError(t, err)
	require.Equal(t, pipeline.Private, v)
	require.EqualValues(t, 2, c.calls.Load())
}

// TestRuleFails: each failure has its class, and is not kept.
func TestRuleFails(t *testing.T) {
	t.Parallel()
	_, c, _ := newRule(t, nil)
	for want, rule := range map[pipeline.Class]*cloudbase.Rule{
		pipeline.Invalid: cloudbase.NewRule(c, cloudbasetest.Env, "another-125", nil),
		pipeline.Missing: cloudbase.NewRule(c, "other-env", ruled, nil),
	} {
		before := c.calls.Load()
		for range 2 {
			_, err := rule.Visibility(t.Context())
			require.Equal(t, want, pipeline.ClassOf(err), "%v", err)
		}
		require.EqualValues(t, 2, c.calls.Load()-before)
	}
	_, _, rule := newRule(t, nil, func(o *cloudapi.Options) { o.SecretKey = "s3cr3t" })
	_, err := rule.Visibility(t.Context())
	require.Equal(t, pipeline.Denied, pipeline.ClassOf(err))
	require.NotContains(t, err.Error(), "s3cr3t")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = rule.Visibility(ctx)
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
}

// TestUploadURL: whether the gateway escapes the URL or not, the object is the one that was
// meant.
func TestUploadURL(t *testing.T) {
	t.Parallel()
	id := func(path string) pipeline.FileID {
		return pipeline.FileID{Env: cloudbasetest.Env, Bucket: ruled, Path: path}
	}
	for _, tt := range []struct{ path, url, want string }{
		{"a/1.jpg", "https://h/a/1.jpg", "https://h/a/1.jpg"},
		{"a/图 +?#.jpg", "https://h/a/图 +?#.jpg", "https://h/a/%E5%9B%BE%20%2B%3F%23.jpg"},
		{"a/图 +?#.jpg", "https://h/a/%E5%9B%BE%20%2B%3F%23.jpg", "https://h/a/%E5%9B%BE%20%2B%3F%23.jpg"},
		{"a%20b.jpg", "https://h/a%20b.jpg", "https://h/a%2520b.jpg"},
		{"a%20b.jpg", "https://h/a%2520b.jpg", "https://h/a%2520b.jpg"},
		{"a b.jpg", "https://h/a+b.jpg", ""},
		{"a.jpg", "javascript:a.jpg", ""},
	} {
		g, c := newClient(t)
		g.Answer(func(w http.ResponseWriter) bool {
			_, err := w.Write([]byte(`[{"uploadUrl":"` + tt.url + `","authorization":"q","cloudObjectMeta":"m","cloudObjectId":"` +
				"cloud://" + cloudbasetest.Env + ".7072-prod/" + tt.path + `"}]`))
			return err == nil
		})
		got, err := c.Upload(t.Context(), id(tt.path), 1, "image/jpeg")
		require.Equal(t, tt.want == "", err != nil, "%s: %v", tt.url, err)
		require.Equal(t, tt.want, got.URL)
	}
}
