package jpegtest

import "sort"

// token is a symbol of a table with bits behind it, bits alone (table < 0), or a restart.
type token struct {
	table  int // 0, 1 for DC, 2, 3 for AC
	symbol byte
	bits   uint32
	n      int
}

const (
	noTable = -1
	restart = -2
)

// table is a Huffman table.
type table struct {
	counts  [16]byte
	symbols []byte
	code    [256]uint32
	length  [256]int
}

// length gives the code length of the i-th most frequent symbol: an easy prefix code with
// room for all 256 and with lengths on both sides of any look-up.
func length(i int) int {
	switch {
	case i < 8:
		return 2 + i
	case i < 48:
		return 11
	case i < 148:
		return 13
	}
	return 16
}

// table makes the table id from the tokens that use it; nil where none does.
func (e *encoder) table(id int) *table {
	var frequency [256]int
	for _, t := range e.tokens {
		if t.table == id {
			frequency[t.symbol]++
		}
	}
	t := &table{}
	for s, n := range frequency {
		if n > 0 {
			t.symbols = append(t.symbols, byte(s))
		}
	}
	if len(t.symbols) == 0 {
		return nil
	}
	sort.SliceStable(t.symbols, func(a, b int) bool { return frequency[t.symbols[a]] > frequency[t.symbols[b]] })
	code, last := uint32(0), 0
	for i, s := range t.symbols {
		l := length(i)
		code <<= l - last
		t.code[s], t.length[s] = code, l
		t.counts[l-1]++
		code++
		last = l
	}
	e.tables[id] = t
	return t
}

func (t *table) segment(id int) []byte {
	p := append([]byte{byte(id>>1<<4 | id&1)}, t.counts[:]...)
	return append(p, t.symbols...)
}

// write appends the entropy-coded data.
func (e *encoder) write(out []byte) []byte {
	var acc uint64
	var n, marker int
	put := func(bits uint32, count int) {
		for i := count - 1; i >= 0; i-- {
			acc = acc<<1 | uint64(bits>>i&1)
			if n++; n < 8 {
				continue
			}
			out = append(out, byte(acc))
			if byte(acc) == 0xff {
				out = append(out, 0)
			}
			acc, n = 0, 0
		}
	}
	flush := func() {
		for n > 0 {
			put(1, 1)
		}
	}
	for _, t := range e.tokens {
		if t.table == restart {
			flush()
			out = append(out, 0xff, byte(0xd0+marker))
			marker = (marker + 1) % 8
			continue
		}
		if t.table >= 0 {
			put(e.tables[t.table].code[t.symbol], e.tables[t.table].length[t.symbol])
		}
		put(t.bits, t.n)
	}
	flush()
	return out
}
