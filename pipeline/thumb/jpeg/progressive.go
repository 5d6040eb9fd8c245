package jpeg

import (
	"context"
	"math/bits"
)

// progressive decodes a scan of a progressive file (G.2) into the coefficients. It is
// false where the data ended or was broken before the last block.
func (d *Decoder) progressive(ctx context.Context, s *scan) (whole bool, err error) {
	if s.from > 0 && d.frame.scale == Eighth {
		return true, nil
	}
	if err := d.prepareProgressive(s); err != nil {
		return false, err
	}
	for y := range s.mcusY {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if !d.progressiveRow(s, y) || d.reader.overrun() {
			return false, nil
		}
		if s.from == 0 {
			for _, c := range s.components {
				c.rows = max(c.rows, s.rowsAfter(y))
			}
		}
	}
	return true, nil
}

// prepareProgressive builds the tables that the scan needs.
func (d *Decoder) prepareProgressive(s *scan) error {
	if s.from > 0 {
		spec := &d.acSpecs[s.tables[0].ac]
		if !spec.defined {
			return errNoTable
		}
		if s.high == 0 {
			d.firstTable.build(spec)
		} else {
			d.symbolTable.build(spec)
		}
		return nil
	}
	for i, c := range s.components {
		if s.high > 0 {
			break
		}
		t := s.tables[i].dc
		if !d.dcSpecs[t].defined {
			return errNoTable
		}
		c.dc = &d.dcTables[t]
		if err := c.dc.build(&d.dcSpecs[t]); err != nil {
			return err
		}
	}
	return nil
}

// progressiveRow decodes a row of MCUs by one of the four procedures.
func (d *Decoder) progressiveRow(s *scan, y int) bool {
	switch {
	case s.from == 0 && s.high == 0:
		return d.dcFirst(s, y)
	case s.from == 0:
		return d.dcRefine(s, y)
	case s.high == 0:
		return d.acFirst(s, y)
	}
	return d.acRefine(s, y)
}

// dcFirst decodes a row of DC coefficients without their low bits (G.1.2.1).
func (d *Decoder) dcFirst(s *scan, y int) bool {
	keep := d.frame.keep
	for x := range s.mcusX {
		if !d.mcu(s) {
			return false
		}
		for i := range s.blocks {
			b := &s.blocks[i]
			diff, ok := d.reader.dc(b.c.dc)
			if !ok {
				return false
			}
			b.c.prediction += diff
			at := (y*b.dy+b.y)*b.c.paddedX + x*b.dx + b.x
			b.c.coef[at*keep] = int16(b.c.prediction << s.low)
		}
	}
	return true
}

// dcRefine adds one bit to a row of DC coefficients.
func (d *Decoder) dcRefine(s *scan, y int) bool {
	keep := d.frame.keep
	for x := range s.mcusX {
		if !d.mcu(s) {
			return false
		}
		for i := range s.blocks {
			b := &s.blocks[i]
			d.reader.load()
			at := (y*b.dy+b.y)*b.c.paddedX + x*b.dx + b.x
			b.c.coef[at*keep] |= int16(d.reader.bits(1) << s.low)
		}
	}
	return true
}

// acFirst decodes a row of AC coefficients without their low bits (G.1.2.2).
func (d *Decoder) acFirst(s *scan, y int) bool {
	c, keep := s.components[0], d.frame.keep
	for x := range s.mcusX {
		if !d.mcu(s) {
			return false
		}
		if s.endOfBands > 0 {
			s.endOfBands--
			continue
		}
		at := y*c.paddedX + x
		mask, run := d.reader.first(&d.firstTable, s, c.coef[at*keep:(at+1)*keep], &d.frame.place)
		if run < 0 {
			return false
		}
		c.mask[at] |= mask
		s.endOfBands = run
	}
	return true
}

