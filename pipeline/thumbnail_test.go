package pipeline_test

import (
	"context"
	"encoding/json"
	"errors"
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
		out = append(out, pipeline.Thumbnail{Preset: p.Name, Width: p.Width, Height: p.Height, Type: p.Format.Type(), Data: []byte(string(p.WithDefaults().Format) + " " + p.Name)})
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
	res, err := pipeline.MakeThumbnails(t.Context(), store, engine, thumbnailOptions(), photo(), nil)
	require.NoError(t, err)
	require.Equal(t, pipeline.StepResult{State: pipeline.Done, Result: pipeline.ThumbnailResult{Thumbnails: []pipeline.OutcomeThumbnail{
		{Preset: "s", Key: smallKey, ContentType: "image/jpeg", Width: 16, Height: 9, Bytes: 6},
		{Preset: "l", Key: largeKey, ContentType: "image/jpeg", Width: 160, Height: 90, Bytes: 6},
	}, ETag: "v5", Specs: map[string]string{"s": "fit 16x9 jpeg q80 on #ffffff", "l": "fit 160x90 jpeg q80 on #ffffff"}}}, res)
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
			res, err := pipeline.MakeThumbnails(t.Context(), store, &fakeThumbnailer{}, thumbnailOptions(), u, nil)
			require.NoError(t, err)
			require.Equal(t, pipeline.Skipped, res.State)
			require.NotEmpty(t, res.Detail)
			require.Equal(t, map[string]string{u.Key: "photo"}, store.data)
		})
	}
}

// picky takes videos, but no images.
type picky struct{ fakeThumbnailer }

func (*picky) Skips(kind string) string {
	if kind == "video/mp4" {
		return ""
	}
	return "images are dull"
}

func TestMakeThumbnailsAsksTheEngine(t *testing.T) {
	t.Parallel()
	u := photo()
	store := &memObjects{data: map[string]string{u.Key: "photo"}}
	res, err := pipeline.MakeThumbnails(t.Context(), store, &picky{}, thumbnailOptions(), u, nil)
	require.NoError(t, err)
	require.Equal(t, pipeline.StepResult{State: pipeline.Skipped, Detail: "images are dull"}, res)
	u.Content.Type = "video/mp4"
	res, err = pipeline.MakeThumbnails(t.Context(), store, &picky{}, thumbnailOptions(), u, nil)
	require.NoError(t, err)
	require.Equal(t, pipeline.Done, res.State)
	none := &pipeline.Error{Class: pipeline.Invalid, Op: "thumb.poster", Code: pipeline.CodeTypeNotAllowed, Err: errors.New("the video has no frame")}
	res, err = pipeline.MakeThumbnails(t.Context(), store, &picky{fakeThumbnailer{err: none}}, thumbnailOptions(), u, nil)
	require.NoError(t, err)
	require.Equal(t, pipeline.StepResult{State: pipeline.Skipped, Detail: "the video has no frame"}, res)
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
			_, err := pipeline.MakeThumbnails(t.Context(), store, &fakeThumbnailer{err: tt.engine}, thumbnailOptions(), u, nil)
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
	res, err := pipeline.MakeThumbnails(t.Context(), store, &fakeThumbnailer{err: corrupt}, thumbnailOptions(), photo(), nil)
	require.NoError(t, err)
	require.Equal(t, pipeline.Done, res.State)
	require.Equal(t, pipeline.CodeCorruptFile, res.Code)
	require.NotEmpty(t, res.Detail)
	require.Equal(t, map[string]string{"users/o1/1.jpg": "photo"}, store.data)
}

