package thumb

import (
	"context"
	"image"
	"image/color"
	"image/draw"
)

// canvas is a decoded image on a transparent ground.
type canvas struct {
	img image.Image
	// at is where the point 0, 0 of img lies.
	at            image.Point
	width, height int
}

// rect is where the image lies on the canvas.
func (c canvas) rect() image.Rectangle { return c.img.Bounds().Add(c.at) }

func (c canvas) covered() bool { return image.Rect(0, 0, c.width, c.height).In(c.rect()) }

// plain gives the image if it is YCbCr, as JPEG and lossy WebP are, and covers the canvas.
func (c canvas) plain() (*image.YCbCr, bool) {
	m, ok := c.img.(*image.YCbCr)
	return m, ok && m.Rect == image.Rect(0, 0, c.width, c.height) && c.at == image.Point{}
}

// drawRows paints rows y.. of the canvas onto dst, which begins at 0, 0.
func (c canvas) drawRows(dst draw.Image, y int) {
	draw.Draw(dst, dst.Bounds(), c.img, image.Pt(-c.at.X, y-c.at.Y), draw.Src)
}

// drawAll paints the canvas onto dst, which has its size.
func (c canvas) drawAll(ctx context.Context, dst *image.NRGBA) error {
	o, ok := c.img.(interface{ Opaque() bool })
	opaque := ok && o.Opaque() && c.covered()
	const most = 64 // rows between two looks at ctx
	for y := 0; y < c.height; y += most {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows := image.NRGBA{Pix: dst.Pix[y*dst.Stride:], Stride: dst.Stride, Rect: image.Rect(0, 0, c.width, min(most, c.height-y))}
		if opaque {
			// Opaque pixels are the same in both models, and draw is fast with this one.
			c.drawRows((*image.RGBA)(&rows), y)
		} else {
			c.drawRows(&rows, y)
		}
	}
	return nil
}

// shrink lays a canvas out as pixels with the origin 0, 0, averaging cells of about as many
// pixels as the factors say into one.
func shrink(ctx context.Context, c canvas, by factors) (*image.NRGBA, error) {
	w, h := max(c.width/by.x, 1), max(c.height/by.y, 1)
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	if by == (factors{1, 1}) {
		return out, c.drawAll(ctx, out)
	}
	if m, ok := c.plain(); ok {
		return out, shrinkYCbCr(ctx, out, m)
	}
	columns, rows := cells(w, c.width, 1), cells(h, c.height, 1)
	pix := make([]byte, 4*c.width*(c.height/h+1))
	for y, r := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		strip := &image.RGBA{Pix: pix[:4*c.width*(r.to-r.from)], Stride: 4 * c.width, Rect: image.Rect(0, 0, c.width, r.to-r.from)}
		clear(strip.Pix) // what the image leaves free
		c.drawRows(strip, r.from)
		averageStrip(out.Pix[y*out.Stride:][:4*w], strip, columns)
	}
	return out, nil
}

// cell is a range of samples that becomes one.
type cell struct{ from, to int }

// cells cuts a side of size pixels into n cells that differ by one pixel at most, so that
// nothing is stretched, and gives them in samples of sub pixels each. Neighbours share a
// sample that they cut.
func cells(n, size, sub int) []cell {
	out := make([]cell, n)
	for i := range out {
		from, to := int64(i)*int64(size)/int64(n), int64(i+1)*int64(size)/int64(n)
		out[i] = cell{from: int(from) / sub, to: (int(to) + sub - 1) / sub}
	}
	return out
}

// averageStrip averages the rows of strip, whose colours are premultiplied, into one row
// of pixels, whose colours are not.
func averageStrip(dst []byte, strip *image.RGBA, columns []cell) {
	rows := strip.Rect.Dy()
	for x, c := range columns {
		var r, g, b, a uint32
		for y := range rows {
			row := strip.Pix[y*strip.Stride+4*c.from : y*strip.Stride+4*c.to]
			for i := 0; i+3 < len(row); i += 4 {
				r, g, b, a = r+uint32(row[i]), g+uint32(row[i+1]), b+uint32(row[i+2]), a+uint32(row[i+3])
			}
		}
		n := uint32(rows * (c.to - c.from))
		d := dst[4*x : 4*x+4]
		if a == 255*n {
			d[0], d[1], d[2], d[3] = byte((r+n/2)/n), byte((g+n/2)/n), byte((b+n/2)/n), 255
		} else if a > 0 {
			part := func(v uint32) byte { return byte(min((uint64(v)*255+uint64(a)/2)/uint64(a), 255)) }
			d[0], d[1], d[2], d[3] = part(r), part(g), part(b), byte((a+n/2)/n)
		}
	}
}

// shrinkYCbCr averages the planes before it converts, which is a factor squared fewer
// conversions.
func shrinkYCbCr(ctx context.Context, out *image.NRGBA, m *image.YCbCr) error {
	w, h := out.Rect.Dx(), out.Rect.Dy()
	hs, vs := subsampling(m.SubsampleRatio)
	size := m.Rect.Size()
	luma := grid{columns: cells(w, size.X, 1), rows: cells(h, size.Y, 1), sums: make([]uint32, w)}
	chroma := grid{columns: cells(w, size.X, hs), rows: cells(h, size.Y, vs), sums: make([]uint32, w)}
	ys, cbs, crs := make([]byte, w), make([]byte, w), make([]byte, w)
	for y := range h {
		if err := ctx.Err(); err != nil {
			return err
		}
		luma.average(ys, m.Y, m.YStride, y)
		chroma.average(cbs, m.Cb, m.CStride, y)
		chroma.average(crs, m.Cr, m.CStride, y)
		row := out.Pix[y*out.Stride:][:4*w]
		for x := range w {
			d := row[4*x : 4*x+4]
			d[0], d[1], d[2] = color.YCbCrToRGB(ys[x], cbs[x], crs[x])
			d[3] = 255
		}
	}
	return nil
}

// grid says how a plane is cut into cells.
type grid struct {
	columns, rows []cell
	sums          []uint32 // scratch, one per column
}

// average writes row y of a plane averaged down.
func (g grid) average(dst, pix []byte, stride, y int) {
	clear(g.sums)
	r := g.rows[y]
	for row := r.from; row < r.to; row++ {
		line := pix[row*stride:]
		for x, c := range g.columns {
			var sum uint32
			for _, v := range line[c.from:c.to] {
				sum += uint32(v)
			}
			g.sums[x] += sum
		}
	}
	for x, c := range g.columns {
		n := uint32((c.to - c.from) * (r.to - r.from))
		dst[x] = byte((g.sums[x] + n/2) / n)
	}
}

func subsampling(r image.YCbCrSubsampleRatio) (hs, vs int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	case image.YCbCrSubsampleRatio444:
	}
	return 1, 1
}
