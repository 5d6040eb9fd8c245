package jpeg

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/thumb/jpeg/jpegtest"
)

// cosines has scale(u) * cos((2x+1)u*pi/2n) at [n][x][u].
var cosines = func() (c [9][8][8]float64) {
	for _, n := range []int{1, 2, 4, 8} {
		for x := range n {
			for u := range n {
				c[n][x][u] = math.Sqrt(2/float64(n)) * math.Cos(float64((2*x+1)*u)*math.Pi/float64(2*n))
				if u == 0 {
					c[n][x][u] = math.Sqrt(1 / float64(n))
				}
			}
		}
	}
	return c
}()

// slowIDCT is the inverse transform of A.3.3 over the n x n lowest frequencies, which are
// in rows of n, in floating point.
func slowIDCT(b *[64]int32, n int) []float64 {
	out := make([]float64, n*n)
	for y := range n {
		for x := range n {
			sum := 0.0
			for v := range n {
				for u := range n {
					sum += cosines[n][x][u] * cosines[n][y][v] * float64(b[v*n+u])
				}
			}
			out[y*n+x] = min(max(sum*float64(n)/8+128, 0), 255)
		}
	}
	return out
}

// referencePlanes makes the planes of an image out of its coefficients, the slow way.
func referencePlanes(m *jpegtest.Image, h *Header, s Scale) [][]float64 {
	n := int(s)
	planes := make([][]float64, len(m.Components))
	for i, c := range m.Components {
		width, height := h.PlaneSize(i, s)
		planes[i] = make([]float64, width*height)
		for at, coef := range c.Blocks {
			var b [64]int32
			for k, v := range coef {
				if row, column := int(zigzag[k])/8, int(zigzag[k])%8; row < n && column < n {
					b[row*n+column] = int32(v) * int32(m.Quant[c.Quant][k])
				}
			}
			for j, v := range slowIDCT(&b, n) {
				x, y := at%c.Across*n+j%n, at/c.Across*n+j/n
				if x < width && y < height {
					planes[i][y*width+x] = v
				}
			}
		}
	}
	return planes
}

// collect decodes into whole planes and checks what is promised of bands.
func collect(ctx context.Context, d *Decoder, data []byte, opt Options) (planes [][]byte, h Header, r Result, err error) {
	h, err = ReadHeader(data)
	if err != nil {
		return nil, h, r, err
	}
	planes = make([][]byte, len(h.Components))
	next := make([]int, len(h.Components))
	for i := range planes {
		width, height := h.PlaneSize(i, opt.Scale)
		planes[i] = make([]byte, width*height)
	}
	r, err = d.Decode(ctx, data, h, opt, func(b Band) error {
		if len(b.Planes) != len(planes) {
			return fmt.Errorf("a band of %d planes", len(b.Planes))
		}
		for i, p := range b.Planes {
			width, height := h.PlaneSize(i, opt.Scale)
			if p.Y != next[i] || p.Width != width || p.Stride < width || p.Rows < 1 || p.Y+p.Rows > height {
				return fmt.Errorf("band %d.. of plane %d does not follow on %d: %d rows of %d, stride %d", p.Y, i, next[i], p.Rows, p.Width, p.Stride)
			}
			next[i] += p.Rows
			for y := range p.Rows {
				copy(planes[i][(p.Y+y)*width:][:width], p.Pix[y*p.Stride:])
			}
		}
		return nil
	})
	return planes, h, r, err
}

// decodeWhole decodes a sound file.
func decodeWhole(t *testing.T, data []byte, s Scale) ([][]byte, Header) {
	t.Helper()
	planes, h, r, err := collect(t.Context(), new(Decoder), data, Options{Scale: s, MinRows: 1})
	require.NoError(t, err)
	require.Equal(t, Result{Rows: h.Height}, r)
	return planes, h
}

// requireClose fails where a sample is more than a level away from the reference.
func requireClose(t *testing.T, want [][]float64, got [][]byte, what string) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.Len(t, got[i], len(want[i]), "%s: plane %d", what, i)
		for j := range want[i] {
			if math.Abs(want[i][j]-float64(got[i][j])) > 1.01 {
				require.Failf(t, "a sample is wrong", "%s: plane %d, sample %d: %.2f, got %d", what, i, j, want[i][j], got[i][j])
			}
		}
	}
}
