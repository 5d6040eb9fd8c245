package resample

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every row of coefficients sums to one exactly, lies within the source and cannot take a sum
// out of its lane.
func TestFilter(t *testing.T) {
	t.Parallel()
	for source := 1; source < 60; source++ {
		for _, a := range []Axis{
			{Source: source, Dest: 1},
			{Source: source, Dest: 7},
			{Source: source, Dest: source},
			{Source: source, Dest: 100},
			{Source: source, Dest: 20, Ratio: 1.575},
			{Source: source, Dest: 20, Ratio: 7.99},
			{Source: source, Dest: 20, Ratio: 2.5, Offset: float64(source) / 3},
			{Source: source, Dest: 20, Ratio: 0.01, Offset: -40},
			{Source: source, Dest: 20, Ratio: 5, Offset: 1e6},
		} {
			a, err := a.normal()
			require.NoError(t, err)
			f := newFilter(a)
			require.Zero(t, f.taps%2)
			last := int32(0)
			for i, start := range f.start {
				require.GreaterOrEqual(t, start, last, "a window never goes back")
				last = start
				sum, over, under := 0, 0, 0
				for k, c := range f.row(i) {
					sum += int(c)
					over += max(0, int(c))
					under -= min(0, int(c))
					if c != 0 {
						require.Less(t, int(start)+k, source)
					}
				}
				require.Equal(t, coefOne, sum, "%+v", a)
				require.Less(t, bias+255*over, 1<<laneBits)
				require.Less(t, 255*under, bias)
			}
		}
	}
}

func TestFiltersKeepAFew(t *testing.T) {
	t.Parallel()
	var filters Filters
	axis := func(n int) Axis { return Axis{Source: 100 + n, Dest: 50, Ratio: 2} }
	first := filters.find(axis(0))
	require.Same(t, first, filters.find(axis(0)))
	for n := range 10 * cachedFilters {
		require.Equal(t, newFilter(axis(n)), filters.find(axis(n)))
	}
	require.Len(t, filters.byAxis, cachedFilters)

	huge := Axis{Source: 40, Dest: cachedFilterMax, Ratio: 0.001}
	filters.find(huge)
	require.NotContains(t, filters.byAxis, huge)
}

func TestFiltersAreShared(t *testing.T) {
	t.Parallel()
	var filters Filters
	src := noise(64, 48)
	want := NewPlane(20, 15)
	require.NoError(t, New(nil).Resize(want, src, 0, 0))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s := New(&filters)
			for n := range 100 {
				got := NewPlane(20, 15)
				if err := s.Resize(got, src, 0, 0); err != nil {
					t.Error(err)
				}
				if string(got.Pix) != string(want.Pix) {
					t.Error("another picture")
				}
				filters.find(Axis{Source: n + 1, Dest: 3, Ratio: 2})
			}
		})
	}
	wg.Wait()
}
