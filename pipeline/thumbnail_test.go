package pipeline_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// fakeThumbnailer makes thumbnails out of thin air, or fails.
type fakeThumbnailer struct {
	err  error
	read string
}

func (f *fakeThumbnailer) Thumbnails(_ context.Context, src io.Reader, _ pipeline.Facts, _ int64, presets []pipeline.Preset) ([]pipeline.Thumbnail, error) {
	b, err := io.ReadAll(src)
	if err != nil {
		return nil, err
	}
	f.read = string(b)
	var out []pipeline.Thumbnail
	for _, p := range presets {
		out = append(out, pipeline.Thumbnail{Preset: p.Name, Width: p.Width, Height: p.Height, JPEG: []byte("jpeg " + p.Name)})
	}
	return out, f.err
}

func photo() pipeline.Upload {
	u := accepted("users/o1/1.jpg")
	u.Content = pipeline.Content{ETag: "v5", Size: 5, Facts: pipeline.Facts{Type: "image/jpeg"}}
	return u
}

func thumbnailOptions() pipeline.ThumbnailOptions {
	return pipeline.ThumbnailOptions{Presets: []pipeline.Preset{{Name: "s", Width: 16, Height: 9}, {Name: "l", Width: 160, Height: 90}}}
}

const smallKey, largeKey = "thumbs/s/users/o1/1.jpg.jpg", "thumbs/l/users/o1/1.jpg.jpg"

func TestMakeThumbnails(t *testing.T) {
	t.Parallel()
	store := &memObjects{data: map[string]string{"users/o1/1.jpg": "photo"}}
	engine := &fakeThumbnailer{}
	res, err := pipeline.MakeThumbnails(t.Context(), store, engine, thumbnailOptions(), photo())
	require.NoError(t, err)
	require.Equal(t, pipeline.StepResult{State: pipeline.Done, Result: pipeline.ThumbnailResult{Thumbnails: []pipeline.OutcomeThumbnail{
		{Preset: "s", Key: smallKey, Width: 16, Height: 9, Bytes: 6},
		{Preset: "l", Key: largeKey, Width: 160, Height: 90, Bytes: 6},
	}}}, res)
	require.Equal(t, "photo", engine.read)
	require.Equal(t, "get[0:0]v5 users/o1/1.jpg, put "+smallKey+", put "+largeKey, strings.Join(store.log, ", "))
	require.Equal(t, "jpeg l", store.data[largeKey])
}

func TestMakeThumbnailsNone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*pipeline.Upload)
	}{
		{"rejected", func(u *pipeline.Upload) { u.Reason = pipeline.CodeTooLarge }},
		{"gone", func(u *pipeline.Upload) { u.Reason = pipeline.CodeObjectGone }},
		{"not checked", func(u *pipeline.Upload) { *u = pipeline.Upload{Bucket: u.Bucket, Key: u.Key} }},
		{"video", func(u *pipeline.Upload) { u.Content.Type = "video/mp4" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := photo()
			tt.change(&u)
			store := &memObjects{data: map[string]string{u.Key: "photo", smallKey: "old", largeKey: "old"}}
			res, err := pipeline.MakeThumbnails(t.Context(), store, &fakeThumbnailer{}, thumbnailOptions(), u)
			require.NoError(t, err)
			require.Equal(t, pipeline.Skipped, res.State)
			require.NotEmpty(t, res.Detail)
			require.Equal(t, map[string]string{u.Key: "photo"}, store.data)
		})
	}
}

var errVanished = pipeline.Errorf(pipeline.Missing, "objects.get", "", "404")

func TestMakeThumbnailsErrors(t *testing.T) {
	t.Parallel()
	corrupt := &pipeline.Error{Class: pipeline.Invalid, Op: "thumb", Code: pipeline.CodeCorruptFile, Err: io.ErrUnexpectedEOF}
	for _, tt := range []struct {
		name   string
		engine error
		body   string
		fail   map[string]error
		reject bool
		class  pipeline.Class
	}{
		{name: "changed since the check", body: "another photo", class: pipeline.Superseded},
		{name: "vanished since the check", fail: map[string]error{"get[0:0]v5 users/o1/1.jpg": errVanished}, class: pipeline.Superseded},
		{name: "vanished while it was read", engine: errVanished, class: pipeline.Superseded},
		{name: "no bucket to write to", fail: map[string]error{"put " + largeKey: errVanished}, class: pipeline.Missing},
		{name: "the decoder lost its source", engine: errNetwork, class: pipeline.Transient},
		{name: "invalid without a code is no rejection", engine: pipeline.Errorf(pipeline.Invalid, "thumb", "", "?"), class: pipeline.Invalid},
		{name: "write", fail: map[string]error{"put " + largeKey: errNetwork}, class: pipeline.Transient},
		{name: "delete", fail: map[string]error{"delete " + smallKey: errNetwork}, reject: true, class: pipeline.Transient},
		{name: "delete after corrupt bytes", engine: corrupt, fail: map[string]error{"delete " + smallKey: errNetwork}, class: pipeline.Transient},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := photo()
			if tt.reject {
				u.Reason = pipeline.CodeTooLarge
			}
			if tt.body == "" {
				tt.body = "photo"
			}
			store := &memObjects{data: map[string]string{u.Key: tt.body, largeKey: "old"}, fail: tt.fail}
			_, err := pipeline.MakeThumbnails(t.Context(), store, &fakeThumbnailer{err: tt.engine}, thumbnailOptions(), u)
			require.Equal(t, tt.class, pipeline.ClassOf(err), "%v", err)
		})
	}
}

// TestMakeThumbnailsCorrupt: what cannot be decoded rejects the upload, and nothing is
// left of the thumbnails of older content.
func TestMakeThumbnailsCorrupt(t *testing.T) {
	t.Parallel()
	corrupt := &pipeline.Error{Class: pipeline.Invalid, Op: "thumb", Code: pipeline.CodeCorruptFile, Err: io.ErrUnexpectedEOF}
	store := &memObjects{data: map[string]string{"users/o1/1.jpg": "photo", smallKey: "old", largeKey: "old"}}
	res, err := pipeline.MakeThumbnails(t.Context(), store, &fakeThumbnailer{err: corrupt}, thumbnailOptions(), photo())
	require.NoError(t, err)
	require.Equal(t, pipeline.Done, res.State)
	require.Equal(t, pipeline.CodeCorruptFile, res.Code)
	require.NotEmpty(t, res.Detail)
	require.Equal(t, map[string]string{"users/o1/1.jpg": "photo"}, store.data)
}

func TestThumbnailNames(t *testing.T) {
	t.Parallel()
	o := pipeline.ThumbnailOptions{}
	require.Equal(t, "thumbs/s/a/b.png.jpg", o.Key("s", "a/b.png"))
	require.True(t, o.Derivative("thumbs/s/a.jpg"))
	require.False(t, o.Derivative("users/thumbs/a.jpg"))
	o.Prefix = "t/"
	require.Equal(t, "t/s/a.jpg.jpg", o.Key("s", "a.jpg"))
	require.True(t, o.Derivative(o.Key("s", "a.jpg")))
	require.False(t, o.Derivative("thumbs/s/a.jpg"))

	u := photo()
	u.Key = strings.Repeat("a", pipeline.MaxNameBytes)
	store := &memObjects{data: map[string]string{u.Key: "photo"}}
	res, err := pipeline.MakeThumbnails(t.Context(), store, &fakeThumbnailer{}, thumbnailOptions(), u)
	require.NoError(t, err)
	require.Equal(t, pipeline.Skipped, res.State, "COS would take no longer name")
	require.Empty(t, store.log)
}
