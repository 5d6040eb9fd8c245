package png

import "sync"

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
		z.start(fixed())
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

// codes are those of one block.
type codes struct {
	lit  literals
	dist distances
}

func (c *codes) init(lit, dist []uint8) error {
	if err := c.lit.init(lit); err != nil {
		return err
	}
	return c.dist.init(dist)
}

// fixed are the codes that need not be sent (RFC 1951, 3.2.6). They are made once: a block
// that uses them may be empty.
var fixed = sync.OnceValue(func() *codes {
	var lit [288]uint8
	for i := range lit {
		switch {
		case i < 144:
			lit[i] = 8
		case i < 256:
			lit[i] = 9
		case i < 280:
			lit[i] = 7
		default:
			lit[i] = 8
		}
	}
	var dist [32]uint8
	for i := range dist {
		dist[i] = 5
	}
	c := new(codes)
	if err := c.init(lit[:], dist[:]); err != nil {
		panic(err) // they are complete
	}
	return c
})

// start begins a block of two codes.
func (z *inflater) start(c *codes) {
	z.lit, z.dist, z.block = &c.lit, &c.dist, huffmanBlock
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
		z.err = z.dynamic.init(l[:nLit], l[nLit:])
		z.start(&z.dynamic)
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