// acRefine adds one bit to a row of AC coefficients and brings in those that were zero
// (G.1.2.3).
func (d *Decoder) acRefine(s *scan, y int) bool {
	c, keep := s.components[0], d.frame.keep
	for x := range s.mcusX {
		if !d.mcu(s) {
			return false
		}
		at := y*c.paddedX + x
		if s.endOfBands > 0 && c.mask[at] == 0 {
			s.endOfBands--
			continue
		}
		b := refinement{
			reader: &d.reader, table: &d.symbolTable, place: &d.frame.place,
			coef: c.coef[at*keep : (at+1)*keep], low: s.low,
			rest: ^uint64(0) >> (63 - s.to) &^ (1<<s.from - 1),
		}
		b.old = c.mask[at] & b.rest
		if !b.run(s) {
			return false
		}
		c.mask[at] |= b.fresh
	}
	return true
}

// refinement is the work on one block of a refining scan.
type refinement struct {
	reader *reader
	table  *symbolTable
	place  *[64]uint8
	coef   []int16
	low    uint
	// rest has a bit per zigzag index of the band that is still ahead, old one per
	// coefficient that was not zero before, fresh one per coefficient that came in.
	rest, old, fresh uint64
}

func (b *refinement) run(s *scan) bool {
	for s.endOfBands == 0 && b.rest != 0 {
		b.reader.load()
		symbol, ok := b.reader.symbol(b.table)
		if !ok {
			return false
		}
		run, size := uint(symbol>>4), symbol&15
		if size == 0 && run < 15 {
			s.endOfBands = 1<<run + int(b.reader.bits(run))
			break
		}
		negative := size != 0 && b.reader.bits(1) == 0
		if !b.pass(run, size != 0, negative) {
			return false
		}
	}
	if s.endOfBands > 0 {
		s.endOfBands--
		b.correct(b.rest & b.old)
	}
	return true
}

// pass goes to the coefficient behind run zeros, correcting on the way those that are not
// zero, and sets it where fresh is true. It is false where the band has no such place.
func (b *refinement) pass(run uint, fresh, negative bool) bool {
	zeros := b.rest &^ b.old
	for ; run > 0; run-- {
		zeros &= zeros - 1
	}
	if zeros == 0 {
		b.correct(b.rest & b.old)
		b.rest = 0
		return !fresh
	}
	target := zeros & -zeros
	b.correct(b.rest & b.old & (target - 1))
	b.rest &^= target | (target - 1)
	if fresh {
		b.fresh |= target
		if p := int(b.place[bits.TrailingZeros64(target)&63]); p < len(b.coef) {
			b.coef[p] = 1 << b.low
			if negative {
				b.coef[p] = -1 << b.low
			}
		}
	}
	return true
}

// correct reads a bit for each of some coefficients, and makes larger those that it is set
// for.
func (b *refinement) correct(which uint64) {
	for n := bits.OnesCount64(which); n > 0; n -= 16 {
		b.reader.load()
		m := min(n, 16)
		correction := b.reader.bits(uint(m))
		for i := m - 1; i >= 0; i-- {
			k := bits.TrailingZeros64(which)
			which &= which - 1
			p := int(b.place[k&63])
			if correction>>uint(i)&1 == 0 || p >= len(b.coef) {
				continue
			}
			if b.coef[p] >= 0 {
				b.coef[p] += 1 << b.low
			} else {
				b.coef[p] -= 1 << b.low
			}
		}
	}
}

// render turns the coefficients of an MCU row into the samples of its band.
func (d *Decoder) render(row int) {
	f := &d.frame
	n := int(f.scale)
	for i := range f.components {
		c := &f.components[i]
		for y := range min(c.v, c.blocksY-row*c.v) {
			for x := range c.blocksX {
				at := (row*c.v+y)*c.paddedX + x
				last := 0
				if n > 1 {
					last = bits.Len64(c.mask[at]|1) - 1
				}
				coef := c.coef[at*f.keep : (at+1)*f.keep]
				for k, v := range coef {
					d.block[k&63] = int32(v) * c.stepAt[k&63]
				}
				inverseTransform(&d.block, c.pix[y*n*c.stride+x*n:], c.stride, last, f.scale)
			}
		}
	}
}
