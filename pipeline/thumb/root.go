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

// layer is a plane of the decoded image: its samples, and how many of them there are for a
// pixel of the original.
type layer struct {
	columns, rows int
	perX, perY    float64
	halved        bool // two pixels of a thumbnail will share a sample, each way
}

// layersOf are those of a JPEG that is decoded at a scale.
func layersOf(h *jpeg.Header, scale jpeg.Scale) []layer {
	var hMax, vMax int
	for _, c := range h.Components {
		hMax, vMax = max(hMax, c.H), max(vMax, c.V)
	}
	layers := make([]layer, len(h.Components))
	for i, c := range h.Components {
		l := &layers[i]
		l.columns, l.rows = h.PlaneSize(i, scale)
		l.perX = float64(scale) / 8 * float64(c.H) / float64(hMax)
		l.perY = float64(scale) / 8 * float64(c.V) / float64(vMax)
		l.halved = h.Model == jpeg.ModelYCbCr && i > 0
	}
	return layers
}

// newRoots prepares the targets that are made of the decoded image.
func newRoots(s *scratch, p picture, layers []layer, targets []target) ([]*root, error) {
	var roots []*root
	for i, t := range targets {
		if t.from != decoded {
			continue
		}
		r := &root{target: t, index: i, lying: orientations[p.orientation]}
		if err := r.prepare(s, p, layers, len(roots)*len(layers)); err != nil {
			return nil, err
		}
		roots = append(roots, r)
	}
	return roots, nil
}

// prepare makes the planes of a root and takes scalers from the first on.
func (r *root) prepare(s *scratch, p picture, layers []layer, first int) error {
	w, h := r.target.width, r.target.height
	if r.lying.swap {
		w, h = h, w
	}
	x, y := r.lying.stored(r.target.view, p.width, p.height)
	for i, l := range layers {
		ax, ay := x.axis(l.columns, w, l.perX, l.halved), y.axis(l.rows, h, l.perY, l.halved)
		plane, scaler := s.plane(ax.Dest, ay.Dest), s.scaler(first+i)
		if err := scaler.Reset(ax, ay, plane); err != nil {
			return err
		}
		r.planes, r.scalers = append(r.planes, plane), append(r.scalers, scaler)
	}
	return nil
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
func (r *root) finish(s *scratch, p picture) planar {
	r.pad(s, p.width)
	upright := r.planes
	if r.lying != (orientation{}) {
		upright = make([]resample.Plane, len(r.planes))
		for i, plane := range r.planes {
			w, h := plane.Width, plane.Height
			if r.lying.swap {
				w, h = h, w
			}
			upright[i] = s.plane(w, h)
			r.lying.turn(upright[i], plane)
		}
	}
	if p.gray {
		return planar{y: upright[0], gray: true}
	}
	if p.jpeg == nil || p.jpeg.Model == jpeg.ModelYCbCr {
		return planar{y: upright[0], cb: upright[1], cr: upright[2]}
	}
	if p.jpeg.Model != jpeg.ModelRGB {
		toRGB(p.jpeg, upright)
	}
	out := s.planar(r.target.width, r.target.height, false)
	fromRGB(&out, upright)
	return out
}

// pad feeds grey rows until each plane is whole.
func (r *root) pad(s *scratch, width int) {
	var grey []byte
	for i, scaler := range r.scalers {
		if scaler.Done() == r.planes[i].Height {
			continue
		}
		if grey == nil {
			grey = s.plane(width, 1).Pix
			for x := range grey {
				grey[x] = 128
			}
		}
		scaler.Rows(grey, 0, resample.MaxSamples)
	}
}
