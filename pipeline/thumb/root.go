package thumb

import (
	"github.com/afterput/afterput/pipeline/thumb/jpeg"
	"github.com/afterput/afterput/pipeline/thumb/resample"
)

// root is a target that is made of the decoded image: its planes are scaled as they come,
// lying as the image is stored, and turned upright when all rows have come.
type root struct {
	target  target
	index   int // of the target
	lying   orientation
	planes  []resample.Plane
	scalers []*resample.Scaler
}

// newRoot prepares a root for a JPEG that is decoded at a scale. first is the number of its
// first scaler.
func newRoot(s *scratch, h *jpeg.Header, scale jpeg.Scale, o orientation, t target, first int) (*root, error) {
	r := &root{target: t, lying: o}
	w, ht := t.width, t.height
	if o.swap {
		w, ht = ht, w
	}
	x, y := o.stored(t.view, h.Width, h.Height)
	var hMax, vMax int
	for _, c := range h.Components {
		hMax, vMax = max(hMax, c.H), max(vMax, c.V)
	}
	for i, c := range h.Components {
		columns, rows := h.PlaneSize(i, scale)
		perX := float64(scale) / 8 * float64(c.H) / float64(hMax)
		perY := float64(scale) / 8 * float64(c.V) / float64(vMax)
		halved := h.Model == jpeg.ModelYCbCr && i > 0
		ax, ay := x.axis(columns, w, perX, halved), y.axis(rows, ht, perY, halved)
		plane, scaler := s.plane(ax.Dest, ay.Dest), s.scaler(first+i)
		if err := scaler.Reset(ax, ay, plane); err != nil {
			return nil, err
		}
		r.planes, r.scalers = append(r.planes, plane), append(r.scalers, scaler)
	}
	return r, nil
}

// axis gives an axis on which dest pixels show the span. The plane has samples samples, per
// of them for one pixel of the original. Where it is halved, two pixels share a sample: the
// first two of the upright image and so on, which in a mirrored one of an odd size leaves
// the first pixel of the stored one alone.
func (p span) axis(samples, dest int, per float64, halved bool) resample.Axis {
	a := resample.Axis{Source: samples, Dest: dest, Offset: p.from * per, Ratio: p.length * per / float64(dest)}
	if halved {
		a.Ratio *= 2
		a.Dest = half(dest)
		if p.mirrored && dest%2 == 1 {
			a.Offset -= a.Ratio / 2
		}
	}
	return a
}

// take feeds a band.
func (r *root) take(b jpeg.Band) {
	for i, p := range b.Planes {
		r.scalers[i].Rows(p.Pix, p.Stride, p.Rows)
	}
}

// finish makes up for rows that a truncated file does not have, in grey, and gives the
// upright image.
func (r *root) finish(s *scratch, h *jpeg.Header) planar {
	r.pad(s)
	upright := r.planes
	if r.lying != (orientation{}) {
		upright = make([]resample.Plane, len(r.planes))
		for i, p := range r.planes {
			w, ht := p.Width, p.Height
			if r.lying.swap {
				w, ht = ht, w
			}
			upright[i] = s.plane(w, ht)
			r.lying.turn(upright[i], p)
		}
	}
	switch h.Model {
	case jpeg.ModelGray:
		return planar{y: upright[0], gray: true}
	case jpeg.ModelYCbCr:
		return planar{y: upright[0], cb: upright[1], cr: upright[2]}
	case jpeg.ModelCMYK, jpeg.ModelYCCK:
		toRGB(h, upright)
	case jpeg.ModelRGB:
	}
	out := s.planar(r.target.width, r.target.height, false)
	fromRGB(&out, upright)
	return out
}

// pad feeds grey rows until each plane is whole.
func (r *root) pad(s *scratch) {
	for i, scaler := range r.scalers {
		if scaler.Done() == r.planes[i].Height {
			continue
		}
		grey := s.plane(resample.MaxSamples, 1)
		for x := range grey.Pix {
			grey.Pix[x] = 128
		}
		scaler.Rows(grey.Pix, 0, resample.MaxSamples)
	}
}
