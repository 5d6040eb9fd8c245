package tempurl_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudbase"
	"github.com/afterput/afterput/pipeline/cloudbase/cloudbasetest"
	"github.com/afterput/afterput/pipeline/tempurl"
)

type cosNames struct {
	urls
	presigner
}

// TestSources: thumbnails of a CloudBase bucket come from COS, in their places.
func TestSources(t *testing.T) {
	t.Parallel()
	g := cloudbasetest.New(t)
	client, err := cloudbase.New(cloudbase.Options{
		Env: cloudbasetest.Env, Endpoint: g.URL, SecretID: cloudbasetest.SecretID, SecretKey: cloudbasetest.SecretKey,
	})
	require.NoError(t, err)
	g.Put(cloudID("a.jpg"), cloudbasetest.File{Private: true})
	g.Put(cloudID("b.jpg"), cloudbasetest.File{Private: true})
	s := &tempurl.Sources{
		Default:  tempurl.NewCOS(cosNames{}, nil),
		ByBucket: map[string]tempurl.Source{"b-125": tempurl.NewCloudBase(client, cloudBucket, nil)},
		Plain:    func(key string) bool { return strings.HasPrefix(key, "thumbs/") },
	}
	got, err := s.PrivateURLs(t.Context(), "b-125", []string{"a.jpg", "thumbs/a.jpg", "b.jpg", "none.jpg"}, time.Minute)
	require.NoError(t, err)
	require.Contains(t, got[0].URL, "tcb.qcloud.la/a.jpg?sign=")
	require.Equal(t, "https://b-125/thumbs/a.jpg?ttl=1m0s", got[1].URL)
	require.Contains(t, got[2].URL, "tcb.qcloud.la/b.jpg?sign=")
	require.Equal(t, pipeline.Missing, pipeline.ClassOf(got[3].Err))
	require.Equal(t, []int{3}, g.Batches())
	got, err = s.PublicURLs(t.Context(), "other-1", []string{"a.jpg"})
	require.NoError(t, err)
	require.Contains(t, got[0].URL, "other-1")
}
