package jpeg

// maxBlockBits bounds what one block takes from the entropy-coded data: 64 codes of 16
// bits, each with 15 bits of value at most.
const maxBlockBits = 64 * 31

// tableSpec is a Huffman table as a DHT segment defines it (B.2.4.2).
type tableSpec struct {
	// counts has the number of codes of 1..16 bits.
	counts [16]uint8
	// symbols are in the order of their codes.
	symbols [256]uint8
	defined bool
}

// parseTable reads one table from the front of a DHT payload and gives the rest.
func (s *tableSpec) parse(p []byte) (rest []byte, err error) {
	if len(p) < 16 {
		return nil, FormatError("a Huffman table is cut off")
	}
	*s = tableSpec{defined: true}
	copy(s.counts[:], p)
	p = p[16:]
	code, n := 0, 0
	for i, c := range s.counts {
		code = code<<1 + int(c)
		n += int(c)
		if code > 1<<(i+1) {
			return nil, FormatError("a Huffman table has more codes than bits allow")
		}
	}
	if n == 0 || n > len(s.symbols) || n > len(p) {
		return nil, FormatError("a Huffman table has an impossible number of codes")
	}
	copy(s.symbols[:], p[:n])
	return p[n:], nil
}

// each calls f for every code, with its length in bits.
func (s *tableSpec) each(f func(length int, code uint32, symbol uint8)) {
	code, next := uint32(0), 0
	for i, c := range s.counts {
		for range c {
			f(i+1, code, s.symbols[next])
			code++
			next++
		}
		code <<= 1
	}
}

// canon finds codes of any length by the canonical search (F.2.2.3). It is for the codes
// that are too long for a table.
type canon struct {
	spec tableSpec
	// end is, for each length, the first 16 bits that are beyond all codes up to it.
	end [17]uint32
	// first is the index of the symbol that a code of zeros would have at each length.
	first [17]int32
}

func (c *canon) build(s *tableSpec) {
	c.spec = *s
	code, next := int32(0), int32(0)
	for l := 1; l <= 16; l++ {
		n := int32(s.counts[l-1])
		c.first[l] = next - code
		code, next = code+n, next+n
		c.end[l] = uint32(code) << (16 - l)
		code <<= 1
	}
}

// find gives the symbol at the top of acc and the length of its code; 0 where there is no
// such code.
func (c *canon) find(acc uint64) (length uint, symbol uint8) {
	bits := uint32(acc >> 48)
	for l := 1; l <= 16; l++ {
		if bits < c.end[l] {
			return uint(l), c.spec.symbols[uint8(c.first[l]+int32(bits>>(16-l)))]
		}
	}
	return 0, 0
}

// extend makes a signed value of size bits, 0..16, as F.2.2.1 does: those that begin with
// 0 are negative. It has no branch, for nobody could foretell it.
func extend(bits int32, size uint) int32 {
	negative := (bits - 1<<size>>1) >> 31
	return bits + negative&(-1<<size+1)
}

// valueBits is how many bits one look-up of a valueTable sees.
const valueBits = 11

// valueTable gives a code and the value behind it in one look-up. An entry is made of
//
//	bits 16..31  the value, signed; with slowEntry the size of the value in bits
//	bits  8..14  the run of zeros before it, or endOfBlock
//	bit   7      slowEntry
//	bits  0..5   the bits of the code and the value; with slowEntry those of the code, 0
//	             where the code is longer than a look-up
type valueTable [1 << valueBits]uint32

const (
	slowEntry  = 1 << 7
	endOfBlock = 127
)

// fill sets the entries of all look-ups that begin with a code. Longer ones stay slow.
func (e *valueTable) fill(length int, code, entry uint32) {
	if length > valueBits {
		return
	}
	base := code << (valueBits - length)
	for i := range uint32(1) << (valueBits - length) {
		e[base|i] = entry
	}
}

func (e *valueTable) put(length int, code uint32, run, size int) {
	if length+size > valueBits {
		e.fill(length, code, uint32(size)<<16|uint32(run)<<8|slowEntry|uint32(length))
		return
	}
	base := code << (valueBits - length)
	for i := range uint32(1) << (valueBits - length) {
		var value int32
		if size > 0 {
			value = extend(int32(i>>(valueBits-length-size)), uint(size))
		}
		e[base|i] = uint32(value)<<16 | uint32(run)<<8 | uint32(length+size)
	}
}

