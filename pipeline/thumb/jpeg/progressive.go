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
				if last == 0 && n > 2 {
					coef = coef[:1] // the transforms look at no more
				}
				for k, v := range coef {
					d.block[k&63] = int32(v) * c.stepAt[k&63]
				}
				inverseTransform(&d.block, c.pix[y*n*c.stride+x*n:], c.stride, last, f.scale)
			}
		}
	}
}
