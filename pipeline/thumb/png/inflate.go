package png

import (
	"encoding/binary"
)

const (
	history   = 32 << 10 // how far back a distance reaches
	outBytes  = history + 96<<10
	inBytes   = 32 << 10
	inPadding = 64
	// inMargin and outMargin are what one turn of the loop may read and write beyond its
	// position: five codes and a match, rounded up to whole words.
	inMargin  = 32
	outMargin = 320

	inflaterBytes = 256 << 10 // all of it, rounded up
)

// inflater undoes RFC 1950 and 1951 as far as it is asked to. It must be reset before use.
type inflater struct {
	src idatReader

	// in holds compressed bytes; bit has the next of them, n of which count. Bits beyond n are
	// those of in at pos or 0.
	in   [inBytes + inPadding]byte
	pos  int
	end  int  // of what was read
	last bool // there is no more to read; zeros follow
	bit  uint64
	n    uint

	// out holds what was inflated, at least the last 32 KiB of it. Bytes from read to write
	// were not handed out yet.
	out         []byte
	read, write int

	block   blockKind
	final   bool
	stored  int // bytes left of a stored block
	lit     literals
	dist    distances
	lengths [maxLiterals + maxDistances + 16]uint8

	err error
}

type blockKind int

const (
	noBlock blockKind = iota
	storedBlock
	huffmanBlock
)

// reset begins a stream; rows is the most bytes that next will be asked for at once.
func (z *inflater) reset(src idatReader, rows int) error {
	z.src, z.pos, z.end, z.last, z.bit, z.n = src, 0, 0, false, 0, 0
	z.read, z.write, z.block, z.final, z.err = 0, 0, noBlock, false, nil
	if want := outBytes + rows + outMargin; len(z.out) < want {
		z.out = make([]byte, want)
	}
	z.fill()
	head := z.take(16)
	const deflate, dictionary = 8, 0x2000
	if z.err != nil || head&0xf != deflate || head>>4&0xf > 7 || (head<<8|head>>8)&0xffff%31 != 0 || head&dictionary != 0 {
		return errDeflate
	}
	return nil
}

// next hands out n bytes, which hold until it is called again.
func (z *inflater) next(n int) ([]byte, error) {
	for z.write-z.read < n {
		if z.err != nil {
			return nil, z.err
		}
		z.makeRoom()
		z.run()
	}
	b := z.out[z.read : z.read+n]
	z.read += n
	return b, nil
}

// makeRoom moves what is still needed to the front once there is little room behind it.
func (z *inflater) makeRoom() {
	if len(z.out)-z.write > 2*outMargin+16<<10 {
		return
	}
	from := max(min(z.read, z.write-history), 0)
	copy(z.out, z.out[from:z.write])
	z.read, z.write = z.read-from, z.write-from
}

// run inflates until out is nearly full or something is wrong.
func (z *inflater) run() {
	for z.err == nil && len(z.out)-z.write > outMargin {
		switch z.block {
		case noBlock:
			if z.final {
				z.err = errTooShort
				return
			}
			z.header()
		case storedBlock:
			z.copyStored()
		case huffmanBlock:
			z.decode()
		}
	}
}

// fill reads on, so that at least inMargin bytes lie behind pos; zeros at the end of the
// stream.
func (z *inflater) fill() {
	if z.last || z.end-z.pos >= inMargin {
		return
	}
	copy(z.in[:], z.in[z.pos:z.end])
	z.pos, z.end = 0, z.end-z.pos
	for z.end < inBytes {
		n := z.src.read(z.in[z.end:inBytes])
		if n == 0 {
			z.last = true
			clear(z.in[z.end : z.end+inPadding])
			return
		}
		z.end += n
	}
}

// overrun tells that more bits were taken than there are.
func (z *inflater) overrun() bool { return z.pos*8-int(z.n) > z.end*8 }

// refill makes n at least 56.
func (z *inflater) refill() {
	z.bit |= binary.LittleEndian.Uint64(z.in[z.pos:]) << (z.n & 63)
	z.pos += int((63 - z.n) >> 3)
	z.n |= 56
}

// take takes up to 16 bits; those beyond the end are an error.
func (z *inflater) take(n uint) uint {
	z.fill()
	if z.pos > len(z.in)-8 {
		z.err = errCut
		return 0
	}
	z.refill()
	v := uint(z.bit) & (1<<n - 1)
	z.bit, z.n = z.bit>>n, z.n-n
	if z.overrun() {
		z.err = errCut
	}
	return v
}

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

