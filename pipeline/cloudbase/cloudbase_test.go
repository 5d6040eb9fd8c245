package cloudbase_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudbase"
	"github.com/afterput/afterput/pipeline/cloudbase/cloudbasetest"
)

const prefix = "cloud://" + cloudbasetest.Env + ".7072-prod-125/"

func newClient(t *testing.T, change ...func(*cloudbase.Options)) (*cloudbasetest.Gateway, *cloudbase.Client) {
	t.Helper()
	g := cloudbasetest.New(t)
	opt := cloudbase.Options{
		Env: cloudbasetest.Env, Endpoint: g.URL, SecretID: cloudbasetest.SecretID, SecretKey: cloudbasetest.SecretKey,
	}
	for _, f := range change {
		f(&opt)
	}
	c, err := cloudbase.New(opt)
	require.NoError(t, err)
	return g, c
}

// TestDownloads: answers are positional, and what is refused does not shift the others.
func TestDownloads(t *testing.T) {
	t.Parallel()
	g, c := newClient(t)
	g.Put(prefix+"users/oX/图 {1}+?.jpg", cloudbasetest.File{})
	g.Put(prefix+"users/oX/2.jpg", cloudbasetest.File{Private: true})
	g.Put(prefix+"users/oX/3.jpg", cloudbasetest.File{Code: "STORAGE_EXCEED_AUTHORITY"})
	g.Put(prefix+"users/oX/4.jpg", cloudbasetest.File{Code: "COS_ACTION_FAILED"})
	before := time.Now().Truncate(time.Second)
	got, err := c.Downloads(t.Context(), []string{
		prefix + "users/oX/nothing.jpg", prefix + "users/oX/图 {1}+?.jpg", prefix + "users/oX/3.jpg",
		"cloud://foreign.b-1/a.jpg", prefix + "users/oX/2.jpg", prefix + "users/oX/4.jpg",
	})
	require.NoError(t, err)
	require.Len(t, got, 6)
	for i, want := range []pipeline.Class{pipeline.Missing, "", pipeline.Denied, pipeline.Invalid, "", pipeline.Transient} {
		require.Equal(t, want, pipeline.ClassOf(got[i].Err), "%d: %v", i, got[i].Err)
	}
	require.Equal(t, cloudbase.Download{URL: "https://7072-prod-125.tcb.qcloud.la/users/oX/%E5%9B%BE%20%7B1%7D+%3F.jpg"}, got[1])
	require.Regexp(t, `^https://7072-prod-125.tcb.qcloud.la/users/oX/2.jpg\?sign=\w+&t=\d+$`, got[4].URL)
	require.True(t, got[4].Signed)
	require.WithinRange(t, got[4].Expires, before.Add(9*time.Minute), time.Now().Add(11*time.Minute))
	got, err = c.Downloads(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, got)
}

// TestClockSkew: the life of a URL is what the gateway's own clock says, whatever ours does.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		g, c := newClient(t)
		g.Skew(skew)
		g.Life(5 * time.Minute)
		g.Put(prefix+"a.jpg", cloudbasetest.File{Private: true})
		before := time.Now()
		got, err := c.Downloads(t.Context(), []string{prefix + "a.jpg"})
		require.NoError(t, err)
		require.WithinRange(t, got[0].Expires, before.Add(5*time.Minute-2*time.Second), time.Now().Add(5*time.Minute+2*time.Second))
	}
}

func TestTooMany(t *testing.T) {
	t.Parallel()
	g, c := newClient(t)
	_, err := c.Downloads(t.Context(), make([]string, 51))
	require.Equal(t, pipeline.Bug, pipeline.ClassOf(err))
	require.Empty(t, g.Batches())
}

