package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// converting is a store that makes "jpeg" of whatever it holds.
type converting struct {
	memObjects

	bucket string
	err    error
	asked  string
	meddle func()
}

func (c *converting) Converts(bucket string) bool { return bucket == c.bucket }

func (c *converting) Convert(_ context.Context, bucket, key string, side int) ([]byte, error) {
	c.asked = fmt.Sprint(bucket, " ", key, " ", side)
	if c.meddle != nil {
		c.meddle()
	}
	return []byte("jpeg"), c.err
}

func heic() pipeline.Upload {
	u := photo()
	u.Content.Type = "image/heic"
	return u
}

func TestMakeThumbnailsByConversion(t *testing.T) {
	t.Parallel()
	u := heic()
	store := &converting{memObjects: memObjects{data: map[string]string{u.Key: "photo"}}, bucket: u.Bucket}
	engine := &fakeThumbnailer{}
	res, err := pipeline.MakeThumbnails(t.Context(), store, engine, thumbnailOptions(), u, nil)
	require.NoError(t, err)
	require.Equal(t, pipeline.Done, res.State)
	require.Equal(t, "jpeg", engine.read)
	largest := 0
	for _, p := range thumbnailOptions().Presets {
		largest = max(largest, p.Width, p.Height)
	}
	require.Equal(t, fmt.Sprint(u.Bucket, " ", u.Key, " ", 2*largest), store.asked)
	require.NotEmpty(t, store.data[smallKey])

	// Not for other types, nor for other buckets.
	for _, u := range []pipeline.Upload{photo(), heic()} {
		store.asked, store.bucket = "", "another"
		if u.Content.Type == "image/jpeg" {
			store.bucket = u.Bucket
		}
		_, err = pipeline.MakeThumbnails(t.Context(), store, engine, thumbnailOptions(), u, nil)
		require.NoError(t, err)
		require.Empty(t, store.asked)
		require.Equal(t, "photo", engine.read)
	}
}

func TestMakeThumbnailsConversionFails(t *testing.T) {
	t.Parallel()
	refusal := &pipeline.Error{Class: pipeline.Invalid, Op: "objects.convert", Err: errors.New("400 InvalidImageFormat")}
	corrupt := &pipeline.Error{Class: pipeline.Invalid, Op: "thumb", Code: pipeline.CodeCorruptFile, Err: errors.New("no end")}
	for _, tt := range []struct {
		name    string
		convert error
		engine  error
		change  bool
		skipped string
		class   pipeline.Class
	}{
		{name: "refused", convert: refusal, skipped: "InvalidImageFormat"},
		{name: "a broken JPEG", engine: corrupt, skipped: "no end"},
		{name: "network", convert: pipeline.Errorf(pipeline.Transient, "get", "", "reset"), class: pipeline.Transient},
		{name: "denied", convert: pipeline.Errorf(pipeline.Denied, "get", "", "403"), class: pipeline.Denied},
		{name: "gone", convert: pipeline.Errorf(pipeline.Missing, "get", "", "404"), class: pipeline.Superseded},
		{name: "changed meanwhile", change: true, class: pipeline.Superseded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := heic()
			store := &converting{memObjects: memObjects{data: map[string]string{u.Key: "photo", smallKey: "old"}}, bucket: u.Bucket, err: tt.convert}
			if tt.change {
				store.meddle = func() { store.data[u.Key] = "another photo" }
			}
			res, err := pipeline.MakeThumbnails(t.Context(), store, &fakeThumbnailer{err: tt.engine}, thumbnailOptions(), u, nil)
			if tt.skipped == "" {
				require.Equal(t, tt.class, pipeline.ClassOf(err), "%v", err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, pipeline.Skipped, res.State, "it stays accepted")
			require.Contains(t, res.Detail, tt.skipped)
			require.NotContains(t, store.data, smallKey)
		})
	}
}