// decode inflates a block until it ends or out is nearly full.
func (z *inflater) decode() {
	in, out := z.in[:], z.out
	pos, bit, n, w := z.pos, z.bit, z.n, z.write
	inLimit, outLimit := z.end-inMargin, len(out)-outMargin
	good := w // all up to here came from bits that exist
	for w <= outLimit {
		if pos > inLimit {
			z.pos, z.bit, z.n = pos, bit, n
			if z.overrun() {
				z.write, z.err = good, errCut
				return
			}
			good = w
			z.fill()
			pos, inLimit = z.pos, z.end-inMargin
		}
		bit |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		// At least 56 bits: five codes of the table fit.
		e := z.lit.table[bit&(1<<literalBits-1)]
		if e&entryLiterals != 0 {
			binary.LittleEndian.PutUint16(out[w:], uint16(e>>16))
			w += int(e >> 8 & 3)
			bit, n = bit>>(e&entryBits), n-uint(e&entryBits)
			e = z.lit.table[bit&(1<<literalBits-1)]
			if e&entryLiterals != 0 {
				binary.LittleEndian.PutUint16(out[w:], uint16(e>>16))
				w += int(e >> 8 & 3)
				bit, n = bit>>(e&entryBits), n-uint(e&entryBits)
				e = z.lit.table[bit&(1<<literalBits-1)]
				if e&entryLiterals != 0 {
					binary.LittleEndian.PutUint16(out[w:], uint16(e>>16))
					w += int(e >> 8 & 3)
					bit, n = bit>>(e&entryBits), n-uint(e&entryBits)
					e = z.lit.table[bit&(1<<literalBits-1)]
				}
			}
		}
		bit, n = bit>>(e&entryBits), n-uint(e&entryBits)
		if e&entryLiterals != 0 {
			binary.LittleEndian.PutUint16(out[w:], uint16(e>>16))
			w += int(e >> 8 & 3)
			continue
		}
		if e&entryKind == entryLong {
			symbol, length := z.lit.find(bit)
			e = literalEntry(symbol)
			if length == 0 {
				e = entryNone
			}
			bit, n = bit>>(length&63), n-uint(length)
			if e&entryLiterals != 0 {
				out[w] = byte(e >> 16)
				w++
				continue
			}
		}
		if e&entryKind != entryLength {
			z.pos, z.bit, z.n, z.write = pos, bit, n, w
			z.block = noBlock
			switch {
			case z.overrun():
				z.write, z.err = good, errCut
			case e&entryKind == entryNone:
				z.err = errDeflate
			}
			return
		}
		// Four codes took 4 x 15 bits at most, and here come up to 5 + 15 + 13 more.
		bit |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
		pos += int((63 - n) >> 3)
		n |= 56
		extra := e >> 12 & 15
		length := int(e>>16) + int(bit&(1<<extra-1))
		bit, n = bit>>extra, n-uint(extra)
		e = z.dist.table[bit&(1<<distanceBits-1)]
		if e&entryKind == entryLong {
			symbol, size := z.dist.find(bit)
			e = distanceEntry(symbol) | uint32(size)
			if size == 0 {
				e = entryNone
			}
		}
		bit, n = bit>>(e&entryBits), n-uint(e&entryBits)
		extra = e >> 12 & 15
		distance := 1 + int(e>>16) + int(bit&(1<<extra-1))
		bit, n = bit>>extra, n-uint(extra)
		if e&entryKind != entryLength || distance > w {
			z.pos, z.bit, z.n, z.write, z.err = pos, bit, n, w, errDeflate
			if z.overrun() {
				z.write = good
			}
			return
		}
		copyMatch(out, w, distance, length)
		w += length
	}
	z.pos, z.bit, z.n, z.write = pos, bit, n, w
	if z.overrun() {
		z.write, z.err = good, errCut
	}
}

// copyMatch repeats length bytes from distance bytes before at, mostly a few. It may write up
// to 7 bytes beyond, which outMargin allows for.
func copyMatch(out []byte, at, distance, length int) {
	dst, src := out[at:at+length+8], out[at-distance:at+length+8]
	if distance < 8 {
		for i := range length {
			dst[i] = src[i]
		}
		return
	}
	for len(dst) > 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src))
		dst, src = dst[8:], src[8:]
	}
}

// idatReader reads the bytes of consecutive IDAT chunks, which were checked before.
type idatReader struct {
	data []byte
	pos  int // of the next chunk
	body []byte
}

// read gives 0 at the end only.
func (r *idatReader) read(dst []byte) int {
	for len(r.body) == 0 {
		rest := r.data[min(r.pos, len(r.data)):]
		if len(rest) < 12 || string(rest[4:8]) != "IDAT" {
			return 0
		}
		n := min(int(binary.BigEndian.Uint32(rest)), len(rest)-12)
		r.body, r.pos = rest[8:8+n], r.pos+12+n
	}
	n := copy(dst, r.body)
	r.body = r.body[n:]
	return n
}
