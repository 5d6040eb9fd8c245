package resample

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// apart returns the largest difference between a plane and the truth.
func apart(got Plane, want [][]float64) float64 {
	most := 0.0
	for y, row := range want {
		for x, v := range row {
			most = max(most, math.Abs(float64(got.Row(y)[x])-v))
		}
	}
	return most
}

// bound is what rounding may cost: half a level per pass, which the overshoot enlarges, and
// what the coefficients' 11 bits cost, which grows with their number.
func bound(x, y Axis) float64 {
	nx, _ := x.normal()
	ny, _ := y.normal()
	return 2 + max(nx.Ratio, ny.Ratio, 1)/8
}

func TestScalerAgainstReference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		x, y Axis
	}{
		{"one sample", Axis{Source: 1, Dest: 1}, Axis{Source: 1, Dest: 1}},
		{"one sample to many", Axis{Source: 1, Dest: 9}, Axis{Source: 1, Dest: 7}},
		{"many to one", Axis{Source: 23, Dest: 1}, Axis{Source: 17, Dest: 1}},
		{"unchanged", Axis{Source: 31, Dest: 31}, Axis{Source: 22, Dest: 22}},
		{"a large photo", Axis{Source: 126, Dest: 80}, Axis{Source: 94, Dest: 60}},
		{"cascade", Axis{Source: 80, Dest: 30}, Axis{Source: 61, Dest: 22}},
		{"by three", Axis{Source: 90, Dest: 30}, Axis{Source: 66, Dest: 22}},
		{"by eight", Axis{Source: 160, Dest: 20}, Axis{Source: 176, Dest: 22}},
		{"one side only", Axis{Source: 100, Dest: 20}, Axis{Source: 40, Dest: 40}},
		{"enlarged", Axis{Source: 20, Dest: 67}, Axis{Source: 15, Dest: 44}},
		{"narrower than the window", Axis{Source: 7, Dest: 2}, Axis{Source: 5, Dest: 1}},
		{"rounded up", Axis{Source: 51, Dest: 20, Ratio: 50.5 / 20}, Axis{Source: 41, Dest: 16, Ratio: 40.25 / 16}},
		{"crop at the centre", Axis{Source: 90, Dest: 30, Offset: 15}, Axis{Source: 60, Dest: 30}},
		{"crop elsewhere", Axis{Source: 90, Dest: 20, Offset: 3.5, Ratio: 1.5}, Axis{Source: 60, Dest: 10, Offset: 33.25, Ratio: 1.5}},
		{"crop outside", Axis{Source: 20, Dest: 20, Offset: -50, Ratio: 2}, Axis{Source: 20, Dest: 10, Offset: 500, Ratio: 1.5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for name, src := range map[string]Plane{
				"noise": noise(c.x.Source, c.y.Source),
				"edges": edges(c.x.Source, c.y.Source),
			} {
				dst := NewPlane(c.x.Dest, c.y.Dest)
				s := New(nil)
				require.NoError(t, s.Reset(c.x, c.y, dst))
				s.Rows(src.Pix, src.Stride, src.Height)
				require.Equal(t, c.y.Dest, s.Done())
				require.LessOrEqual(t, apart(dst, reference(src, c.x, c.y)), bound(c.x, c.y), name)
			}
		})
	}
}

// edges is black and white in stripes and blocks: the most overshoot there is.
func edges(width, height int) Plane {
	p := NewPlane(width, height)
	for y := range height {
		for x := range width {
			if (x/3+y/5)%2 == 0 {
				p.Row(y)[x] = 255
			}
		}
	}
	return p
}

// Above a ratio of eight, averages stand for samples: the result is close to the truth on
// what a photo holds, though not on noise.
func TestScalerAveragesBlocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ w, h, dw, dh int }{
		{400, 300, 40, 30}, {401, 299, 33, 25}, {400, 40, 20, 40}, {40, 400, 40, 9}, {1000, 3, 1, 1}, {977, 1009, 7, 5},
	} {
		src := NewPlane(c.w, c.h)
		for y := range c.h {
			for x := range c.w {
				src.Row(y)[x] = byte(127.5 + 70*math.Sin(float64(x)/40) + 50*math.Cos(float64(x+3*y)/60))
			}
		}
		dst := NewPlane(c.dw, c.dh)
		require.NoError(t, New(nil).Resize(dst, src, 0, 0))
		want := reference(src, Axis{Source: c.w, Dest: c.dw}, Axis{Source: c.h, Dest: c.dh})
		require.LessOrEqual(t, apart(dst, want), 3.0, "%v", c)
	}
}

