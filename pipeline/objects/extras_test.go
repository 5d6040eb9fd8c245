package objects_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

func TestListPages(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{}, objects.Options{})
	var want []string
	for i := range 7 {
		key := fmt.Sprintf("users/o/%d 图+%%&<>.jpg", i)
		w.put(t, key, []byte("abc"))
		want = append(want, key)
	}
	w.put(t, "other", []byte("x"))
	var got []string
	marker := ""
	for {
		page, err := w.store.List(t.Context(), bucket, "users/", marker, 3)
		require.NoError(t, err)
		for _, o := range page.Objects {
			require.EqualValues(t, 3, o.Size)
			require.Equal(t, "900150983cd24fb0d6963f7d28e17f72", o.ETag)
			require.WithinDuration(t, time.Now(), o.LastModified, time.Minute)
			got = append(got, o.Key)
		}
		if marker = page.Next; marker == "" {
			break
		}
	}
	require.Equal(t, want, got)
	_, err := w.store.List(t.Context(), "nobody-1250000000", "", "", 0)
	require.Equal(t, pipeline.CodeUnknownBucket, pipeline.CodeOf(err))
}

func TestPresignGet(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := open(t, coslocal.Options{Now: func() time.Time { return now }}, objects.Options{})
	key := "users/o p/图 (1)+%.jpg"
	w.put(t, key, []byte("hello"))
	for _, tt := range []struct {
		name string
		at   time.Time
		want int
	}{{"now", now, 200}, {"over", now.Add(-10*time.Minute - time.Second), 403}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u, until, err := w.store.PresignGet(t.Context(), bucket, key, 10*time.Minute, tt.at)
			require.NoError(t, err)
			require.Equal(t, tt.at.Add(10*time.Minute), until)
			require.Equal(t, tt.want, status(t, u))
		})
	}
	require.Equal(t, http.StatusForbidden, status(t, w.store.URL(bucket, key)))
}

func status(t *testing.T, url string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

func TestURL(t *testing.T) {
	t.Parallel()
	s, err := objects.New(objects.Options{Buckets: []objects.BucketOptions{
		{Name: "a-1250000000", Region: "ap-guangzhou", SecretID: "i", SecretKey: "k"},
		{Name: "b-1250000000", Region: "ap-beijing", SecretID: "i", SecretKey: "k", PublicBase: "https://cdn.example.com/{bucket}/"},
	}})
	require.NoError(t, err)
	require.Equal(t, "https://a-1250000000.cos.ap-guangzhou.myqcloud.com/users/o%20p/%E5%9B%BE%281%29%2B.jpg", s.URL("a-1250000000", "users/o p/图(1)+.jpg"))
	require.Equal(t, "https://cdn.example.com/b-1250000000/k", s.URL("b-1250000000", "k"))
	require.Empty(t, s.URL("c-1250000000", "k"))
	u, _, err := s.PresignGet(t.Context(), "b-1250000000", "k", time.Minute, time.Unix(1_800_000_000, 0))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(u, "https://b-1250000000.cos.ap-beijing.myqcloud.com/k?"), "signed URLs are of the endpoint")
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := objects.BucketOptions{Name: bucket, Region: "ap-guangzhou", SecretID: secretID, SecretKey: secretKey}
	with := func(change func(*objects.BucketOptions)) []objects.BucketOptions {
		b := good
		change(&b)
		return []objects.BucketOptions{b}
	}
	tests := []struct {
		name    string
		buckets []objects.BucketOptions
		want    string
	}{
		{"none", nil, "no bucket"},
		{"twice", []objects.BucketOptions{good, good}, "twice"},
		{"no name", with(func(b *objects.BucketOptions) { b.Name = "" }), "no name"},
		{"no secret", with(func(b *objects.BucketOptions) { b.SecretKey = "" }), "empty"},
		{"pasted space", with(func(b *objects.BucketOptions) { b.SecretKey += " " }), "space"},
		{"no region", with(func(b *objects.BucketOptions) { b.Region = "" }), "region"},
		{"not a URL", with(func(b *objects.BucketOptions) { b.Endpoint = "photos" }), "endpoint"},
		{"endpoint with a path", with(func(b *objects.BucketOptions) { b.Endpoint = "https://h/x" }), "path"},
		{"not of COS", with(func(b *objects.BucketOptions) { b.Region = "a/b" }), "endpoint"},
		{"bad public base", with(func(b *objects.BucketOptions) { b.PublicBase = "ftp://h" }), "public base"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := objects.New(objects.Options{Buckets: tt.buckets})
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), secretKey)
		})
	}
}

func TestOptionsPrintNoSecret(t *testing.T) {
	t.Parallel()
	b := objects.BucketOptions{Name: bucket, SecretID: secretID, SecretKey: secretKey, SessionToken: "t0ken"}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "bucket", b)
	for _, s := range []string{fmt.Sprintf("%v %+v %#v", b, b, b), fmt.Sprintf("%+v", objects.Options{Buckets: []objects.BucketOptions{b}}), log.String()} {
		require.Contains(t, s, bucket)
		require.NotContains(t, s, secretKey)
		require.NotContains(t, s, "t0ken")
	}
}
