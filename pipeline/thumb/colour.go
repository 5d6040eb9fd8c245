package thumb

import (
	"github.com/afterput/afterput/pipeline/thumb/icc"
	"github.com/afterput/afterput/pipeline/thumb/jpeg"
	"github.com/afterput/afterput/pipeline/thumb/resample"
)

// profile says what an embedded colour profile asks for: a conversion to sRGB, or, where
// there is no simple one, that it goes along with the thumbnail. gray tells an image without
// colour. A profile that is broken, or that is for other colours than the image has, counts
// as none, as it does in browsers.
func profile(data []byte, gray bool) (t *icc.Transform, keep []byte) {
	if len(data) == 0 {
		return nil, nil
	}
	p, err := icc.Parse(data)
	if err != nil {
		return nil, nil
	}
	const spaceAt = 16 // ICC.1:2022, 7.2.8
	space := string(data[spaceAt : spaceAt+4])
	switch {
	case p.Kind() == icc.Other && (space == "RGB " && !gray || space == "GRAY" && gray):
		return nil, data
	case p.Kind() == icc.Grayscale && !gray:
		return nil, nil
	}
	return p.ToSRGB(), nil
}

// toRGB makes red, green and blue of the inks of a CMYK or YCCK image; the first three
// planes hold them then.
func toRGB(h *jpeg.Header, planes []resample.Plane) {
	a, b, c, k := planes[0].Pix, planes[1].Pix, planes[2].Pix, planes[3].Pix
	for i := range k {
		red, green, blue, light := a[i], b[i], c[i], k[i]
		if h.Model == jpeg.ModelYCCK {
			red, green, blue = rgbOf(red, green, blue)
			red, green, blue = 255-red, 255-green, 255-blue
		}
		if !h.Adobe {
			// 255 is all ink; an Adobe file says how much paper is left.
			red, green, blue, light = 255-red, 255-green, 255-blue, 255-light
		}
		a[i], b[i], c[i] = times(red, light), times(green, light), times(blue, light)
	}
}

// times multiplies parts of 255.
func times(a, b byte) byte { return byte((uint32(a)*uint32(b) + 127) / 255) }

// rgbOf converts by JFIF (ITU-T T.871 clause 7).
func rgbOf(y, cb, cr byte) (r, g, b byte) {
	v, u, w := int32(y)<<16+1<<15, int32(cb)-128, int32(cr)-128
	return clamp(v + 91881*w), clamp(v - 22554*u - 46802*w), clamp(v + 116130*u)
}

func clamp(v int32) byte { return byte(min(max(v>>16, 0), 255)) }

// fromRGB makes the planes of dst, which share a size, out of red, green and blue.
func fromRGB(dst *planar, rgb []resample.Plane) {
	w, h := dst.y.Width, dst.y.Height
	for cy := range dst.cb.Height {
		for cx := range dst.cb.Width {
			var r, g, b, n int32
			for y := 2 * cy; y < min(2*cy+2, h); y++ {
				for x := 2 * cx; x < min(2*cx+2, w); x++ {
					at := y*rgb[0].Stride + x
					pr, pg, pb := int32(rgb[0].Pix[at]), int32(rgb[1].Pix[at]), int32(rgb[2].Pix[at])
					dst.y.Pix[y*dst.y.Stride+x] = byte((19595*pr + 38470*pg + 7471*pb + 1<<15) >> 16)
					r, g, b, n = r+pr, g+pg, b+pb, n+1
				}
			}
			at, round := cy*dst.cb.Stride+cx, n<<15
			dst.cb.Pix[at] = clamp((-11058*r-21710*g+32768*b+round)/n + 128<<16)
			dst.cr.Pix[at] = clamp((32768*r-27439*g-5329*b+round)/n + 128<<16)
		}
	}
}
