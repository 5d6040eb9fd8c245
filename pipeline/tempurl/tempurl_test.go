package tempurl_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/tempurl"
)

const file = "cloud://env.b-125/users/oX/图 {1}.jpg"

var noTime time.Time

type urls struct{}

func (urls) URL(bucket, key string) string {
	if bucket == "none" {
		return ""
	}
	return "https://" + bucket + ".cos.ap-guangzhou.myqcloud.com/" + (&url.URL{Path: key}).EscapedPath()
}

type clock struct{ now time.Time }

func newCache(t *testing.T, opt tempurl.CacheOptions) (*tempurl.Cache, *miniredis.Miniredis, *clock) {
	t.Helper()
	server := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	c := &clock{now: time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)}
	opt.Now = func() time.Time { return c.now }
	cache, err := tempurl.NewCache(rdb, opt)
	require.NoError(t, err)
	return cache, server, c
}

func TestCacheTTL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		opt  tempurl.CacheOptions
		life time.Duration // 0 for a URL that does not expire
		want time.Duration // 0 for not kept
		keep time.Duration // while its file is public; 0 for want
	}{
		{"public", tempurl.CacheOptions{}, 0, 5 * time.Minute, 2 * time.Hour},
		{"public, set", tempurl.CacheOptions{PublicTTL: time.Minute}, 0, time.Minute, 0},
		{"long life", tempurl.CacheOptions{}, time.Hour, 5 * time.Minute, 55 * time.Minute},
		{"own margin", tempurl.CacheOptions{Margin: time.Minute}, 4 * time.Minute, 3 * time.Minute, 0},
		{"short life", tempurl.CacheOptions{}, 2 * time.Minute, time.Minute, 0},
		{"five seconds", tempurl.CacheOptions{}, 5 * time.Second, 2500 * time.Millisecond, 0},
		{"over", tempurl.CacheOptions{}, -time.Minute, 0, 0},
		{"now", tempurl.CacheOptions{}, time.Nanosecond, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cache, server, clock := newCache(t, tt.opt)
			u := pipeline.TempURL{FileID: file, URL: "https://u/?a=1&t=2"}
			expires := int64(0)
			if tt.life != 0 {
				u.Expires = clock.now.Add(tt.life)
				expires = u.Expires.Unix()
			}
			require.NoError(t, cache.Set(t.Context(), u))
			if tt.want == 0 {
				require.Empty(t, server.Keys())
				return
			}
			if tt.keep == 0 {
				tt.keep = tt.want
			}
			require.Equal(t, []string{"afterput:url-checks", "afterput:url:" + file}, server.Keys())
			require.Equal(t, tt.want, server.TTL("afterput:url:"+file))
			got, err := server.Get("afterput:url:" + file)
			require.NoError(t, err)
			now := clock.now.UnixMilli()
			require.Equal(t, fmt.Sprintf(`{"url":"https://u/?a=1&t=2","expiresAt":%d,"resolvedAtMs":%d,"checkedAtMs":%d,"keepUntilMs":%d}`,
				expires, now, now, clock.now.Add(tt.keep).UnixMilli()), got)

			server.FastForward(tt.want - time.Second)
			found, err := cache.Get(t.Context(), file)
			require.NoError(t, err)
			require.Equal(t, "https://u/?a=1&t=2", found[file].URL)
			require.Equal(t, file, found[file].FileID)
			require.True(t, found[file].Expires.Equal(u.Expires))

			server.FastForward(2 * time.Second)
			found, err = cache.Get(t.Context(), file)
			require.NoError(t, err)
			require.Empty(t, found)
		})
	}
}

