package png_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/thumb/png"
)

func TestShrinker(t *testing.T) {
	t.Parallel()
	var s png.Shrinker // one for all: nothing may be left of the one before
	for _, channels := range []int{1, 3} {
		for _, factor := range []int{1, 2, 3, 7, 256} {
			for _, size := range [][2]int{{1, 1}, {2, 2}, {5, 3}, {14, 9}, {300, 260}} {
				name := fmt.Sprintf("%d channels, factor %d, %v", channels, factor, size)
				rnd := rand.New(rand.NewPCG(uint64(channels), uint64(factor)))
				pix := make([]byte, size[0]*size[1]*channels)
				for i := range pix {
					pix[i] = byte(rnd.IntN(256))
				}
				s.Reset(size[0], size[1], channels, factor)
				w := s.Width()
				require.Equal(t, (size[0]+factor-1)/factor, w, name)
				y := 0
				for i := range size[1] {
					out := s.Row(pix[i*size[0]*channels:][:size[0]*channels])
					if out == nil {
						continue
					}
					want := averages(pix, size[0], size[1], channels, factor, y)
					require.Equal(t, want, out, "%s, row %d", name, y)
					y++
				}
				require.Equal(t, s.Height(), y, name)
			}
		}
	}
	// The largest sums that there can be.
	for _, channels := range []int{1, 3} {
		s.Reset(256, 256, channels, 256)
		white := make([]byte, 256*channels)
		for i := range white {
			white[i] = 255
		}
		var out []byte
		for range 256 {
			out = s.Row(white)
		}
		require.Equal(t, white[:channels], out)
	}
}

// averages is a row of the result by the definition.
func averages(pix []byte, width, height, channels, factor, y int) []byte {
	var out []byte
	for x := 0; x < width; x += factor {
		sums := make([]float64, channels)
		n := 0.0
		for cy := y * factor; cy < min((y+1)*factor, height); cy++ {
			for cx := x; cx < min(x+factor, width); cx++ {
				for c := range sums {
					sums[c] += float64(pix[(cy*width+cx)*channels+c])
				}
				n++
			}
		}
		for _, sum := range sums {
			out = append(out, byte(math.Floor(sum/n+0.5)))
		}
	}
	return out
}

func BenchmarkShrinker(b *testing.B) {
	const w, h = 4032, 1000
	for _, channels := range []int{1, 3} {
		for _, factor := range []int{2, 3, 8} {
			b.Run(fmt.Sprintf("%d channels by %d", channels, factor), func(b *testing.B) {
				row := make([]byte, w*channels)
				var s png.Shrinker
				b.SetBytes(w * h * int64(channels))
				for b.Loop() {
					s.Reset(w, h, channels, factor)
					for range h {
						s.Row(row)
					}
				}
			})
		}
	}
}
