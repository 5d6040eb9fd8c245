package thumb

import (
	"bytes"
	"context"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/thumb/jpeg"
	"github.com/afterput/afterput/pipeline/thumb/resample"
)

// fast renders JPEGs, and PNGs without transparent pixels. It decodes no more of a JPEG than
// the thumbnails need, and only small planes of luma and chroma ever exist: the rows of the
// decoder flow through the filter.
type fast struct {
	pool    *pool
	minRows float64
}

func (*fast) path(p picture, targets []target) Path {
	if p.png != nil {
		return Path{PathFast, p.kind, shrinkPNGBy(targets)}
	}
	return Path{PathFast, p.kind, int(jpeg.Full / scaleFor(targets))}
}

// takes leaves the few PNGs alone that are longer than a filter can be.
func (*fast) takes(p picture) bool {
	return p.jpeg != nil || p.png != nil && !p.png.Alpha() && max(p.width, p.height) <= resample.MaxSamples
}

// headroom is how many pixels a side are decoded at least for one of a thumbnail, where the
// original has them. What the decoder leaves out aliases; the filter removes it.
const headroom = 1.5

// scaleFor gives the smallest scale that has enough pixels for all targets.
func scaleFor(targets []target) jpeg.Scale {
	need := 8 * headroom * density(targets)
	for _, s := range []jpeg.Scale{jpeg.Eighth, jpeg.Quarter, jpeg.Half} {
		if float64(s) >= need {
			return s
		}
	}
	return jpeg.Full
}

// cost counts the decoder, the rows that the filters keep, and all thumbnails: their
// planes, lying and upright, and their files.
func (*fast) cost(p picture, targets []target) int64 {
	cost, columns := costPNG(p, targets)
	if p.jpeg != nil {
		scale := scaleFor(targets)
		cost = p.jpeg.Memory(scale)
		columns, _ = p.jpeg.PlaneSize(0, scale)
	}
	planes := int64(3) // lying and upright, a byte and a half each
	if p.jpeg != nil && p.jpeg.Model > jpeg.ModelYCbCr {
		planes = 10 // up to four whole ones, and what becomes of them
	}
	for _, t := range targets {
		cost += t.pixels()*planes + t.writing(p.keep)
		if t.from == decoded {
			const rowsKept, planes = 64, 4
			cost += int64(columns) * rowsKept * planes
		}
	}
	return cost + 3*int64(len(p.keep)) + fixedCost
}

// fixedCost is what the tables of decoder, filters and encoder take.
const fixedCost = 1 << 20

func (f *fast) render(ctx context.Context, p picture, targets []target) ([]pipeline.Thumbnail, error) {
	if len(targets) == 0 {
		return nil, nil
	}
	s := f.pool.get()
	thumbs, err := f.with(ctx, s, p, targets)
	if err == nil {
		f.pool.put(s, f.cost(p, targets))
	}
	return thumbs, err
}

func (f *fast) with(ctx context.Context, s *scratch, p picture, targets []target) ([]pipeline.Thumbnail, error) {
	images, err := f.decode(ctx, s, p, targets)
	if err != nil {
		return nil, err
	}
	thumbs := make([]pipeline.Thumbnail, len(targets))
	for _, i := range densest(targets) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := targets[i]
		if t.from != decoded {
			if images[i], err = s.reduce(images[t.from], targets[t.from], t); err != nil {
				return nil, err
			}
		}
		if thumbs[i], err = s.encode(&images[i], t); err != nil {
			return nil, err
		}
	}
	return thumbs, nil
}

// decode decodes once for all roots, and gives the images of those targets.
func (f *fast) decode(ctx context.Context, s *scratch, p picture, targets []target) ([]planar, error) {
	decode := f.decodeJPEG
	if p.png != nil {
		decode = f.decodePNG
	}
	roots, err := decode(ctx, s, p, targets)
	if err != nil {
		return nil, err
	}
	images := make([]planar, len(targets))
	for _, r := range roots {
		one := r.finish(s, p)
		one.convert(p.toSRGB)
		one.profile = p.keep
		images[r.index] = one
	}
	return images, nil
}

func (f *fast) decodeJPEG(ctx context.Context, s *scratch, p picture, targets []target) ([]*root, error) {
	scale := scaleFor(targets)
	roots, err := newRoots(s, p, layersOf(p.jpeg, scale), targets)
	if err != nil {
		return nil, err
	}
	opt := jpeg.Options{Scale: scale, MinRows: f.minRows, MaxScans: p.maxScans}
	_, err = s.decoder.Decode(ctx, p.data, *p.jpeg, opt, func(b jpeg.Band) error {
		for _, r := range roots {
			r.take(b)
		}
		return nil
	})
	return roots, err
}

// reduce makes the image of a target out of that of another.
func (s *scratch) reduce(src planar, from, t target) (planar, error) {
	if from.width == t.width && from.height == t.height && from.view == t.view {
		return src, nil
	}
	dst := s.planar(t.width, t.height, src.gray)
	dst.profile = src.profile
	x := span{from: t.view.x - from.view.x, length: t.view.w}
	y := span{from: t.view.y - from.view.y, length: t.view.h}
	perX, perY := float64(from.width)/from.view.w, float64(from.height)/from.view.h
	to := dst.planes()
	for i, plane := range src.planes() {
		ax, ay := x.axis(plane.Width, t.width, perX, false), y.axis(plane.Height, t.height, perY, false)
		if i > 0 {
			ax, ay = x.axis(plane.Width, t.width, perX/2, true), y.axis(plane.Height, t.height, perY/2, true)
		}
		scaler := s.scaler(0)
		if err := scaler.Reset(ax, ay, *to[i]); err != nil {
			return dst, err
		}
		scaler.Rows(plane.Pix, plane.Stride, plane.Height)
	}
	return dst, nil
}

// encode writes a file without any metadata but a colour profile that it needs.
func (s *scratch) encode(p *planar, t target) (pipeline.Thumbnail, error) {
	th := pipeline.Thumbnail{Preset: t.preset.Name, Type: t.preset.Format.Type(), Width: t.width, Height: t.height}
	var err error
	if t.preset.Format == pipeline.PNG {
		th.Data, err = encodePNG(p.image(), p.profile)
		return th, err
	}
	s.out, err = s.encoder.Encode(s.out[:0], p.picture(), jpeg.EncodeOptions{Quality: t.preset.Quality, ICC: p.profile})
	th.Data = bytes.Clone(s.out)
	return th, err
}
