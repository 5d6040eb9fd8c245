package pipeline_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

type fakeURLs struct {
	asked [][]string
	err   error
	fail  map[string]error
	short bool
}

func (f *fakeURLs) PublicURLs(_ context.Context, bucket string, keys []string) ([]pipeline.ResolvedURL, error) {
	f.asked = append(f.asked, keys)
	out := make([]pipeline.ResolvedURL, len(keys))
	for i, k := range keys {
		out[i] = pipeline.ResolvedURL{URL: "https://" + bucket + "/" + k, Expires: checkedAt, Err: f.fail[k]}
	}
	if f.short {
		out = out[:len(out)-1]
	}
	return out, f.err
}

type memCache struct {
	urls map[string]string
	fail map[string]error // by fileID
	sets int
}

func (c *memCache) Set(_ context.Context, u pipeline.TempURL) error {
	if err := c.fail[u.FileID]; err != nil {
		return err
	}
	c.urls[u.FileID], c.sets = u.URL, c.sets+1
	return nil
}

func (c *memCache) Delete(_ context.Context, fileIDs ...string) error {
	for _, f := range fileIDs {
		if err := c.fail[f]; err != nil {
			return err
		}
		delete(c.urls, f)
	}
	return nil
}

func visible(v map[string]pipeline.Visibility) pipeline.VisibilityRule {
	return func(_ context.Context, _, key string) (pipeline.Visibility, error) {
		if v[key] == pipeline.VisibilityUnknown {
			return "", errNetwork
		}
		return v[key], nil
	}
}

func publicFile(name string) pipeline.Upload {
	u := accepted(name)
	u.Content.Visibility = pipeline.Public
	return u
}

func TestWarm(t *testing.T) {
	t.Parallel()
	private, unknown, rejected := publicFile("private"), publicFile("unknown"), publicFile("rejected")
	private.Content.Visibility, unknown.Content.Visibility = pipeline.Private, pipeline.VisibilityUnknown
	rejected.Reason = pipeline.CodeTooLarge
	uploads := []pipeline.Upload{private, publicFile("a"), rejected, publicFile("turned"), unknown, publicFile("b"), publicFile("bad")}

	cache := &memCache{urls: map[string]string{"private": "old", "rejected": "old", "turned": "old", "unknown": "old"}}
	urls := &fakeURLs{fail: map[string]error{"bad": pipeline.Errorf(pipeline.Invalid, "urls", "bad", "no URL")}}
	out := pipeline.Warm(t.Context(), urls, cache, visible(map[string]pipeline.Visibility{
		"a": pipeline.Public, "b": pipeline.Public, "turned": pipeline.Private,
	}), uploads)

	require.Equal(t, [][]string{{"a", "turned", "b", "bad"}}, urls.asked, "one call, and never for a private file")
	require.Equal(t, []string{"a", "b"}, slices.Sorted(maps.Keys(cache.urls)))
	var states []pipeline.StepState
	for _, w := range out {
		states = append(states, w.State)
	}
	require.Equal(t, []pipeline.StepState{"skipped", "done", "skipped", "skipped", "skipped", "done", ""}, states)
	require.Equal(t, pipeline.WarmResult{Expires: checkedAt}, out[1].Result)
	require.Equal(t, pipeline.Invalid, pipeline.ClassOf(out[6].Err))
	require.Equal(t, "the file turned private", out[3].Detail)
}

func TestWarmErrors(t *testing.T) {
	t.Parallel()
	vanished := func(context.Context, string, string) (pipeline.Visibility, error) { return "", errVanished }
	allPublic := visible(map[string]pipeline.Visibility{"a": pipeline.Public, "b": pipeline.Public})
	throttled := &pipeline.Error{Class: pipeline.Throttled, Op: "urls", RetryAfter: time.Second}
	for _, tt := range []struct {
		name    string
		urls    fakeURLs
		cache   map[string]error
		visible pipeline.VisibilityRule
		want    []pipeline.Class // of a, b and a private file
		kept    []string
	}{
		{name: "the whole call", urls: fakeURLs{err: throttled}, visible: allPublic, want: []pipeline.Class{pipeline.Throttled, pipeline.Throttled, ""}, kept: []string{"a"}},
		{name: "answers are missing", urls: fakeURLs{short: true}, visible: allPublic, want: []pipeline.Class{pipeline.Transient, pipeline.Transient, ""}, kept: []string{"a"}},
		{name: "one item", urls: fakeURLs{fail: map[string]error{"b": errNetwork}}, visible: allPublic, want: []pipeline.Class{"", pipeline.Transient, ""}, kept: []string{"a"}},
		{name: "one vanished since its check", urls: fakeURLs{fail: map[string]error{"b": errVanished}}, visible: allPublic, want: []pipeline.Class{"", pipeline.Superseded, ""}, kept: []string{"a"}},
		{name: "they vanished after the cache was set", visible: vanished, want: []pipeline.Class{pipeline.Superseded, pipeline.Superseded, ""}},
		{name: "the cache refuses one", cache: map[string]error{"b": errNetwork}, visible: allPublic, want: []pipeline.Class{"", pipeline.Transient, ""}, kept: []string{"a"}},
		{name: "the cache cannot forget", cache: map[string]error{"p": errNetwork}, visible: allPublic, want: []pipeline.Class{"", "", pipeline.Transient}, kept: []string{"a", "b", "p"}},
		{name: "nobody knows whether it still is public", visible: visible(map[string]pipeline.Visibility{"b": pipeline.Public}), want: []pipeline.Class{pipeline.Transient, "", ""}, kept: []string{"b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := publicFile("p")
			p.Content.Visibility = pipeline.Private
			cache := &memCache{urls: map[string]string{"a": "old", "p": "old"}, fail: tt.cache}
			out := pipeline.Warm(t.Context(), &tt.urls, cache, tt.visible, []pipeline.Upload{publicFile("a"), publicFile("b"), p})
			var got []pipeline.Class
			for _, w := range out {
				got = append(got, pipeline.ClassOf(w.Err))
			}
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.kept, slices.Sorted(maps.Keys(cache.urls)))
		})
	}
}

func TestWarmNothing(t *testing.T) {
	t.Parallel()
	urls := &fakeURLs{}
	require.Empty(t, pipeline.Warm(t.Context(), urls, &memCache{}, nil, nil))
	require.Empty(t, urls.asked)
}