// TestMakeThumbnailsMissing: what is kept of the same content by the same spec is not made
// again.
func TestMakeThumbnailsMissing(t *testing.T) {
	t.Parallel()
	opt := thumbnailOptions()
	made := func() pipeline.ThumbnailResult {
		store := &memObjects{data: map[string]string{"users/o1/1.jpg": "photo"}}
		res, err := pipeline.MakeThumbnails(t.Context(), store, &fakeThumbnailer{}, opt, photo(), nil)
		require.NoError(t, err)
		return res.Result.(pipeline.ThumbnailResult)
	}
	changed := opt
	changed.Presets = []pipeline.Preset{opt.Presets[0], {Name: "l", Width: 160, Height: 90, Format: pipeline.PNG}}
	added := opt
	added.Presets = append([]pipeline.Preset{{Name: "n", Width: 1, Height: 1}}, opt.Presets...)
	const pngKey, newKey = "thumbs/l/users/o1/1.jpg.png", "thumbs/n/users/o1/1.jpg.jpg"
	for _, tt := range []struct {
		name string
		opt  pipeline.ThumbnailOptions
		kept pipeline.ThumbnailResult
		log  string
		keys []string
	}{
		{"all there", opt, made(), "", []string{smallKey, largeKey}},
		{"a new preset", added, made(), "get[0:0]v5 users/o1/1.jpg, put " + newKey, []string{smallKey, largeKey, newKey}},
		{"another format", changed, made(), "get[0:0]v5 users/o1/1.jpg, put " + pngKey + ", delete " + largeKey, []string{smallKey, pngKey}},
		{"by force", opt, made().Without([]string{"l"}), "get[0:0]v5 users/o1/1.jpg, put " + largeKey, []string{smallKey, largeKey}},
		{"of other content", opt, pipeline.ThumbnailResult{ETag: "v4", Specs: made().Specs}, "get[0:0]v5 users/o1/1.jpg, put " + smallKey + ", put " + largeKey, []string{smallKey, largeKey}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			kept, err := json.Marshal(tt.kept)
			require.NoError(t, err)
			store := &memObjects{data: map[string]string{"users/o1/1.jpg": "photo", largeKey: "old"}}
			res, err := pipeline.MakeThumbnails(t.Context(), store, &fakeThumbnailer{}, tt.opt, photo(), kept)
			require.NoError(t, err)
			require.Equal(t, tt.log, strings.Join(store.log, ", "))
			got := res.Result.(pipeline.ThumbnailResult)
			require.Empty(t, got.Lacks(tt.opt.Presets))
			var keys []string
			for _, o := range got.Thumbnails {
				keys = append(keys, o.Key)
			}
			require.Equal(t, tt.keys, keys)
		})
	}
	_, err := pipeline.MakeThumbnails(t.Context(), &memObjects{}, &fakeThumbnailer{}, opt, photo(), []byte("{"))
	require.Equal(t, pipeline.Bug, pipeline.ClassOf(err))
}

func TestPreset(t *testing.T) {
	t.Parallel()
	require.Equal(t, "fill 9x8 png enlarge", pipeline.Preset{Width: 9, Height: 8, Mode: pipeline.Fill, Format: pipeline.PNG, Enlarge: true, Quality: 3}.Spec())
	rgb, err := pipeline.Colour("#01fF80")
	require.NoError(t, err)
	require.Equal(t, [3]byte{1, 255, 128}, rgb)
	for _, s := range []string{"", "ffffff", "#fff", "#gggggg", "#12345", "white"} {
		_, err := pipeline.Colour(s)
		require.Error(t, err, s)
	}
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
	o.Presets = []pipeline.Preset{{Name: "p", Format: pipeline.PNG}}
	require.Equal(t, "t/p/a.jpg.png", o.Key("p", "a.jpg"))

	u := photo()
	u.Key = strings.Repeat("a", pipeline.MaxNameBytes)
	store := &memObjects{data: map[string]string{u.Key: "photo"}}
	res, err := pipeline.MakeThumbnails(t.Context(), store, &fakeThumbnailer{}, thumbnailOptions(), u, nil)
	require.NoError(t, err)
	require.Equal(t, pipeline.Skipped, res.State, "COS would take no longer name")
	require.Empty(t, store.log)
}
