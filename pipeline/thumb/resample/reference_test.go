package resample

import "math"

// reference is the slow truth: both passes in floating point on the samples themselves, with
// the clamp between them that 8-bit samples imply, but no rounding before the end.
func reference(src Plane, x, y Axis) [][]float64 {
	columns := make([][]float64, y.Dest) // filtered down
	for i := range columns {
		columns[i] = make([]float64, src.Width)
		for c := range src.Width {
			columns[i][c] = weighted(y, i, func(k int) float64 { return float64(src.Row(k)[c]) })
		}
	}
	out := make([][]float64, y.Dest)
	for i := range out {
		out[i] = make([]float64, x.Dest)
		for j := range out[i] {
			out[i][j] = weighted(x, j, func(k int) float64 { return columns[i][k] })
		}
	}
	return out
}

// weighted is destination sample i of axis a, whose source samples are at(0..Source-1).
func weighted(a Axis, i int, at func(k int) float64) float64 {
	ratio := a.Ratio
	if ratio == 0 {
		ratio = (float64(a.Source) - 2*a.Offset) / float64(a.Dest)
	}
	stretch := math.Max(1, ratio)
	centre := a.Offset + (float64(i)+0.5)*ratio - 0.5
	var sum, weights float64
	for k := int(math.Floor(centre - 3*stretch)); k <= int(math.Ceil(centre+3*stretch)); k++ {
		w := 0.0
		switch d := math.Abs(float64(k)-centre) / stretch; {
		case d < 1e-9:
			w = 1
		case d < 3:
			w = math.Sin(math.Pi*d) / (math.Pi * d) * math.Sin(math.Pi*d/3) / (math.Pi * d / 3)
		}
		weights += w
		sum += w * at(min(max(k, 0), a.Source-1))
	}
	return math.Min(255, math.Max(0, sum/weights))
}
