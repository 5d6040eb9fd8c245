//go:build !purego

package jpeg

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/cpu"
)

// Vector instructions give the coefficients of plain Go, bit for bit.
func TestTransformVectorsEqualPlainGo(t *testing.T) {
	t.Parallel()
	if !cpu.X86.HasAVX2 {
		t.Skip("this machine has no AVX2")
	}
	blocks := blocksOf()
	for _, quality := range []int{1, 20, 50, 80, 95, 100} {
		var q quantTable
		q.reset(&lumaSteps, quality)
		for i := range blocks {
			a, b := blocks[i], blocks[(i+1)%len(blocks)]
			in := [2]Samples{{a[:], 8}, {b[:], 8}}
			var want, got [2][64]int16
			require.Equal(t, transformGo(&want, &in, 2, &q), transform(&got, &in, 2, &q))
			require.Equal(t, want, got)
			one := transform(&got, &in, 1, &q)
			require.Equal(t, want[0], got[0])
			require.Equal(t, transformGo(&want, &in, 1, &q)[0], one[0])
		}
	}
}
