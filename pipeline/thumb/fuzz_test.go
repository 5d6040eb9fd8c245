package thumb_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
)

// FuzzThumbnails: whatever bytes probe takes for an image become a thumbnail within its
// box, without metadata, or an Invalid error with a code. Never a panic that escapes.
func FuzzThumbnails(f *testing.F) {
	for _, list := range [][]samples.File{samples.Ordinary(), samples.Hostile()} {
		for _, s := range list {
			if len(s.Data) < 8<<10 {
				f.Add(s.Data)
			}
		}
	}
	for o := range 9 {
		f.Add(samples.Oriented(o))
	}
	e := newEngine(f, thumb.Options{MaxPixels: 1 << 20, MaxScans: 20})
	presets := []pipeline.Preset{{Name: "a", Width: 40, Height: 30}, {Name: "b", Width: 8, Height: 8}}
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, _ := probe.Detect(data, int64(len(data)))
		thumbs, err := e.Thumbnails(t.Context(), bytes.NewReader(data), facts, int64(len(data)), presets)
		if err != nil {
			if pipeline.ClassOf(err) != pipeline.Invalid || pipeline.CodeOf(err) == "" {
				t.Fatalf("%v: class %s", err, pipeline.ClassOf(err))
			}
			return
		}
		for i, th := range thumbs {
			img, err := jpeg.Decode(bytes.NewReader(th.Data))
			if err != nil {
				t.Fatal(err)
			}
			size := img.Bounds().Size()
			if size != image.Pt(th.Width, th.Height) || size.X > presets[i].Width || size.Y > presets[i].Height || size.X < 1 || size.Y < 1 {
				t.Fatalf("size %v, thumbnail %d x %d", size, th.Width, th.Height)
			}
			if bytes.Contains(th.Data, []byte("Exif\x00")) {
				t.Fatal("metadata")
			}
		}
	})
}
