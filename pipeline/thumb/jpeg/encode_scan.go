package jpeg

// scan codes all MCUs, interleaved (A.2.3).
func (e *Encoder) scan(p *Picture, components []encodeComponent) {
	side := 8 * components[0].factor // of an MCU, in pixels
	for y := range ceilDiv(p.Height, side) {
		for x := range ceilDiv(p.Width, side) {
			e.unit(p.Sampling, components, x, y)
		}
	}
}

// unit codes the MCU in column x and row y. Two blocks with the same steps go together.
func (e *Encoder) unit(s Sampling, components []encodeComponent, x, y int) {
	luma := &components[0]
	if s == Sampling420 {
		for row := 2 * y; row < 2*y+2; row++ {
			e.blocks([2]place{{luma, 16 * x, 8 * row}, {luma, 16*x + 8, 8 * row}}, 2)
		}
	} else {
		e.blocks([2]place{{luma, 8 * x, 8 * y}}, 1)
	}
	if s != SamplingGray {
		e.blocks([2]place{{&components[1], 8 * x, 8 * y}, {&components[2], 8 * x, 8 * y}}, 2)
	}
}

// place is where a block lies: its first sample may be outside the plane.
type place struct {
	c    *encodeComponent
	x, y int
}

// blocks codes the first n of two blocks.
func (e *Encoder) blocks(at [2]place, n int) {
	table := at[0].c.table
	var in [2]Samples
	for i, p := range at[:n] {
		in[i] = p.c.block(&e.edge[i], p.x, p.y)
	}
	masks := transform(&e.coef, &in, n, &e.quant[table])
	for i, p := range at[:n] {
		e.bits.block(&e.coef[i], masks[i], p.c.dc, &dcCodes[table], &acCodes[table])
		p.c.dc = int(e.coef[i][0])
	}
}

// block returns the 8 x 8 samples at (x, y): those of the plane itself, or, where it ends
// before, a copy in edge whose last samples are repeated.
func (c *encodeComponent) block(edge *[64]byte, x, y int) Samples {
	if x+8 <= c.width && y+8 <= c.height {
		return Samples{Pix: c.Pix[y*c.Stride+x:], Stride: c.Stride}
	}
	for i := range edge {
		row, column := min(y+i/8, c.height-1), min(x+i%8, c.width-1)
		edge[i] = c.Pix[row*c.Stride+column]
	}
	return Samples{Pix: edge[:], Stride: 8}
}
