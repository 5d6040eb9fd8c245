package jpeg

// scan codes all MCUs, interleaved (A.2.3).
func (e *Encoder) scan(p *Picture, components []encodeComponent) {
	side := 8 * components[0].factor // of an MCU, in pixels
	for y := range ceilDiv(p.Height, side) {
		for x := range ceilDiv(p.Width, side) {
			for i := range components {
				c := &components[i]
				for v := range c.factor {
					for h := range c.factor {
						e.block(c, 8*(x*c.factor+h), 8*(y*c.factor+v))
					}
				}
			}
		}
	}
}

// block codes the block whose first sample is at (x, y), which may lie outside the plane.
func (e *Encoder) block(c *encodeComponent, x, y int) {
	pix, stride := e.edge[:], 8
	if x+8 <= c.width && y+8 <= c.height {
		pix, stride = c.Pix[y*c.Stride+x:], c.Stride
	} else {
		c.replicate(&e.edge, x, y)
	}
	mask := transform(&e.coef, pix, stride, &e.quant[c.table])
	e.bits.block(&e.coef, mask, c.dc, &dcCodes[c.table], &acCodes[c.table])
	c.dc = int32(e.coef[0])
}

// replicate fills a block from a plane that ends before it does.
func (c *encodeComponent) replicate(block *[64]byte, x, y int) {
	for i := range block {
		row, column := min(y+i/8, c.height-1), min(x+i%8, c.width-1)
		block[i] = c.Pix[row*c.Stride+column]
	}
}
