package png

import "math/bits"

// Sizes of RFC 1951, 3.2.5 to 3.2.7.
const (
	maxCodeBits  = 15
	maxLiterals  = 286
	maxDistances = 30
	endOfBlock   = 256
)

// A table of 2^tableBits entries is indexed by the next bits of the stream. The entries:
//
//	bits 0..5    how many bits the code takes, or both codes
//	bits 8..9    how many literals there are, 0..2; then bits 16..31 are their bytes
//	bits 10..11  what else it is
//	bits 12..15  how many extra bits follow
//	bits 16..31  the length, the distance, or the symbol
//
// Codes longer than tableBits are found by their length, one bit after the other.
const (
	literalBits  = 11
	distanceBits = 9

	entryBits     = 1<<6 - 1
	entryLiterals = 3 << 8

	entryKind   = 3 << 10
	entryLong   = 0 << 10 // a longer code, or no code
	entryEnd    = 1 << 10
	entryLength = 2 << 10 // or a distance
	entryNone   = 3 << 10 // a symbol that must not occur
)

// code is a canonical Huffman code (RFC 1951, 3.2.2).
type code struct {
	count  [maxCodeBits + 1]uint16 // of codes by length
	symbol [maxLiterals + 2]uint16 // in the order of the codes
}

// build reads the lengths of the codes. They must use up the space of codes, but for none at
// all and for a single one of one bit.
func (c *code) build(lengths []uint8) error {
	c.count = [maxCodeBits + 1]uint16{}
	for _, n := range lengths {
		c.count[n]++
	}
	used := len(lengths) - int(c.count[0])
	c.count[0] = 0
	left := 1
	var at [maxCodeBits + 2]uint16
	for n := 1; n <= maxCodeBits; n++ {
		left = left<<1 - int(c.count[n])
		if left < 0 {
			return errDeflate
		}
		at[n+1] = at[n] + c.count[n]
	}
	if left > 0 && used > 0 && (used != 1 || c.count[1] != 1) {
		return errDeflate
	}
	for symbol, n := range lengths {
		if n > 0 {
			c.symbol[at[n]] = uint16(symbol)
			at[n]++
		}
	}
	return nil
}

// fill writes the entries of all codes that a table of 2^width entries can hold. entry says
// what a symbol means.
func (c *code) fill(table []uint32, width int, entry func(symbol int) uint32) {
	clear(table)
	next, index := 0, 0
	for n := 1; n <= width; n++ {
		next <<= 1
		for range c.count[n] {
			e := entry(int(c.symbol[index])) | uint32(n)
			reversed := int(bits.Reverse16(uint16(next)) >> (16 - n))
			for i := reversed; i < len(table); i += 1 << n {
				table[i] = e
			}
			next, index = next+1, index+1
		}
	}
}

// find searches the code that the bits of v begin with; length is 0 where there is none.
func (c *code) find(v uint64) (symbol, length int) {
	first, index, next := 0, 0, 0
	for n := 1; n <= maxCodeBits; n++ {
		next |= int(v & 1)
		v >>= 1
		count := int(c.count[n])
		if next-first < count {
			return int(c.symbol[index+next-first]), n
		}
		index += count
		first = (first + count) << 1
		next <<= 1
	}
	return 0, 0
}

// literals is the code of literals and lengths.
type literals struct {
	code

	table [1 << literalBits]uint32
}

func (l *literals) init(lengths []uint8) error {
	if err := l.build(lengths); err != nil {
		return err
	}
	l.fill(l.table[:], literalBits, literalEntry)
	// Two literals at a time, where the bits suffice for both. An entry that is looked at is
	// below the one that changes, so from the top down it still is single.
	for i := len(l.table) - 1; i >= 0; i-- {
		e := l.table[i]
		if e&entryLiterals == 0 {
			continue
		}
		n := e & entryBits
		second := l.table[i>>n]
		if second&entryLiterals == 1<<8 && n+second&entryBits <= literalBits {
			l.table[i] = (n + second&entryBits) | 2<<8 | e&(0xff<<16) | second>>16<<24
		}
	}
	return nil
}

func literalEntry(symbol int) uint32 {
	switch {
	case symbol < endOfBlock:
		return 1<<8 | uint32(symbol)<<16
	case symbol == endOfBlock:
		return entryEnd
	case symbol >= maxLiterals:
		return entryNone
	}
	s := symbol - 257
	switch {
	case s < 8:
		return entryLength | uint32(3+s)<<16
	case s == 28:
		return entryLength | 258<<16
	}
	extra := uint32(s/4 - 1)
	return entryLength | extra<<12 | (3+(4+uint32(s%4))<<extra)<<16
}

// distances is the code of distances.
type distances struct {
	code

	table [1 << distanceBits]uint32
}

func (d *distances) init(lengths []uint8) error {
	if err := d.build(lengths); err != nil {
		return err
	}
	d.fill(d.table[:], distanceBits, distanceEntry)
	return nil
}

// distanceEntry holds the distance less one, which fits into 16 bits.
func distanceEntry(symbol int) uint32 {
	switch {
	case symbol >= maxDistances:
		return entryNone
	case symbol < 4:
		return entryLength | uint32(symbol)<<16
	}
	extra := uint32(symbol/2 - 1)
	return entryLength | extra<<12 | ((2+uint32(symbol%2))<<extra)<<16
}
