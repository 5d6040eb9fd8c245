package png

// header reads that of a block (RFC 1951, 3.2.3).
func (z *inflater) header() {
	head := z.take(3)
	if z.err != nil {
		return
	}
	z.final = head&1 == 1
	switch head >> 1 {
	case 0:
		z.storedHeader()
	case 1:
		z.fixedHeader()
	case 2:
		z.dynamicHeader()
	default:
		z.err = errDeflate
	}
}

func (z *inflater) storedHeader() {
	z.take(z.n & 7) // up to the next byte
	size, inverse := z.take(16), z.take(16)
	if z.err == nil && size != inverse^0xffff {
		z.err = errDeflate
	}
	z.pos -= int(z.n >> 3)
	z.bit, z.n = 0, 0
	z.stored, z.block = int(size), storedBlock
}

func (z *inflater) copyStored() {
	for z.stored > 0 {
		if z.pos >= z.end {
			z.fill()
			if z.pos >= z.end {
				z.err = errCut
				return
			}
		}
		room := len(z.out) - z.write - outMargin
		if room <= 0 {
			return
		}
		n := copy(z.out[z.write:z.write+min(room, z.stored)], z.in[z.pos:z.end])
		z.pos, z.write, z.stored = z.pos+n, z.write+n, z.stored-n
	}
	z.block = noBlock
}

func (z *inflater) fixedHeader() {
	l := z.lengths[:288]
	for i := range l {
		switch {
		case i < 144:
			l[i] = 8
		case i < 256:
			l[i] = 9
		case i < 280:
			l[i] = 7
		default:
			l[i] = 8
		}
	}
	z.start(l, nil)
}

// start begins a block of two codes; no lengths of distances stand for the fixed ones.
func (z *inflater) start(lit, dist []uint8) {
	z.err = z.lit.init(lit)
	if dist == nil {
		dist = z.lengths[:32]
		for i := range dist {
			dist[i] = 5
		}
	}
	if z.err == nil {
		z.err = z.dist.init(dist)
	}
	z.block = huffmanBlock
}

// lengthOrder is that of the lengths of the code of lengths (RFC 1951, 3.2.7).
var lengthOrder = [...]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

func (z *inflater) dynamicHeader() {
	nLit, nDist, nLen := int(z.take(5))+257, int(z.take(5))+1, int(z.take(4))+4
	if nLit > maxLiterals || nDist > maxDistances {
		z.err = errDeflate
		return
	}
	var codeLengths [len(lengthOrder)]uint8
	for _, symbol := range lengthOrder[:nLen] {
		codeLengths[symbol] = uint8(z.take(3))
	}
	var c code
	if err := c.build(codeLengths[:]); err != nil {
		z.err = err
		return
	}
	l := z.lengths[:nLit+nDist]
	for i := 0; i < len(l) && z.err == nil; {
		symbol := z.symbol(&c)
		value, count := uint8(symbol), 1
		switch symbol {
		case 16:
			if i == 0 {
				z.err = errDeflate
				return
			}
			value, count = l[i-1], 3+int(z.take(2))
		case 17:
			value, count = 0, 3+int(z.take(3))
		case 18:
			value, count = 0, 11+int(z.take(7))
		}
		if i+count > len(l) {
			z.err = errDeflate
			return
		}
		for range count {
			l[i] = value
			i++
		}
	}
	if z.err == nil {
		z.start(l[:nLit], l[nLit:])
	}
}

// symbol takes one code, slowly.
func (z *inflater) symbol(c *code) int {
	z.take(0)
	if z.err != nil {
		return 0
	}
	symbol, n := c.find(z.bit)
	if n == 0 {
		z.err = errDeflate
		return 0
	}
	z.take(uint(n))
	return symbol
}
