package thumb

import (
	"github.com/afterput/afterput/pipeline/thumb/resample"
)

// orientation says how the stored image becomes the upright one (EXIF 2.32, tag 0x0112):
// the stored axes are mirrored, then swapped.
type orientation struct{ swap, mirrorX, mirrorY bool }

// orientations are in the order of the tag's values; the first is for none.
var orientations = [9]orientation{
	2: {mirrorX: true},
	3: {mirrorX: true, mirrorY: true},
	4: {mirrorY: true},
	5: {swap: true},
	6: {swap: true, mirrorY: true},
	7: {swap: true, mirrorX: true, mirrorY: true},
	8: {swap: true, mirrorX: true},
}

// span is a part of a stored axis.
type span struct {
	from, length float64
	mirrored     bool
}

// stored gives the spans of the stored axes that an upright view shows of an image of
// w x h pixels as stored.
func (o orientation) stored(v view, w, h int) (x, y span) {
	x, y = span{v.x, v.w, o.mirrorX}, span{v.y, v.h, o.mirrorY}
	if o.swap {
		x, y = span{v.y, v.h, o.mirrorX}, span{v.x, v.w, o.mirrorY}
	}
	if x.mirrored {
		x.from = float64(w) - x.from - x.length
	}
	if y.mirrored {
		y.from = float64(h) - y.from - y.length
	}
	return x, y
}

// turn writes src upright into dst, which has its size, or its sides swapped.
func (o orientation) turn(dst, src resample.Plane) {
	if o.swap {
		o.transpose(dst, src)
		return
	}
	for y := range dst.Height {
		from := y
		if o.mirrorY {
			from = src.Height - 1 - y
		}
		to, row := dst.Row(y), src.Row(from)
		if !o.mirrorX {
			copy(to, row)
			continue
		}
		for x := range to {
			to[x] = row[len(row)-1-x]
		}
	}
}

// transpose goes tile by tile, for the cache's sake.
func (o orientation) transpose(dst, src resample.Plane) {
	const tile = 32
	for y0 := 0; y0 < dst.Height; y0 += tile {
		for x0 := 0; x0 < dst.Width; x0 += tile {
			for y := y0; y < min(y0+tile, dst.Height); y++ {
				column := y
				if o.mirrorX {
					column = src.Width - 1 - y
				}
				at, step := x0*src.Stride+column, src.Stride
				if o.mirrorY {
					at, step = (src.Height-1-x0)*src.Stride+column, -src.Stride
				}
				row := dst.Row(y)[x0:min(x0+tile, dst.Width)]
				for x := range row {
					row[x] = src.Pix[at]
					at += step
				}
			}
		}
	}
}
