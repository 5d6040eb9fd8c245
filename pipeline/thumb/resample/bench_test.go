package resample

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// noise is a plane of random samples, which no filter is faster on than on photos.
func noise(width, height int) Plane {
	p := NewPlane(width, height)
	r := rand.New(rand.NewPCG(uint64(width), uint64(height)))
	for i := range p.Pix {
		p.Pix[i] = byte(r.Uint32())
	}
	return p
}

func BenchmarkResize(b *testing.B) {
	for _, c := range []struct{ w, h, dw, dh int }{
		{2016, 1512, 1280, 960},
		{1280, 960, 480, 360},
		{480, 360, 160, 120},
		{1008, 756, 640, 480},
		{640, 480, 240, 180},
		{4032, 3024, 1280, 960},
		{4032, 3024, 320, 240},
		{480, 360, 960, 720},
	} {
		b.Run(fmt.Sprintf("%dx%d-%dx%d", c.w, c.h, c.dw, c.dh), func(b *testing.B) {
			src, dst := noise(c.w, c.h), NewPlane(c.dw, c.dh)
			s := New(nil)
			b.ReportAllocs()
			b.SetBytes(int64(len(src.Pix)))
			for b.Loop() {
				if err := s.Resize(dst, src, 0, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
