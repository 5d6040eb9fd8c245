package jpeg

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The order is a walk along the diagonals that turns at the edges.
func TestZigzag(t *testing.T) {
	t.Parallel()
	i := 0
	for diagonal := range 15 {
		for step := range diagonal + 1 {
			row, column := step, diagonal-step
			if diagonal%2 == 0 {
				row, column = column, row
			}
			if row > 7 || column > 7 {
				continue
			}
			require.Equal(t, uint8(8*row+column), zigzag[i], "index %d", i)
			i++
		}
	}
	require.Equal(t, 64, i)
}
