package jpeg

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// blocksOf are blocks of samples with the most that can happen in a transform.
func blocksOf() [][64]byte {
	r := rand.New(rand.NewPCG(3, 4))
	var all [][64]byte
	for range 300 {
		var noise, extreme, smooth [64]byte
		a, b := r.Float64(), r.Float64()
		for i := range noise {
			noise[i] = byte(r.Uint32())
			extreme[i] = byte(r.Uint32N(2) * 255)
			smooth[i] = byte(127 + 60*math.Sin(a*float64(i%8)) + 60*math.Cos(b*float64(i/8)))
		}
		all = append(all, noise, extreme, smooth)
	}
	for u := range 64 { // the largest of each coefficient, both ways
		var low, high [64]byte
		for i := range high {
			if basis(u, i) > 0 {
				high[i] = 255
			} else {
				low[i] = 255
			}
		}
		all = append(all, low, high)
	}
	return append(all, [64]byte{})
}

// basis is function u at sample i (A.3.3), both in natural order.
func basis(u, i int) float64 {
	return math.Cos(float64(2*(i/8)+1)*float64(u/8)*math.Pi/16) * math.Cos(float64(2*(i%8)+1)*float64(u%8)*math.Pi/16)
}

func TestTransformAgainstDefinition(t *testing.T) {
	t.Parallel()
	var q quantTable
	var ones [64]uint8
	for i := range ones {
		ones[i] = 1
	}
	q.reset(&ones, 50)
	var functions [64][64]float64
	for u := range functions {
		for i := range functions[u] {
			functions[u][i] = basis(u, i)
		}
	}
	for _, block := range blocksOf() {
		var coefs [2][64]int16
		masks := transform(&coefs, &[2]Samples{{block[:], 8}}, 1, &q)
		coef, mask := coefs[0], masks[0]
		for i, natural := range zigzag {
			u := int(natural)
			sum := 0.0
			for k, v := range block {
				sum += (float64(v) - 128) * functions[u][k]
			}
			for _, side := range []int{u / 8, u % 8} {
				if side == 0 {
					sum /= math.Sqrt2
				}
			}
			require.InDelta(t, sum/4, float64(coef[u]), 0.75, "coefficient %d", u)
			require.Equal(t, coef[u] != 0, mask>>i&1 == 1)
		}
	}
}

// The products stand for divisions exactly.
func TestQuantTable(t *testing.T) {
	t.Parallel()
	for step := 1; step <= 255; step++ {
		var steps [64]uint8
		for i := range steps {
			steps[i] = uint8(step)
		}
		var q quantTable
		q.reset(&steps, 50)
		require.Equal(t, steps, q.steps)
		require.Equal(t, uint32(1)<<16, uint32(q.scale[0])<<q.shift[0])
		for v := int32(-9000); v <= 9000; v += 64 {
			var b [64]int32
			for i := range b {
				b[i] = v + int32(i)
			}
			var coef [64]int16
			q.divide(&coef, &b)
			for i, c := range coef {
				d := int32(8 * step)
				want := (abs(b[i]) + d/2) / d
				if b[i] < 0 {
					want = -want
				}
				if want != int32(c) { // cheaper than require, four million times
					require.Equal(t, want, int32(c), "%d / %d", b[i], d)
				}
			}
		}
	}
}

func abs(v int32) int32 { return max(v, -v) }

func TestZigzagMask(t *testing.T) {
	t.Parallel()
	for i, natural := range zigzag {
		require.Equal(t, uint64(1)<<i, zigzagMask(1<<natural))
		require.Equal(t, ^(uint64(1) << i), zigzagMask(^(uint64(1) << natural)))
	}
}
