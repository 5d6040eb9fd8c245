package resample

import "math"

const (
	lobes    = 3             // of the Lanczos window
	coefBits = 11            // a coefficient of 1 is 1<<coefBits
	coefOne  = 1 << coefBits // 11 bits and 8 of the sample leave room for overshoot in 21
)

// A filter holds the coefficients of one axis.
type filter struct {
	taps  int     // coefficients per destination sample; even
	start []int32 // the source sample under the first coefficient, per destination sample; never falls
	coef  []int16 // taps for each destination sample, which sum to coefOne
}

// newFilter computes the coefficients of a, whose Ratio is set. A window that reaches over the
// border is moved inside, and what lay outside is added to the outermost sample.
// Coefficients beyond the source (where it has fewer samples than taps) are zero.
func newFilter(a Axis) *filter {
	stretch := max(a.Ratio, 1) // reducing, the window covers as many more source samples
	radius := lobes * stretch
	taps := (int(math.Ceil(2*radius)) + 1) &^ 1
	f := &filter{
		taps:  taps,
		start: make([]int32, a.Dest),
		coef:  make([]int16, a.Dest*taps),
	}
	exact := make([]float64, taps)
	for i := range f.start {
		centre := a.Offset + (float64(i)+0.5)*a.Ratio - 0.5
		// Far outside all samples are the border; the bounds keep the integers small.
		centre = min(max(centre, -radius), float64(a.Source)+radius)
		first := int(math.Floor(centre-radius)) + 1
		start := max(0, min(first, a.Source-taps))
		clear(exact)
		sum := 0.0
		for k := first; k < first+taps; k++ {
			v := lanczos((float64(k) - centre) / stretch)
			exact[max(0, min(k, a.Source-1))-start] += v
			sum += v
		}
		for k := range exact {
			exact[k] *= coefOne / sum
		}
		quantise(f.coef[i*taps:][:taps], exact)
		f.start[i] = int32(start)
	}
	return f
}

// row returns the coefficients of destination sample i.
func (f *filter) row(i int) []int16 { return f.coef[i*f.taps:][:f.taps] }

// quantise rounds coefficients that sum to coefOne to integers that do so exactly: a flat
// picture stays flat. What rounding left over goes where it hurts least, to the
// coefficients that were rounded farthest the other way.
func quantise(coef []int16, exact []float64) {
	left := coefOne
	for k, v := range exact {
		coef[k] = int16(math.Round(v))
		left -= int(coef[k])
	}
	for ; left != 0; left -= sign(left) {
		worst, error := 0, math.Inf(-1)
		for k, v := range exact {
			if e := (v - float64(coef[k])) * float64(sign(left)); e > error && v != 0 {
				worst, error = k, e
			}
		}
		coef[worst] += int16(sign(left))
	}
}

func sign(v int) int {
	if v < 0 {
		return -1
	}
	return 1
}

// lanczos is sinc(x) sinc(x/lobes) within the lobes.
func lanczos(x float64) float64 {
	x = math.Abs(x)
	if x < 1e-9 {
		return 1
	}
	if x >= lobes {
		return 0
	}
	x *= math.Pi
	return lobes * math.Sin(x) * math.Sin(x/lobes) / (x * x)
}
