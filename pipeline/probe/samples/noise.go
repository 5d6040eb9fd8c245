package samples

import "math/rand/v2"

func lerp(a, b, t float64) float64 { return a + (b-a)*t }

func smooth(t float64) float64 { return t * t * (3 - 2*t) }

// tile makes a square of noise within -amplitude..amplitude that repeats without a seam,
// softened that many times.
func tile(rnd *rand.Rand, amplitude float64, soft int) []int8 {
	v := make([]float64, tileSize*tileSize)
	for i := range v {
		// The sum of three is close enough to a bell curve.
		v[i] = (rnd.Float64() + rnd.Float64() + rnd.Float64() - 1.5) / 1.5
	}
	for range soft {
		v = soften(v)
	}
	out := make([]int8, len(v))
	for i := range v {
		out[i] = int8(v[i] * amplitude)
	}
	return out
}

// soften averages each value with its neighbours, keeping most of the contrast.
func soften(v []float64) []float64 {
	out := make([]float64, len(v))
	for y := range tileSize {
		up, down := (y-1)&tileMask<<tileBits, (y+1)&tileMask<<tileBits
		for x := range tileSize {
			here := y<<tileBits + x
			sum := v[here] + v[up+x] + v[down+x] + v[y<<tileBits+(x-1)&tileMask] + v[y<<tileBits+(x+1)&tileMask]
			out[here] = sum / 5 * 1.8
		}
	}
	return out
}

const fieldSize = 64

// field is smooth two-dimensional noise within 0..1 that repeats after 64 units.
type field [fieldSize * fieldSize]float64

func newField(rnd *rand.Rand) field {
	var f field
	for i := range f {
		f[i] = rnd.Float64()
	}
	return f
}

// at sums three octaves.
func (f *field) at(x, y float64) float64 {
	return (f.value(x, y)*4 + f.value(2*x+17, 2*y+5)*2 + f.value(4*x+3, 4*y+29)) / 7
}

func (f *field) value(x, y float64) float64 {
	ix, iy := int(x), int(y)
	tx, ty := smooth(x-float64(ix)), smooth(y-float64(iy))
	x0, x1 := ix%fieldSize, (ix+1)%fieldSize
	y0, y1 := iy%fieldSize*fieldSize, (iy+1)%fieldSize*fieldSize
	return lerp(lerp(f[y0+x0], f[y0+x1], tx), lerp(f[y1+x0], f[y1+x1], tx), ty)
}
