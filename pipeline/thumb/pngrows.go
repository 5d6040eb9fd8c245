package thumb

import (
	"context"
	"image"

	"github.com/afterput/afterput/pipeline/thumb/jpeg"
	"github.com/afterput/afterput/pipeline/thumb/png"
)

// shrinkPNGBy is how many pixels a side of a PNG are averaged into one as they come.
func shrinkPNGBy(targets []target) int { return min(shrinkBy(density(targets)), png.MaxFactor) }

// costPNG counts the decoder, and gives the columns of its averaged rows.
func costPNG(p picture, targets []target) (cost int64, columns int) {
	if p.png == nil {
		return 0, 0
	}
	const sums, bands = 2, 2 // bytes for a sample
	columns = p.width/shrinkPNGBy(targets) + 1
	return p.png.Memory() + int64(p.width*p.png.Channels*sums) + int64(columns*(3+p.png.Channels)*bands), columns
}

// decodePNG feeds the roots with rows that are averaged as they come, in the form that JPEG
// has: luma, and chroma at half the size.
func (f *fast) decodePNG(ctx context.Context, s *scratch, p picture, targets []target) ([]*root, error) {
	m := &s.mixer
	factor := shrinkPNGBy(targets)
	m.reset(p.png, factor)
	per := 1 / float64(factor)
	layers := []layer{{columns: m.width, rows: m.height, perX: per, perY: per}}
	if !p.gray {
		chroma := layer{columns: half(m.width), rows: half(m.height), perX: per / 2, perY: per / 2, halved: true}
		layers = append(layers, chroma, chroma)
	}
	roots, err := newRoots(s, p, layers, targets)
	if err != nil {
		return nil, err
	}
	err = s.png.Decode(ctx, p.data, *p.png, func(_ int, row []byte) error {
		if m.row(row) {
			for _, r := range roots {
				r.take(m.band)
			}
		}
		return nil
	})
	return roots, err
}

// mixer makes bands of luma and chroma out of rows of grey or RGB that it averages first.
type mixer struct {
	shrinker      png.Shrinker
	width, height int // after averaging
	gray          bool
	came          int // averaged rows
	luma          []byte
	cb, cr        []byte
	sums          []int32 // of red, green and blue, two columns and two rows each
	band          jpeg.Band
}

func (m *mixer) reset(h *png.Header, factor int) {
	m.shrinker.Reset(h.Width, h.Height, h.Channels, factor)
	m.width, m.height, m.came, m.gray = m.shrinker.Width(), m.shrinker.Height(), 0, h.Channels == 1
	if m.gray {
		m.band.Planes = append(m.band.Planes[:0], jpeg.Plane{Stride: m.width, Width: m.width, Rows: 1})
		return
	}
	n := half(m.width)
	m.luma, m.cb, m.cr = grown(m.luma, 2*m.width), grown(m.cb, n), grown(m.cr, n)
	m.sums = grown(m.sums, 3*n)
	m.band.Planes = append(m.band.Planes[:0],
		jpeg.Plane{Pix: m.luma, Stride: m.width, Width: m.width},
		jpeg.Plane{Pix: m.cb, Stride: n, Width: n, Rows: 1},
		jpeg.Plane{Pix: m.cr, Stride: n, Width: n, Rows: 1})
}

func grown[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}

// row takes a row of the file, and tells whether band holds another one now.
func (m *mixer) row(row []byte) bool {
	small := m.shrinker.Row(row)
	if small == nil {
		return false
	}
	if m.gray {
		m.band.Planes[0].Pix = small
		return true
	}
	second := m.came % 2
	m.came++
	m.mix(m.luma[second*m.width:][:m.width], small, second == 1)
	if second == 0 && m.came < m.height {
		return false
	}
	m.band.Planes[0].Rows = second + 1
	m.chroma(second + 1)
	return true
}

// mix converts a row to luma and adds up its colours (ITU-T T.871 clause 7).
func (m *mixer) mix(luma, rgb []byte, second bool) {
	if !second {
		clear(m.sums)
	}
	for x := 0; x+1 < len(luma); x += 2 {
		p, s := rgb[3*x:3*x+6], m.sums[3*x/2:3*x/2+3]
		r0, g0, b0 := int32(p[0]), int32(p[1]), int32(p[2])
		r1, g1, b1 := int32(p[3]), int32(p[4]), int32(p[5])
		luma[x] = byte((19595*r0 + 38470*g0 + 7471*b0 + 1<<15) >> 16)
		luma[x+1] = byte((19595*r1 + 38470*g1 + 7471*b1 + 1<<15) >> 16)
		s[0], s[1], s[2] = s[0]+r0+r1, s[1]+g0+g1, s[2]+b0+b1
	}
	if x := len(luma) - 1; x%2 == 0 { // the last column counts twice
		p, s := rgb[3*x:3*x+3], m.sums[3*x/2:3*x/2+3]
		r, g, b := int32(p[0]), int32(p[1]), int32(p[2])
		luma[x] = byte((19595*r + 38470*g + 7471*b + 1<<15) >> 16)
		s[0], s[1], s[2] = s[0]+2*r, s[1]+2*g, s[2]+2*b
	}
}

// chroma is that of the mean of two columns and of one or two rows.
func (m *mixer) chroma(rows int) {
	shift := 16 + rows
	middle := int32(128)<<shift + 1<<(shift-1)
	for i := range m.cb {
		s := m.sums[3*i : 3*i+3]
		r, g, b := s[0], s[1], s[2]
		m.cb[i] = byte(min((-11058*r-21710*g+32768*b+middle)>>shift, 255))
		m.cr[i] = byte(min((32768*r-27439*g-5329*b+middle)>>shift, 255))
	}
}

// shrinkPNG lays a PNG out as shrink does, as its rows come.
func shrinkPNG(ctx context.Context, p picture, by factors) (*image.NRGBA, error) {
	w, h := max(p.width/by.x, 1), max(p.height/by.y, 1)
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	columns, rows := cells(w, p.width, 1), cells(h, p.height, 1)
	var strip *image.RGBA
	if by != (factors{1, 1}) {
		strip = image.NewRGBA(image.Rect(0, 0, p.width, p.height/h+1))
	}
	var d png.Decoder
	err := d.Decode(ctx, p.data, *p.png, func(y int, row []byte) error {
		if strip == nil {
			straight(out.Pix[y*out.Stride:], row, p.png.Channels)
			return nil
		}
		cell := rows[0]
		line := strip.Pix[(y-cell.from)*strip.Stride:][:strip.Stride]
		straight(line, row, p.png.Channels)
		premultiply(line)
		if y+1 == cell.to {
			part := strip.SubImage(image.Rect(0, 0, p.width, cell.to-cell.from)).(*image.RGBA)
			averageStrip(out.Pix[(h-len(rows))*out.Stride:][:out.Stride], part, columns)
			rows = rows[1:]
		}
		return nil
	})
	return out, err
}

// straight makes pixels of red, green, blue and alpha out of those of n channels.
func straight(dst, src []byte, n int) {
	for ; len(src) >= n; src, dst = src[n:], dst[4:] {
		dst[0], dst[1], dst[2], dst[3] = src[0], src[0], src[0], 255
		if n > 2 {
			dst[1], dst[2] = src[1], src[2]
		}
		if n%2 == 0 {
			dst[3] = src[n-1]
		}
	}
}

func premultiply(pix []byte) {
	for ; len(pix) >= 4; pix = pix[4:] {
		if a := uint32(pix[3]); a < 255 {
			for i := range 3 {
				pix[i] = byte((uint32(pix[i])*a + 127) / 255)
			}
		}
	}
}
