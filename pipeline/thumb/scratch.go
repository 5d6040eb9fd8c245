package thumb

import (
	"sync"

	"github.com/afterput/afterput/pipeline/thumb/jpeg"
	"github.com/afterput/afterput/pipeline/thumb/png"
	"github.com/afterput/afterput/pipeline/thumb/resample"
)

// scratch is what one image needs while it is rendered and the next one can use again.
type scratch struct {
	decoder jpeg.Decoder
	png     png.Decoder
	mixer   mixer
	encoder jpeg.Encoder
	scalers []*resample.Scaler
	buffers [][]byte
	used    int // of buffers
	out     []byte
	filters *resample.Filters
}

// plane gives a plane whose samples are not cleared. It holds until reset.
func (s *scratch) plane(w, h int) resample.Plane {
	if s.used == len(s.buffers) {
		s.buffers = append(s.buffers, nil)
	}
	b := &s.buffers[s.used]
	s.used++
	if cap(*b) < w*h {
		*b = make([]byte, w*h)
	}
	return resample.Plane{Pix: (*b)[:w*h], Stride: w, Width: w, Height: h}
}

// scaler gives the scaler number i.
func (s *scratch) scaler(i int) *resample.Scaler {
	for len(s.scalers) <= i {
		s.scalers = append(s.scalers, resample.New(s.filters))
	}
	return s.scalers[i]
}

func (s *scratch) reset() { s.used = 0 }

// pool hands scratch out. What a large image made grow is not kept: the budget counts only
// images that are being rendered.
type pool struct {
	idle    sync.Pool
	filters resample.Filters
}

// keptMost is how many bytes an image may have cost for its scratch to be kept.
const keptMost = 16 << 20

func (p *pool) get() *scratch {
	if s, ok := p.idle.Get().(*scratch); ok {
		return s
	}
	return &scratch{filters: &p.filters}
}

func (p *pool) put(s *scratch, cost int64) {
	if cost <= keptMost {
		s.reset()
		p.idle.Put(s)
	}
}