// However the rows come, the result is the same.
func TestScalerStreams(t *testing.T) {
	t.Parallel()
	for _, dest := range []Axis{{Source: 97, Dest: 41}, {Source: 97, Dest: 97}, {Source: 97, Dest: 150}, {Source: 97, Dest: 6}} {
		src := noise(50, 97)
		x := Axis{Source: 50, Dest: 33}
		whole := NewPlane(33, dest.Dest)
		s := New(nil)
		require.NoError(t, s.Reset(x, dest, whole))
		s.Rows(src.Pix, src.Stride, src.Height)

		parts := NewPlane(33, dest.Dest)
		require.NoError(t, s.Reset(x, dest, parts))
		r := rand.New(rand.NewPCG(1, 2))
		for y := 0; y < src.Height; {
			n := r.IntN(9)
			if y+n > src.Height { // padding rows of a last MCU row
				s.Rows(append(bytes.Clone(src.Pix[y*src.Stride:]), make([]byte, 9*src.Stride)...), src.Stride, n)
				break
			}
			s.Rows(src.Pix[y*src.Stride:], src.Stride, n)
			y += n
			require.LessOrEqual(t, s.Done(), parts.Height*(y+8)/src.Height+1, "no row is written before its source came")
		}
		require.Equal(t, dest.Dest, s.Done())
		require.Equal(t, whole.Pix, parts.Pix)
	}
}

// A row that repeats stands for what a truncated file does not have.
func TestScalerRepeatsARow(t *testing.T) {
	t.Parallel()
	src := noise(40, 30)
	for y := 20; y < 30; y++ {
		copy(src.Row(y), src.Row(19))
	}
	want, got := NewPlane(20, 15), NewPlane(20, 15)
	s := New(nil)
	require.NoError(t, s.Resize(want, src, 0, 0))
	require.NoError(t, s.Reset(Axis{Source: 40, Dest: 20}, Axis{Source: 30, Dest: 15}, got))
	s.Rows(src.Pix, src.Stride, 20)
	s.Rows(src.Row(19), 0, 100)
	require.Equal(t, want.Pix, got.Pix)
}

func TestScalerKeepsToItsPlane(t *testing.T) {
	t.Parallel()
	src := noise(60, 44)
	for _, width := range []int{1, 2, 3, 16, 17, 31, 33} {
		for _, height := range []int{1, 2, 3, 4, 15, 16, 17} {
			tight := NewPlane(width, height)
			require.NoError(t, New(nil).Resize(tight, src, 0, 0))
			const margin = 5
			wide := Plane{Pix: bytes.Repeat([]byte{77}, (width+margin)*height), Stride: width + margin, Width: width, Height: height}
			require.NoError(t, New(nil).Resize(wide, src, 0, 0))
			for y := range height {
				require.Equal(t, tight.Row(y), wide.Row(y))
				require.Equal(t, bytes.Repeat([]byte{77}, margin), wide.Pix[y*wide.Stride+width:][:margin])
			}
		}
	}
}

func TestScalerFlatStaysFlat(t *testing.T) {
	t.Parallel()
	for _, level := range []byte{0, 1, 127, 128, 254, 255} {
		src := Plane{Pix: bytes.Repeat([]byte{level}, 71*53), Stride: 71, Width: 71, Height: 53}
		for _, size := range [][2]int{{1, 1}, {5, 3}, {40, 30}, {71, 53}, {100, 90}} {
			dst := NewPlane(size[0], size[1])
			require.NoError(t, New(nil).Resize(dst, src, 0, 0))
			require.Equal(t, bytes.Repeat([]byte{level}, len(dst.Pix)), dst.Pix, "%d %v", level, size)
		}
	}
}

