package resample

import "sync"

const (
	cachedFilters   = 64
	cachedFilterMax = 128 << 10 // coefficients in a filter that is worth keeping
)

// Filters is a cache of filters, so that photos of one size, as a phone makes them, cost
// their sines once. It keeps at most 64 filters, of 256 KiB each at the very most and 25 KiB
// as a rule. It is safe for concurrent use, and its zero value is ready.
type Filters struct {
	mu     sync.RWMutex
	byAxis map[Axis]*filter
}

// find returns the filter of a, whose Ratio is set.
func (f *Filters) find(a Axis) *filter {
	f.mu.RLock()
	found := f.byAxis[a]
	f.mu.RUnlock()
	if found != nil {
		return found
	}
	made := newFilter(a)
	if len(made.coef) > cachedFilterMax {
		return made
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byAxis == nil {
		f.byAxis = make(map[Axis]*filter, cachedFilters)
	}
	if len(f.byAxis) >= cachedFilters {
		for old := range f.byAxis { // any one: the common sizes come back at once
			delete(f.byAxis, old)
			break
		}
	}
	f.byAxis[a] = made
	return made
}
