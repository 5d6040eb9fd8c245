package thumb_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
	"github.com/afterput/afterput/pipeline/thumb/jpeg/jpegtest"
)

// FuzzEngine: whatever bytes probe takes for an image become thumbnails of their size,
// without metadata, or an Invalid error with a code. Never a panic, on neither way.
func FuzzEngine(f *testing.F) {
	for _, list := range [][]samples.File{samples.Ordinary(), samples.Hostile()} {
		for _, s := range list {
			if len(s.Data) < 8<<10 {
				f.Add(s.Data, byte(0))
			}
		}
	}
	for o := range 9 {
		f.Add(samples.Oriented(o), byte(o))
	}
	for i, factors := range [][]jpegtest.Factors{{full}, {twice, full, full}, {wide, full, full}, {full, full, full, full}} {
		m := jpegtest.New(40, 27, factors, uint64(i))
		f.Add(jpegtest.Encode(m, jpegtest.Options{Restart: 1}), byte(i))
		f.Add(jpegtest.Encode(m, jpegtest.Options{Progressive: true, Adobe: true}), byte(i))
	}
	f.Add(profiled(samples.DisplayP3, samples.Oriented(6)), byte(0))
	limits := thumb.Options{MaxPixels: 1 << 18, MaxScans: 20, Budget: 16 << 20}
	fast := newEngine(f, limits)
	limits.Plain = true
	plain := newEngine(f, limits)
	presets := []pipeline.Preset{
		{Name: "a", Width: 40, Height: 30},
		{Name: "b", Width: 8, Height: 8, Format: pipeline.PNG},
		{Name: "c", Width: 17, Height: 23, Mode: pipeline.Fill, Background: "#102030"},
		{Name: "d", Width: 33, Height: 9, Mode: pipeline.Fill, Enlarge: true},
	}
	f.Fuzz(func(t *testing.T, data []byte, way byte) {
		facts, _ := probe.Detect(data, int64(len(data)))
		e := fast
		if way&0x80 != 0 {
			e = plain
		}
		if way &= 15; way <= 8 {
			facts.Orientation = int(way)
		}
		thumbs, err := e.Thumbnails(t.Context(), bytes.NewReader(data), facts, int64(len(data)), presets)
		if err != nil {
			if pipeline.ClassOf(err) != pipeline.Invalid || pipeline.CodeOf(err) == "" {
				t.Fatalf("%v: class %s", err, pipeline.ClassOf(err))
			}
			if strings.Contains(err.Error(), "panicked") {
				t.Fatal(err)
			}
			return
		}
		for i, th := range thumbs {
			judge(t, th, presets[i])
		}
	})
}

func judge(t *testing.T, th pipeline.Thumbnail, p pipeline.Preset) {
	t.Helper()
	decode := jpeg.Decode
	if p.Format == pipeline.PNG {
		decode = png.Decode
	}
	img, err := decode(bytes.NewReader(th.Data))
	if err != nil {
		t.Fatal(err)
	}
	size := img.Bounds().Size()
	if size != image.Pt(th.Width, th.Height) || size.X > p.Width || size.Y > p.Height || size.X < 1 || size.Y < 1 {
		t.Fatalf("size %v, thumbnail %d x %d", size, th.Width, th.Height)
	}
	if p.Enlarge && size != image.Pt(p.Width, p.Height) {
		t.Fatalf("size %v, the box is %d x %d", size, p.Width, p.Height)
	}
	if bytes.Contains(th.Data, []byte("Exif\x00")) {
		t.Fatal("metadata")
	}
}
