package cli

import (
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

func photoFile(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

func TestThumb(t *testing.T) {
	t.Parallel()
	photo := photoFile(t, "photo.jpg", samples.Photo(samples.Options{Width: 800, Height: 600, Orientation: 6}))
	out := t.TempDir()
	for engine, scale := range map[string]string{"fast": "1/2", "imaging": "1/1"} {
		got := do(t, "thumb", photo, "--sizes", "200,80x50", "--mode", "fill", "--engine", engine, "--repeat", "3", "--out", out, "-o", "json")
		require.Equal(t, exitOK, got.code, got.err)
		o := got.object(t)
		require.Equal(t, map[string]any{"schema": "afterput.thumb.v1", "files": 1.0, "failed": 0.0, "repeat": 3.0}, pick(o, "schema", "files", "failed", "repeat"))
		item, ok := o["items"].([]any)[0].(map[string]any)
		require.True(t, ok)
		require.Equal(t, map[string]any{"type": "image/jpeg", "width": 800.0, "height": 600.0, "scale": scale, "error": ""},
			pick(item, "type", "width", "height", "scale", "error"))
		require.Greater(t, item["wallMs"], 0.0)
		made, ok := item["thumbnails"].([]any)
		require.True(t, ok)
		require.Len(t, made, 2)
	}
	f, err := os.Open(filepath.Join(out, "80x50", "photo.jpg.jpg"))
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	img, err := jpeg.Decode(f)
	require.NoError(t, err)
	require.Equal(t, 80, img.Bounds().Dx())
	require.Equal(t, 50, img.Bounds().Dy())

	people := do(t, "thumb", photo, "--sizes", "100", "--format", "png")
	require.Contains(t, people.out, "75x100 ")
}

func TestThumbFails(t *testing.T) {
	t.Parallel()
	good := photoFile(t, "good.jpg", samples.Photo(samples.Options{Width: 80, Height: 60}))
	bad := photoFile(t, "bad.jpg", samples.TruncatedJPEG())
	r := do(t, "thumb", good, bad, filepath.Join(t.TempDir(), "none.jpg"), "--sizes", "40")
	require.Equal(t, exitPartial, r.code)
	require.Contains(t, r.out, string(pipeline.CodeCorruptFile))
	require.Contains(t, r.out, "no such file")
	require.Contains(t, r.out, "40x30 ")
	require.Contains(t, r.err, "2 of 3 files")
	require.Equal(t, exitPartial, do(t, "thumb", good, "--max-pixels", "100").code)
	same := photoFile(t, "good.jpg", samples.Photo(samples.Options{Width: 60, Height: 80}))
	require.Zero(t, do(t, "thumb", good, same, "--sizes", "40").code)
	for _, args := range [][]string{
		{},
		{good, same, "--out", t.TempDir()},
		{good, "--sizes", "0"},
		{good, "--sizes", "10x"},
		{good, "--engine", "vips"},
		{good, "--mode", "crop"},
		{good, "--format", "webp"},
		{good, "--repeat", "0"},
		{good, "--quality", "101"},
	} {
		require.Equal(t, exitUsage, do(t, append([]string{"thumb"}, args...)...).code, "%v", args)
	}
}
