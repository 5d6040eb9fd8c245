package tempurl_test

import (
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

// TestSources: each bucket has its own, thumbnails and all.
func TestSources(t *testing.T) {
	t.Parallel()
	g := cloudbasetest.New(t)
	client, err := cloudbase.New(cloudbase.Options{
		Env: cloudbasetest.Env, Endpoint: g.URL, SecretID: cloudbasetest.SecretID, SecretKey: cloudbasetest.SecretKey,
	})
	require.NoError(t, err)
	g.Put(cloudID("a.jpg"), cloudbasetest.File{Private: true})
	g.Put(cloudID("thumbs/a.jpg"), cloudbasetest.File{Private: true})
	s := &tempurl.Sources{
		Default:  tempurl.NewCOS(cosNames{}, nil),
		ByBucket: map[string]tempurl.Source{"b-125": tempurl.NewCloudBase(client, cloudBucket, nil)},
	}
	got, err := s.PrivateURLs(t.Context(), "b-125", []string{"a.jpg", "thumbs/a.jpg", "none.jpg"}, time.Minute)
	require.NoError(t, err)
	require.Contains(t, got[0].URL, "tcb.qcloud.la/a.jpg?sign=")
	require.Contains(t, got[1].URL, "tcb.qcloud.la/thumbs/a.jpg?sign=")
	require.Equal(t, pipeline.Missing, pipeline.ClassOf(got[2].Err))
	require.Equal(t, []int{3}, g.Batches())
	got, err = s.PublicURLs(t.Context(), "other-1", []string{"a.jpg"})
	require.NoError(t, err)
	require.Contains(t, got[0].URL, "other-1")
}
