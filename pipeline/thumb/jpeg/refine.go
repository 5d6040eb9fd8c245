package jpeg

import (
	"encoding/binary"
	"math/bits"
)

// acRefine adds one bit to a row of AC coefficients and brings in those that were zero
// (G.1.2.3).
func (d *Decoder) acRefine(s *scan, y int) bool {
	c, f := s.components[0], &d.frame
	band := ^uint64(0) >> (63 - s.to) &^ (1<<s.from - 1)
	for x := range s.mcusX {
		if !d.mcu(s) {
			return false
		}
		at := y*c.paddedX + x
		old := c.mask[at] & band
		if s.endOfBands > 0 && old == 0 {
			s.endOfBands--
			continue
		}
		b := refinement{frame: f, coef: c.coef[at*f.keep : (at+1)*f.keep], old: old, low: s.low}
		rest := band
		if s.endOfBands == 0 {
			if rest, s.endOfBands = d.reader.refine(&d.symbolTable, &b, band); s.endOfBands < 0 {
				return false
			}
		}
		if s.endOfBands > 0 {
			s.endOfBands--
			d.reader.correct(&b, rest&old)
		}
		c.mask[at] |= b.fresh
	}
	return true
}

// refinement is the work on one block of a refining scan. Its masks have a bit per zigzag
// index.
type refinement struct {
	frame *frame
	coef  []int16
	// old are the coefficients of the band that were not zero before, fresh those that came
	// in.
	old, fresh uint64
	low        uint
}

// refine decodes symbols until the band, whose indices are in rest, or the data for it
// ends. It gives what is left of rest, and for how many blocks, this one included, there is
// nothing but corrections; a negative number for a block that cannot be.
func (r *reader) refine(t *symbolTable, b *refinement, rest uint64) (left uint64, run int) {
	for rest != 0 {
		r.load()
		e := t.symbol[r.acc>>(64-symbolBits)]
		length, symbol := uint(e&0xff), uint8(e>>8)
		if length == 0 {
			if length, symbol = t.find(r.acc); length == 0 {
				return 0, failed
			}
		}
		r.acc <<= length & 63
		r.count -= length
		zeros := uint(symbol >> 4)
		if symbol&15 == 0 && zeros < 15 {
			return rest, 1<<zeros + int(r.bits(zeros))
		}
		target := rest &^ b.old
		for ; zeros > 0; zeros-- {
			target &= target - 1
		}
		// No bit, where the band has not so many zeros, makes a mask of all.
		target &= -target
		passed := b.old & rest & (target - 1)
		rest &^= target | (target - 1)
		if symbol&15 != 0 {
			if target == 0 {
				return 0, failed
			}
			b.bringIn(target, r.bits(1) != 0)
		}
		if passed != 0 {
			r.correct(b, passed)
		}
	}
	return 0, 0
}

// bringIn sets a coefficient that was zero.
func (b *refinement) bringIn(target uint64, positive bool) {
	b.fresh |= target
	if target&b.frame.kept == 0 {
		return
	}
	p := b.frame.place[bits.TrailingZeros64(target)&63]
	b.coef[p] = -1 << b.low
	if positive {
		b.coef[p] = 1 << b.low
	}
}

// correct reads a bit for each of some coefficients, and makes larger those that it is set
// for.
func (r *reader) correct(b *refinement, which uint64) {
	acc, count, next := r.acc, r.count, r.next
	n := uint(bits.OnesCount64(which))
	for kept := which & b.frame.kept; ; {
		acc |= binary.BigEndian.Uint64(r.window[next:]) >> (count & 63)
		next += int((63 - count) >> 3)
		count |= 56
		// The bits that were just loaded; what is beyond them comes with the next load.
		here := min(n, count)
		ahead := which
		for range n - here {
			ahead &^= 1 << (63 - bits.LeadingZeros64(ahead))
		}
		for now := kept & ahead; now != 0; now &= now - 1 {
			index := bits.OnesCount64(which & (now&-now - 1))
			bit := int16(acc << index >> 63)
			c := &b.coef[b.frame.place[bits.TrailingZeros64(now)&63]]
			*c += (*c>>15 | 1) << b.low & -bit
		}
		acc <<= here
		count -= here
		if n -= here; n == 0 {
			break
		}
		which &^= ahead
		kept &^= ahead
	}
	r.acc, r.count, r.next = acc, count, next
}
