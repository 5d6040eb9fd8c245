package jpeg

import "context"

// sequential decodes a scan of a sequential file (F.2). An interleaved file has one scan,
// whose MCU rows go to the sink as they come; the components of others come one after the
// other, so that their planes are kept until the last scan. It is false where the data
// ended or was broken before the last row.
func (j *job) sequential(ctx context.Context, s *scan) (whole bool, err error) {
	d := j.d
	for i, c := range s.components {
		t := s.tables[i]
		if !d.dcSpecs[t.dc].defined || !d.acSpecs[t.ac].defined {
			return false, errNoTable
		}
		c.dc, c.ac = &d.dcTables[t.dc], &d.acTables[t.ac]
		if err := c.dc.build(&d.dcSpecs[t.dc]); err != nil {
			return false, err
		}
		c.ac.build(&d.acSpecs[t.ac])
	}
	for row := range s.mcusY {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		base := row
		if j.streams() {
			base = 0
		}
		if !d.sequentialRow(s, base) {
			return false, nil
		}
		for _, c := range s.components {
			c.rows = s.rowsAfter(row)
		}
		if !j.streams() {
			continue
		}
		if err := j.send(d.band(row, 0)); err != nil {
			return false, err
		}
	}
	return true, nil
}

// sequentialRow decodes a row of MCUs into the rows of pix that begin at row base.
func (d *Decoder) sequentialRow(s *scan, base int) bool {
	n := int(d.frame.scale)
	for x := range s.mcusX {
		if !d.mcu(s) {
			return false
		}
		for i := range s.blocks {
			b := &s.blocks[i]
			at := (base*b.dy+b.y)*n*b.c.stride + (x*b.dx+b.x)*n
			if !d.sequentialBlock(b.c, b.c.pix[at:]) {
				return false
			}
		}
	}
	return !d.reader.overrun()
}

// sequentialBlock decodes a block and writes its samples to out.
func (d *Decoder) sequentialBlock(c *component, out []byte) bool {
	diff, ok := d.reader.dc(c.dc)
	if !ok {
		return false
	}
	c.prediction += diff
	dc := c.prediction * c.steps[0]
	if d.frame.scale == Eighth {
		out[0] = level(dc)
		return d.reader.skip(c.ac, 1)
	}
	block := &d.block
	if d.frame.scale == Full {
		clear(block[:])
	} else {
		clear(block[:16])
	}
	block[0] = dc
	last, k := d.reader.ac(c.ac, block, &c.steps, &d.frame.place, d.frame.limit)
	if k == failed || k < 64 && !d.reader.skip(c.ac, k) {
		return false
	}
	inverseTransform(block, out, c.stride, last, d.frame.scale)
	return true
}
