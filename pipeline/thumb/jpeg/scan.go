package jpeg

import (
	"math"
	"slices"
)

// mcuBlock is one block of the MCUs of a scan.
type mcuBlock struct {
	c *component
	// x and y are its place among the blocks of its component in the MCU; dx and dy how far
	// the next MCU is, in blocks.
	x, y, dx, dy int
}

// scan is what a scan header says (B.2.3), and how far the scan is.
type scan struct {
	components []*component
	tables     [4]struct{ dc, ac int }
	// The band of coefficients and the bits of a progressive scan.
	from, to   int
	high, low  uint
	single     bool // not interleaved: an MCU is one block
	mcusX      int
	mcusY      int
	blocks     []mcuBlock
	interval   int // MCUs from one restart to the next; 0 is none
	left       int // MCUs until the next restart
	marker     int // number of the next restart marker
	endOfBands int // blocks that a progressive end-of-band run still covers
}

// parse reads a scan header.
func (s *scan) parse(f *frame, ids []Component, p []byte, progressive bool) error {
	if len(p) < 1 || p[0] < 1 || p[0] > 4 || len(p) != 4+2*int(p[0]) {
		return FormatError("the scan header has a wrong length")
	}
	n := int(p[0])
	*s = scan{components: s.components[:0], blocks: s.blocks[:0], single: n == 1}
	for i := range n {
		id, tables := p[1+2*i], p[2+2*i]
		c := find(f, ids, id)
		if c == nil {
			return FormatError("a scan names a component that is not in the frame")
		}
		if slices.Contains(s.components, c) {
			return FormatError("a scan names a component twice")
		}
		if tables>>4 > 3 || tables&15 > 3 {
			return FormatError("a Huffman table beyond the fourth")
		}
		s.components = append(s.components, c)
		s.tables[i].dc, s.tables[i].ac = int(tables>>4), int(tables&15)
	}
	p = p[1+2*n:]
	s.from, s.to, s.high, s.low = int(p[0]), int(p[1]), uint(p[2]>>4), uint(p[2]&15)
	if progressive && !s.validBand() {
		return FormatError("a progressive scan has impossible parameters")
	}
	return s.shape(f)
}

func find(f *frame, ids []Component, id byte) *component {
	for i := range ids {
		if ids[i].ID == id {
			return &f.components[i]
		}
	}
	return nil
}

// validBand checks the parameters of a progressive scan (G.1.1.1).
func (s *scan) validBand() bool {
	if s.from == 0 {
		if s.to != 0 {
			return false
		}
	} else if !s.single || s.to < s.from || s.to > 63 {
		return false
	}
	return s.low <= 13 && (s.high == 0 || s.high == s.low+1)
}

// shape lays out the MCUs (A.2).
func (s *scan) shape(f *frame) error {
	if s.single {
		c := s.components[0]
		s.mcusX, s.mcusY = c.blocksX, c.blocksY
		s.blocks = append(s.blocks, mcuBlock{c: c, dx: 1, dy: 1})
		return nil
	}
	s.mcusX, s.mcusY = f.mcusX, f.mcusY
	for _, c := range s.components {
		for y := range c.v {
			for x := range c.h {
				s.blocks = append(s.blocks, mcuBlock{c: c, x: x, y: y, dx: c.h, dy: c.v})
			}
		}
	}
	if len(s.blocks) > 10 {
		return FormatError("an MCU of more than ten blocks")
	}
	return nil
}

// begin makes the scan ready for its first MCU.
func (s *scan) begin(interval int) {
	s.interval, s.left = interval, interval
	if interval == 0 {
		s.left = math.MaxInt
	}
	for _, c := range s.components {
		c.prediction = 0
	}
}

// mcu prepares the reader for the next MCU, and is false where there is no data for it.
func (d *Decoder) mcu(s *scan) bool {
	if s.left == 0 {
		if !d.restart(s) {
			return false
		}
	}
	s.left--
	return d.reader.ready()
}

// restart ends an interval and begins the next (F.2.1.3.1).
func (d *Decoder) restart(s *scan) bool {
	if d.reader.overrun() || !d.reader.restart(s.marker) {
		return false
	}
	s.marker = (s.marker + 1) & 7
	s.left = s.interval
	s.endOfBands = 0
	for _, c := range s.components {
		c.prediction = 0
	}
	return true
}

// rowsAfter is how many MCU rows of the frame are whole after a row of the scan.
func (s *scan) rowsAfter(row int) int {
	if !s.single {
		return row + 1
	}
	v := s.components[0].v
	if row == s.mcusY-1 {
		return ceilDiv(row+1, v)
	}
	return (row + 1) / v
}
