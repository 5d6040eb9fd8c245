package jpeg

import "bytes"

const (
	// windowSize is how much entropy-coded data is unstuffed at a time.
	windowSize = 16 << 10
	// windowMargin is how much may be read behind it before anybody looks: an MCU of ten
	// blocks and the eight bytes of a load.
	windowMargin = 10*maxBlockBits/8 + 16
)

// reader gives the bits of entropy-coded data (F.2.2.5) out of a window in which the
// stuffed zeros are gone and behind which there are always bytes to load, so that the
// decoding of one MCU needs no check at all. It reads up to a marker; whoever reads on
// gets zeros, and overrun tells.
type reader struct {
	src []byte
	// pos is the first byte of src that is not in the window. Where final is set it is the
	// 0xFF of a marker or the end of src.
	pos   int
	final bool

	window []byte
	// next is the index of the next byte to load, end that of the first without meaning.
	next, end int
	// limit is the largest next at which an MCU may still begin unseen.
	limit int
	// acc has the next bits at its top; count of them are accounted for, the others below
	// are right but will be loaded again.
	acc   uint64
	count uint
}

// start begins to read at src[pos].
func (r *reader) start(src []byte, pos int) {
	if r.window == nil {
		r.window = make([]byte, windowSize+windowMargin)
	}
	r.src, r.pos, r.final = src, pos, false
	r.next, r.end, r.acc, r.count = 0, 0, 0, 0
	r.fill()
}

// fill moves what is unread to the front of the window and unstuffs more behind it.
func (r *reader) fill() {
	r.acc &= ^uint64(0) << (64 - r.count)
	r.end = copy(r.window, r.window[r.next:r.end])
	r.next = 0
	for r.end < windowSize && !r.final {
		r.unstuff()
	}
	r.limit = r.end
	if !r.final {
		r.limit -= windowMargin
		return
	}
	// What is left of other data must not become part of this image.
	clear(r.window[r.end : r.end+windowMargin])
}

// unstuff appends the bytes up to the next 0xFF, and that one if it is data (B.1.1.5).
func (r *reader) unstuff() {
	chunk := r.src[r.pos:min(len(r.src), r.pos+windowSize-r.end)]
	n := bytes.IndexByte(chunk, 0xff)
	if n < 0 {
		r.end += copy(r.window[r.end:], chunk)
		r.pos += len(chunk)
		r.final = r.pos == len(r.src)
		return
	}
	r.end += copy(r.window[r.end:], chunk[:n])
	r.pos += n
	at := r.pos + 1
	for at < len(r.src) && r.src[at] == 0xff {
		at++
	}
	if at == len(r.src) || r.src[at] != 0 {
		r.final = true
		return
	}
	r.window[r.end] = 0xff
	r.end++
	r.pos = at + 1
}

// ready makes sure that an MCU can be read, or tells that there is no data for it.
func (r *reader) ready() bool {
	return r.next <= r.limit || r.more()
}

func (r *reader) more() bool {
	if !r.final {
		r.fill()
		return true
	}
	return !r.overrun()
}

// overrun tells that more bits were read than there are.
func (r *reader) overrun() bool {
	return r.next > r.end && r.next*8-int(r.count) > r.end*8
}

// restart passes over the restart marker of number n, 0..7 (F.2.1.3.1). It is false where
// another marker or none is next.
func (r *reader) restart(n int) bool {
	at, found := nextMarker(r.src, r.pos, true)
	if !found || r.src[at] != byte(markerRST0+n) {
		return false
	}
	r.start(r.src, at+1)
	return true
}
