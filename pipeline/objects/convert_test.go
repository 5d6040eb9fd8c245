package objects_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

func TestConvert(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{}, objects.Options{})
	for _, tc := range []struct {
		key  string
		data []byte
		side int
		want image.Point
	}{
		{"users/o 1/图.heic", samples.HEIC(4032, 3024), 2560, image.Pt(2560, 1920)},
		{"a.avif", samples.AVIF(600, 800), 200, image.Pt(150, 200)},
		{"small.heic", samples.HEIC(700, 600), 2560, image.Pt(700, 600)},
		{"wide.heic", samples.HEIC(12000, 600), 99999, image.Pt(9999, 499)},
		{"photo.jpg", samples.Photo(samples.Options{Width: 64, Height: 48}), 32, image.Pt(32, 24)},
	} {
		w.put(t, tc.key, tc.data)
		got, err := w.store.Convert(t.Context(), bucket, tc.key, tc.side)
		require.NoError(t, err, tc.key)
		cfg, err := jpeg.DecodeConfig(bytes.NewReader(got))
		require.NoError(t, err)
		require.Equal(t, tc.want, image.Pt(cfg.Width, cfg.Height), tc.key)
	}
	w.put(t, "text.heic", []byte("no image"))
	w.put(t, "bomb.heic", samples.HEIC(40_000, 3))
	for key, class := range map[string]pipeline.Class{
		"text.heic": pipeline.Invalid, "bomb.heic": pipeline.Invalid, "gone.heic": pipeline.Missing,
	} {
		_, err := w.store.Convert(t.Context(), bucket, key, 100)
		require.Equal(t, class, pipeline.ClassOf(err), "%s: %v", key, err)
	}
	_, err := w.store.Convert(t.Context(), "other-1250000000", "a.avif", 100)
	require.Error(t, err)
	require.False(t, w.store.Converts(bucket), "unless it is configured")
	require.False(t, w.store.Converts("other-1250000000"))
}

// A bucket that does not process images gives the image itself.
func TestConvertWithoutProcessing(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{NoProcessing: true}, objects.Options{})
	w.put(t, "a.heic", samples.HEIC(400, 300))
	_, err := w.store.Convert(t.Context(), bucket, "a.heic", 100)
	require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
	require.ErrorContains(t, err, "COS gave back no JPEG")
}

func TestConverts(t *testing.T) {
	t.Parallel()
	store, err := objects.New(objects.Options{Buckets: []objects.BucketOptions{{
		Name: bucket, Region: "ap-guangzhou", SecretID: secretID, SecretKey: secretKey, Processing: true,
	}}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	require.True(t, store.Converts(bucket))
}