// A zone plate holds every frequency. What the destination cannot show must turn to grey,
// not into rings of its own.
func TestScalerZonePlate(t *testing.T) {
	t.Parallel()
	const side, dest = 600, 150
	src := NewPlane(side, side)
	for y := range side {
		for x := range side {
			dx, dy := float64(x)-side/2, float64(y)-side/2
			src.Row(y)[x] = byte(127.5 + 127*math.Cos(math.Pi/2/side*(dx*dx+dy*dy)))
		}
	}
	dst := NewPlane(dest, dest)
	require.NoError(t, New(nil).Resize(dst, src, 0, 0))
	a := Axis{Source: side, Dest: dest}
	require.LessOrEqual(t, apart(dst, reference(src, a, a)), bound(a, a))
	for _, corner := range []int{0, 1, 5, 10} {
		require.InDelta(t, 127.5, float64(dst.Row(corner)[corner]), 6)
	}
	inside := []int{}
	for x := range dest {
		inside = append(inside, int(dst.Row(dest / 2)[x]))
	}
	require.Greater(t, spread(inside[dest/2-20:dest/2+20]), 180, "low frequencies are all there")
	require.Less(t, spread(inside[:10]), 20, "high ones are gone")
}

func spread(v []int) int {
	low, high := v[0], v[0]
	for _, x := range v {
		low, high = min(low, x), max(high, x)
	}
	return high - low
}

func TestScalerRefuses(t *testing.T) {
	t.Parallel()
	ok := Axis{Source: 10, Dest: 5}
	for _, c := range []struct {
		name string
		x, y Axis
		dst  Plane
	}{
		{"no source", Axis{Dest: 5}, ok, NewPlane(5, 5)},
		{"no destination", Axis{Source: 10}, ok, NewPlane(5, 5)},
		{"huge", ok, Axis{Source: MaxSamples + 1, Dest: 5}, NewPlane(5, 5)},
		{"negative ratio", Axis{Source: 10, Dest: 5, Ratio: -1}, ok, NewPlane(5, 5)},
		{"ratio of nothing left", Axis{Source: 10, Dest: 5, Offset: 5}, ok, NewPlane(5, 5)},
		{"not a ratio", Axis{Source: 10, Dest: 5, Ratio: math.NaN()}, ok, NewPlane(5, 5)},
		{"endless ratio", Axis{Source: 10, Dest: 5, Ratio: math.Inf(1)}, ok, NewPlane(5, 5)},
		{"not an offset", Axis{Source: 10, Dest: 5, Ratio: 1, Offset: math.NaN()}, ok, NewPlane(5, 5)},
		{"another plane", ok, ok, NewPlane(5, 6)},
		{"a plane without samples", ok, ok, Plane{Stride: 5, Width: 5, Height: 5}},
		{"an endless stride", ok, Axis{Source: 10, Dest: 3}, Plane{Pix: make([]byte, 25), Stride: 1 << 62, Width: 5, Height: 3}},
		{"a short stride", ok, ok, Plane{Pix: make([]byte, 25), Stride: 4, Width: 5, Height: 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, New(nil).Reset(c.x, c.y, c.dst), ErrGeometry)
		})
	}
	require.ErrorIs(t, New(nil).Resize(NewPlane(5, 5), Plane{Width: 3, Height: 3, Stride: 3}, 0, 0), ErrGeometry)
}

// In the steady state nothing is allocated.
func TestScalerAllocatesNothing(t *testing.T) {
	src, large, small := noise(300, 200), NewPlane(128, 90), NewPlane(16, 12)
	s := New(nil)
	allocs := testing.AllocsPerRun(20, func() {
		if s.Resize(large, src, 0, 0) != nil || s.Resize(small, large, 0, 0) != nil || s.Resize(small, src, 0, 0) != nil {
			panic("refused")
		}
	})
	require.Zero(t, allocs)
}

func ExampleScaler() {
	src := NewPlane(4, 4)
	for y := range 4 {
		copy(src.Row(y), []byte{10, 10, 90, 90})
	}
	dst := NewPlane(2, 1)
	s := New(nil)
	if err := s.Reset(Axis{Source: 4, Dest: 2}, Axis{Source: 4, Dest: 1}, dst); err != nil {
		panic(err)
	}
	for y := range 4 {
		s.Rows(src.Row(y), 0, 1)
	}
	fmt.Println(s.Done(), dst.Pix[0], dst.Pix[1])
	// Output: 1 14 86
}
