//go:build !purego

package resample

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/cpu"
)

// Vector instructions give the samples of plain Go, bit for bit.
func TestVectorsEqualPlainGo(t *testing.T) {
	t.Parallel()
	if !cpu.X86.HasAVX2 {
		t.Skip("this machine has no AVX2")
	}
	r := rand.New(rand.NewPCG(5, 6))
	vectors := New(nil)
	require.IsType(t, new(avx2), vectors.passes)
	plain := New(nil)
	plain.passes = new(swar)
	for range 500 {
		src := noise(r.IntN(150)+1, r.IntN(100)+1)
		if r.IntN(2) == 0 {
			src = edges(src.Width, src.Height)
		}
		x := Axis{Source: src.Width, Dest: r.IntN(150) + 1, Offset: r.Float64() * 20, Ratio: r.ExpFloat64()*2 + 0.1}
		y := Axis{Source: src.Height, Dest: r.IntN(100) + 1, Offset: r.Float64() * 20, Ratio: r.ExpFloat64()*2 + 0.1}
		want, got := NewPlane(x.Dest, y.Dest), NewPlane(x.Dest, y.Dest)
		for scaler, dst := range map[*Scaler]Plane{plain: want, vectors: got} {
			require.NoError(t, scaler.Reset(x, y, dst))
			scaler.Rows(src.Pix, src.Stride, src.Height)
		}
		require.Equal(t, want.Pix, got.Pix, "%+v %+v", x, y)
	}
}
