package resample

import (
	"errors"
	"fmt"
	"math"
)

// ErrGeometry is the error of an [Axis] or a [Plane] that cannot be: a size below one, a ratio
// that is not a positive number, a stride or a buffer that does not hold the samples.
var ErrGeometry = errors.New("resample: impossible geometry")

// MaxSamples is the largest number of samples along one side of a source or a destination.
const MaxSamples = 1 << 20

// An Axis says how one side of the source falls on one side of the destination.
type Axis struct {
	// Source is the number of samples that come: columns, or rows.
	Source int
	// Dest is the number of samples wanted.
	Dest int
	// Ratio is the number of source samples per destination sample; below 1 it enlarges. It is
	// not always Source/Dest: the plane of a scaled JPEG is rounded up to whole samples,
	// and a crop takes only a part. Zero means Source/Dest, or (Source-2*Offset)/Dest
	// where there is an Offset: a crop at the centre.
	Ratio float64
	// Offset is where the first destination sample begins, in source samples from the outer
	// edge of the first one. Defaults to 0.
	Offset float64
}

// normal returns the axis with its Ratio filled in.
func (a Axis) normal() (Axis, error) {
	if a.Source < 1 || a.Dest < 1 || a.Source > MaxSamples || a.Dest > MaxSamples {
		return a, fmt.Errorf("%w: %d samples to %d", ErrGeometry, a.Source, a.Dest)
	}
	if a.Ratio == 0 {
		a.Ratio = (float64(a.Source) - 2*a.Offset) / float64(a.Dest)
	}
	// The bounds also refuse NaN and infinities.
	if !(a.Ratio > 1.0/MaxSamples && a.Ratio <= MaxSamples) || !(math.Abs(a.Offset) <= MaxSamples) {
		return a, fmt.Errorf("%w: ratio %v, offset %v", ErrGeometry, a.Ratio, a.Offset)
	}
	return a, nil
}

// A Plane is a rectangle of 8-bit samples: sample (x, y) is Pix[y*Stride+x].
type Plane struct {
	Pix           []byte
	Stride        int // at least Width
	Width, Height int // in samples, at least 1
}

// NewPlane returns a plane of zeros without padding.
func NewPlane(width, height int) Plane {
	return Plane{Pix: make([]byte, width*height), Stride: width, Width: width, Height: height}
}

// Row returns the samples of row y.
func (p Plane) Row(y int) []byte {
	return p.Pix[y*p.Stride:][:p.Width:p.Width]
}

func (p Plane) check() error {
	possible := p.Width >= 1 && p.Height >= 1 && p.Height <= MaxSamples && p.Stride >= p.Width
	// The stride is bounded first so that the product is no overflow.
	if !possible || p.Height > 1 && p.Stride > len(p.Pix) || len(p.Pix) < (p.Height-1)*p.Stride+p.Width {
		return fmt.Errorf("%w: plane of %d x %d, stride %d, %d bytes",
			ErrGeometry, p.Width, p.Height, p.Stride, len(p.Pix))
	}
	return nil
}