// TestTokens: one token for many, a new one before the old one ends, one more when the
// gateway takes it back, and no loop when it takes none.
func TestTokens(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, c := newClient(t, func(o *cloudbase.Options) { o.Now = func() time.Time { return now } })
	g.Put(prefix+"a.jpg", cloudbasetest.File{})
	ask := func() {
		got, err := c.Downloads(t.Context(), []string{prefix + "a.jpg"})
		require.NoError(t, err)
		require.NoError(t, got[0].Err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { _, _ = c.Downloads(t.Context(), []string{prefix + "a.jpg"}) })
	}
	wg.Wait()
	require.Equal(t, 1, g.Tokens())
	now = now.Add(4 * 24 * time.Hour)
	ask()
	require.Equal(t, 1, g.Tokens())
	now = now.Add(13 * time.Hour) // past nine tenths of five days
	ask()
	require.Equal(t, 2, g.Tokens())
	g.Revoke()
	ask()
	require.Equal(t, 3, g.Tokens())

	g, c = newClient(t, func(o *cloudbase.Options) { o.SecretKey = "wrong" })
	_, err := c.Downloads(t.Context(), []string{prefix + "a.jpg"})
	require.Equal(t, pipeline.Denied, pipeline.ClassOf(err))
	require.ErrorContains(t, err, "INVALID_CREDENTIALS")
	require.NotContains(t, err.Error(), "wrong")
	require.Zero(t, g.Tokens())
	_, c = newClient(t, func(o *cloudbase.Options) { o.APIKey = "of nobody" })
	_, err = c.Downloads(t.Context(), []string{prefix + "a.jpg"})
	require.Equal(t, pipeline.Denied, pipeline.ClassOf(err))
}

// TestStrangeAnswers: none is taken for a URL of the wrong file.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	const a = `{"cloudObjectId":"` + prefix + `a.jpg","downloadUrl":"https://h/图 +1.jpg?sign=x&t=1"}`
	for _, tt := range []struct {
		name, body string
		status     int
		class      pipeline.Class // of all
		each       pipeline.Class // of the one file
	}{
		{name: "only not encoded", body: "[" + a + "]", status: 200},
		{name: "two for one", body: "[" + a + "," + a + "]", status: 200, class: pipeline.Transient},
		{name: "another file", body: `[{"cloudObjectId":"x","downloadUrl":"https://h/a"}]`, status: 200, each: pipeline.Transient},
		{name: "no URL", body: `[{}]`, status: 200, each: pipeline.Transient},
		{name: "a script", body: `[{"downloadUrl":"javascript:alert(1)"}]`, status: 200, each: pipeline.Transient},
		{name: "an error with 200", body: `{"code":"ACTION_FORBIDDEN","message":"m"}`, status: 200, class: pipeline.Denied},
		{name: "no JSON", body: `<html>`, status: 200, class: pipeline.Transient},
		{name: "busy", status: 429, class: pipeline.Throttled},
		{name: "down", body: `<html>`, status: 502, class: pipeline.Transient},
		{name: "refused", body: `{"code":"INVALID_PARAM"}`, status: 400, class: pipeline.Invalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g, c := newClient(t)
			g.Answer(func(w http.ResponseWriter) bool {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(tt.status)
				_, _ = fmt.Fprint(w, tt.body)
				return true
			})
			got, err := c.Downloads(t.Context(), []string{prefix + "a.jpg"})
			require.Equal(t, tt.class, pipeline.ClassOf(err), "%v", err)
			if tt.class == pipeline.Throttled {
				require.Equal(t, 7*time.Second, pipeline.RetryAfterOf(err))
			}
			if tt.class != "" {
				return
			}
			require.Equal(t, tt.each, pipeline.ClassOf(got[0].Err))
			if tt.each == "" {
				require.Equal(t, "https://h/%E5%9B%BE%20%2B1.jpg?sign=x&t=1", got[0].URL)
			}
		})
	}
}

func TestGatewayAway(t *testing.T) {
	t.Parallel()
	_, c := newClient(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Downloads(ctx, []string{prefix + "a.jpg"})
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	closes := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(closes.Close)
	_, c = newClient(t, func(opt *cloudbase.Options) { opt.Endpoint = closes.URL })
	_, err = c.Downloads(t.Context(), []string{prefix + "a.jpg"})
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for want, opt := range map[string]cloudbase.Options{
		"environment": {Env: "a.b", APIKey: "k"},
		"key pair":    {Env: "env", SecretID: "id"},
		"endpoint":    {Env: "env", APIKey: "k", Endpoint: "ftp://x"},
	} {
		_, err := cloudbase.New(opt)
		require.ErrorContains(t, err, want)
	}
	_, err := cloudbase.New(cloudbase.Options{Env: "env", APIKey: "k"})
	require.NoError(t, err)
}
