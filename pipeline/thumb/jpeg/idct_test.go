package jpeg

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// randomBlock has coefficients up to the zigzag index last, in rows of n.
func randomBlock(rnd *rand.Rand, n, last int) *[64]int32 {
	var b [64]int32
	b[0] = int32(rnd.IntN(2048)) - 1024
	for k := 1; k <= last; k++ {
		if r, c := int(zigzag[k])/8, int(zigzag[k])%8; r < n && c < n {
			b[r*n+c] = int32(rnd.IntN(400)-200) / int32(1+k/4)
		}
	}
	return &b
}

func inverse(b *[64]int32, n, last int) []byte {
	out := make([]byte, n*n)
	work := *b
	switch n {
	case 2:
		idct2(&work, out, n)
	case 4:
		idct4(&work, out, n, last)
	default:
		idct8(&work, out, n, last)
	}
	return out
}

func TestInverseTransformsAgainstFloat(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 4, 8} {
		rnd := rand.New(rand.NewPCG(1, uint64(n)))
		for last := range 64 {
			for range 50 {
				b := randomBlock(rnd, n, last)
				want := slowIDCT(b, n)
				for i, got := range inverse(b, n, last) {
					require.InDelta(t, want[i], float64(got), 1.0, "n %d, last %d, sample %d of %v", n, last, i, b)
				}
			}
		}
	}
}

// A short cut must not be seen, or a progressive file would look other than a sequential
// one.
func TestShortCutsOfTheInverseTransformAreExact(t *testing.T) {
	t.Parallel()
	for _, n := range []int{4, 8} {
		rnd := rand.New(rand.NewPCG(2, uint64(n)))
		for last := range 64 {
			for range 50 {
				b := randomBlock(rnd, n, last)
				require.Equal(t, inverse(b, n, 63), inverse(b, n, last), "n %d, last %d of %v", n, last, b)
				if n < 8 {
					continue
				}
				long, short := *b, *b
				want, got := make([]byte, 64), make([]byte, 64)
				idct8Scalar(&long, want, 8, 63)
				idct8Scalar(&short, got, 8, last)
				require.Equal(t, want, got, "last %d of %v", last, b)
			}
		}
	}
}

// The vectors are held to the scalar twin bit for bit, for coefficients of any size: both
// wrap around alike.
func TestVectorsAreTheScalarTwin(t *testing.T) {
	t.Parallel()
	if !vectors {
		t.Skip("this machine or build has no vectors")
	}
	rnd := rand.New(rand.NewPCG(3, 3))
	for i := range 5000 {
		b := randomBlock(rnd, 8, i%64)
		if i%3 == 0 {
			for k := range b {
				b[k] = int32(rnd.Uint32()) >> (i % 32)
			}
		}
		const stride = 11
		for n, run := range map[int][2]func(b *[64]int32, out []byte){
			8: {
				func(b *[64]int32, out []byte) { idct8Scalar(b, out, stride, 63) },
				func(b *[64]int32, out []byte) { idct8Vector(b, &out[0], stride) },
			},
			4: {
				func(b *[64]int32, out []byte) { idct4Scalar(b, out, stride) },
				func(b *[64]int32, out []byte) { idct4Vector(b, &out[0], stride) },
			},
		} {
			scalar, vector := *b, *b
			want, got := make([]byte, 8*stride), make([]byte, 8*stride)
			run[0](&scalar, want)
			run[1](&vector, got)
			require.Equal(t, want, got, "%d points: %v", n, b)
		}
	}
}