func TestCacheManyAndDelete(t *testing.T) {
	t.Parallel()
	cache, server, _ := newCache(t, tempurl.CacheOptions{})
	var all []pipeline.TempURL
	var ids []string
	for i := range 1201 { // more than two pipelines
		id := fmt.Sprintf("cos://b-125/%d.jpg", i)
		ids = append(ids, id)
		all = append(all, pipeline.TempURL{FileID: id, URL: fmt.Sprintf("https://u/%d", i)})
	}
	require.NoError(t, cache.SetAll(t.Context(), time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC), all))
	found, err := cache.Get(t.Context(), append(ids, "cos://b-125/unknown")...)
	require.NoError(t, err)
	require.Len(t, found, len(ids))
	require.Equal(t, "https://u/1200", found["cos://b-125/1200.jpg"].URL)

	require.NoError(t, cache.Delete(t.Context(), append(ids[1:], "cos://b-125/unknown")...))
	require.Equal(t, []string{tempurl.ChecksKey, "afterput:url:" + ids[0]}, server.Keys())
	require.NoError(t, cache.Delete(t.Context()))
	require.NoError(t, cache.SetAll(t.Context(), time.Time{}, nil))
	found, err = cache.Get(t.Context())
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestCacheReadsWhatOthersWrote(t *testing.T) {
	t.Parallel()
	cache, server, clock := newCache(t, tempurl.CacheOptions{})
	for id, text := range map[string]string{
		"good":    `{"url":"https://u","expiresAt":0,"new":"field"}`,
		"broken":  `{"url":`,
		"empty":   `{}`,
		"expired": fmt.Sprintf(`{"url":"https://u","expiresAt":%d}`, clock.now.Unix()),
	} {
		require.NoError(t, server.Set(tempurl.Key(id), text))
	}
	found, err := cache.Get(t.Context(), "good", "broken", "empty", "expired")
	require.NoError(t, err)
	require.Equal(t, map[string]pipeline.TempURL{"good": {FileID: "good", URL: "https://u", Expires: noTime}}, found)
}

func TestCacheErrors(t *testing.T) {
	t.Parallel()
	cache, server, _ := newCache(t, tempurl.CacheOptions{})
	require.Equal(t, pipeline.Bug, pipeline.ClassOf(cache.Set(t.Context(), pipeline.TempURL{FileID: file})))

	_, err := server.Lpush(tempurl.Key("a list"), "x")
	require.NoError(t, err)
	_, err = cache.Get(t.Context(), "unknown", "a list")
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))

	server.Close()
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(cache.Set(t.Context(), pipeline.TempURL{FileID: file, URL: "u"})))
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(cache.Delete(t.Context(), file)))
	_, err = cache.Get(t.Context(), file)
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))

	_, err = tempurl.NewCache(nil, tempurl.CacheOptions{})
	require.ErrorContains(t, err, "no Redis")
	_, err = tempurl.NewCache(redis.NewClient(&redis.Options{}), tempurl.CacheOptions{Margin: -1})
	require.ErrorContains(t, err, "negative")
}

func TestResolver(t *testing.T) {
	t.Parallel()
	r := tempurl.NewResolver(urls{})
	got, err := r.PublicURLs(t.Context(), "b-125", []string{"users/oX/图 1.jpg", "/bad", "a"})
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, "https://b-125.cos.ap-guangzhou.myqcloud.com/users/oX/%E5%9B%BE%201.jpg", got[0].URL)
	require.True(t, got[0].Expires.IsZero())
	require.Equal(t, pipeline.CodeInvalidFileName, pipeline.CodeOf(got[1].Err))
	require.NoError(t, got[2].Err)

	got, err = r.PublicURLs(t.Context(), "none", []string{"a"})
	require.NoError(t, err)
	require.ErrorContains(t, got[0].Err, "no public URL")

	_, err = r.PublicURLs(t.Context(), "b-125", make([]string, tempurl.MaxBatch+1))
	require.Equal(t, pipeline.Bug, pipeline.ClassOf(err))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.PublicURLs(ctx, "b-125", []string{"a"})
	require.ErrorIs(t, err, context.Canceled)
}

type presigner struct{ err error }

func (p presigner) PresignGet(_ context.Context, bucket, key string, ttl time.Duration, now time.Time) (string, time.Time, error) {
	return fmt.Sprintf("https://%s/%s?ttl=%s", bucket, key, ttl), now.Add(ttl), p.err
}

func TestPresign(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	id := pipeline.FileID{Env: "env", Bucket: "b-125", Path: "users/oX/1.jpg"}
	u, err := tempurl.Presign(t.Context(), presigner{}, id, time.Minute, now)
	require.NoError(t, err)
	require.Equal(t, pipeline.TempURL{FileID: id.String(), URL: "https://b-125/users/oX/1.jpg?ttl=1m0s", Expires: now.Add(time.Minute)}, u)

	for _, ttl := range []time.Duration{0, -1, 25 * time.Hour} {
		_, err = tempurl.Presign(t.Context(), presigner{}, id, ttl, now)
		require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
	}
	_, err = tempurl.Presign(t.Context(), presigner{}, pipeline.FileID{Bucket: "b", Path: strings.Repeat("/", 2)}, time.Minute, now)
	require.Equal(t, pipeline.CodeInvalidFileName, pipeline.CodeOf(err))
	denied := &pipeline.Error{Class: pipeline.Denied, Op: "x", Err: errors.New("no")}
	_, err = tempurl.Presign(t.Context(), presigner{denied}, id, time.Minute, now)
	require.Equal(t, pipeline.Denied, pipeline.ClassOf(err))
}
