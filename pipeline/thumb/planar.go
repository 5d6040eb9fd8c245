package thumb

import (
	"image"

	"github.com/afterput/afterput/pipeline/thumb/icc"
	"github.com/afterput/afterput/pipeline/thumb/jpeg"
	"github.com/afterput/afterput/pipeline/thumb/resample"
)

// planar is a small upright image as JPEG has it: luma, and both chroma planes at half the
// size, rounded up. One without colour has luma alone.
type planar struct {
	y, cb, cr resample.Plane
	gray      bool
	profile   []byte // that its colours only mean something beside; nil is sRGB
}

func (s *scratch) planar(w, h int, gray bool) planar {
	p := planar{y: s.plane(w, h), gray: gray}
	if !gray {
		p.cb, p.cr = s.plane(half(w), half(h)), s.plane(half(w), half(h))
	}
	return p
}

func half(n int) int { return (n + 1) / 2 }

func (p *planar) planes() []*resample.Plane {
	if p.gray {
		return []*resample.Plane{&p.y}
	}
	return []*resample.Plane{&p.y, &p.cb, &p.cr}
}

// convert takes the colours to sRGB in place.
func (p *planar) convert(t *icc.Transform) {
	switch {
	case t == nil:
	case p.gray:
		t.Gray(p.y.Pix)
	default:
		t.YCbCr(icc.Planes{
			Y: p.y.Pix, Cb: p.cb.Pix, Cr: p.cr.Pix, YStride: p.y.Stride, CStride: p.cb.Stride,
			Width: p.y.Width, Height: p.y.Height, HFactor: 2, VFactor: 2,
		})
	}
}

// image is the same for the standard library.
func (p *planar) image() image.Image {
	r := image.Rect(0, 0, p.y.Width, p.y.Height)
	if p.gray {
		return &image.Gray{Pix: p.y.Pix, Stride: p.y.Stride, Rect: r}
	}
	return &image.YCbCr{
		Y: p.y.Pix, Cb: p.cb.Pix, Cr: p.cr.Pix, YStride: p.y.Stride, CStride: p.cb.Stride,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: r,
	}
}

// picture is the same for the encoder.
func (p *planar) picture() jpeg.Picture {
	pic := jpeg.Picture{Width: p.y.Width, Height: p.y.Height, Y: jpeg.Samples{Pix: p.y.Pix, Stride: p.y.Stride}}
	if p.gray {
		pic.Sampling = jpeg.SamplingGray
		return pic
	}
	pic.Cb = jpeg.Samples{Pix: p.cb.Pix, Stride: p.cb.Stride}
	pic.Cr = jpeg.Samples{Pix: p.cr.Pix, Stride: p.cr.Stride}
	return pic
}