func (e *valueTable) reset() {
	for i := range e {
		e[i] = slowEntry
	}
}

// dcTable decodes the differences of DC coefficients.
type dcTable struct {
	canon
	value valueTable
}

func (t *dcTable) build(s *tableSpec) error {
	if t.spec == *s {
		return nil
	}
	var tooLarge bool
	s.each(func(_ int, _ uint32, symbol uint8) { tooLarge = tooLarge || symbol > 15 })
	if tooLarge {
		return FormatError("a DC table has a size above 15 bits")
	}
	t.canon.build(s)
	t.value.reset()
	s.each(func(length int, code uint32, symbol uint8) {
		t.value.put(length, code, 0, int(symbol))
	})
	return nil
}

// acTable decodes the AC coefficients of sequential scans.
type acTable struct {
	canon
	value valueTable
	skip  skipTable
}

func (t *acTable) build(s *tableSpec) {
	if t.spec == *s {
		return
	}
	t.canon.build(s)
	t.value.reset()
	s.each(func(length int, code uint32, symbol uint8) {
		run, size := int(symbol>>4), int(symbol&15)
		if size == 0 && run < 15 {
			run = endOfBlock
		}
		t.value.put(length, code, run, size)
	})
	t.skip.build(s)
}

// skipBits is how many bits one look-up of a skipTable sees.
const skipBits = 12

// skipTable passes over as many coefficients as the bits of one look-up tell. An entry has
// the bits to drop in 0..5 and above them how many coefficients they stand for, plus
// skipEnd where the block ends with them. Where one code cannot be told, that is skipNone,
// which is as good as too many.
type skipTable [1 << skipBits]uint16

const (
	skipNone = 64
	skipEnd  = 128
	// skipMost is the most bits of an entry, so that two and a code of 31 bits fit behind a
	// load, which gives 56 at least.
	skipMost = 25
)

func (t *skipTable) build(s *tableSpec) {
	var codes [1 << skipBits]uint16 // symbol<<8 | length
	s.each(func(length int, code uint32, symbol uint8) {
		if length > skipBits {
			return
		}
		base := code << (skipBits - length)
		for i := range uint32(1) << (skipBits - length) {
			codes[base|i] = uint16(symbol)<<8 | uint16(length)
		}
	})
	for i := range t {
		t[i] = skipEntry(&codes, uint(i))
	}
}

func skipEntry(codes *[1 << skipBits]uint16, window uint) uint16 {
	var used, passed uint
	for used < skipBits {
		c := uint(codes[window<<used&(1<<skipBits-1)])
		length, run, size := c&0xff, c>>12, c>>8&15
		if length == 0 || used+length > skipBits {
			break
		}
		if size == 0 && run < 15 {
			return uint16(used + length | (passed+skipEnd)<<6)
		}
		if passed+run+1 > 63 || used+length+size > skipMost {
			break
		}
		used += length + size
		passed += run + 1
	}
	if passed == 0 {
		return skipNone << 6
	}
	return uint16(used | passed<<6)
}

// symbolBits is how many bits one look-up of a symbolTable sees.
const symbolBits = 10

// symbolTable decodes the bare symbols of progressive AC scans: an entry is
// symbol<<8 | length, 0 for longer codes.
type symbolTable struct {
	canon
	symbol [1 << symbolBits]uint16
}

func (t *symbolTable) build(s *tableSpec) {
	if t.spec == *s {
		return
	}
	t.canon.build(s)
	clear(t.symbol[:])
	s.each(func(length int, code uint32, symbol uint8) {
		if length > symbolBits {
			return
		}
		base := code << (symbolBits - length)
		for i := range uint32(1) << (symbolBits - length) {
			t.symbol[base|i] = uint16(symbol)<<8 | uint16(length)
		}
	})
}

// firstTable decodes the first scans of AC coefficients in progressive files. Its entries
// are those of a valueTable, but a symbol that ends a run of blocks is a slowEntry with its
// exponent as the run and no size.
type firstTable struct {
	canon
	value valueTable
}

func (t *firstTable) build(s *tableSpec) {
	if t.spec == *s {
		return
	}
	t.canon.build(s)
	t.value.reset()
	s.each(func(length int, code uint32, symbol uint8) {
		run, size := int(symbol>>4), int(symbol&15)
		if size == 0 && run < 15 {
			t.value.fill(length, code, uint32(run)<<8|slowEntry|uint32(length))
			return
		}
		t.value.put(length, code, run, size)
	})
}
