package probe_test

import (
	"bytes"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"golang.org/x/image/webp"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

// FuzzDetect: never a panic, an answer that makes sense, and the dimensions of the real
// decoders wherever they see any.
func FuzzDetect(f *testing.F) {
	for _, list := range [][]samples.File{samples.Ordinary(), samples.Other(), samples.Hostile()} {
		for _, s := range list {
			if len(s.Data) < 8<<10 {
				f.Add(s.Data, int64(len(s.Data)))
				f.Add(s.Data[:len(s.Data)/2], int64(len(s.Data)))
			}
		}
	}
	for o := range 9 {
		f.Add(samples.Oriented(o), int64(1<<20))
	}
	f.Fuzz(func(t *testing.T, head []byte, size int64) {
		facts, need := probe.Detect(head, size)
		if facts.Type == "" || facts.Width < 0 || facts.Height < 0 || facts.Frames < 0 || facts.Orientation < 0 || facts.Orientation > 8 {
			t.Fatalf("senseless: %+v", facts)
		}
		if need != 0 && (need <= len(head) || int64(need) > size || need > probe.MaxHead) {
			t.Fatalf("need %d with %d of %d bytes", need, len(head), size)
		}
		whole, _ := probe.Detect(head, int64(len(head)))
		sameDims(t, head, whole)
	})
}

func sameDims(t *testing.T, data []byte, facts pipeline.Facts) {
	t.Helper()
	r := bytes.NewReader(data)
	var w, h int
	switch facts.Type {
	case probe.TypeJPEG:
		if c, err := jpeg.DecodeConfig(r); err == nil {
			w, h = c.Width, c.Height
		}
	case probe.TypePNG:
		if c, err := png.DecodeConfig(r); err == nil {
			w, h = c.Width, c.Height
		}
	case probe.TypeWebP:
		if c, err := webp.DecodeConfig(r); err == nil {
			w, h = c.Width, c.Height
		}
	case probe.TypeGIF:
		c, err := gif.DecodeConfig(r)
		if err != nil {
			return
		}
		// The first frame may reach beyond the screen, which image/gif refuses to decode.
		if facts.Width < c.Width || facts.Height < c.Height {
			t.Fatalf("%d x %d, the decoder says %d x %d", facts.Width, facts.Height, c.Width, c.Height)
		}
		if int64(facts.Width)*int64(facts.Height) > 1<<20 {
			return
		}
		if _, err := gif.Decode(bytes.NewReader(data)); err == nil {
			w, h = c.Width, c.Height
		}
	}
	if w != 0 && (w != facts.Width || h != facts.Height) {
		t.Fatalf("%s: %d x %d, the decoder says %d x %d", facts.Type, facts.Width, facts.Height, w, h)
	}
}
