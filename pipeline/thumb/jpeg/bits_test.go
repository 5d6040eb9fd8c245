package jpeg

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// code is a Huffman code for a test: its length and its symbol.
type code struct {
	length int
	symbol uint8
}

// specOf makes a table of codes, which are in the order of their lengths.
func specOf(codes ...code) *tableSpec {
	s := &tableSpec{defined: true}
	for i, c := range codes {
		s.counts[c.length-1]++
		s.symbols[i] = c.symbol
	}
	return s
}

// entropy makes the data that has symbols, each followed by ones for its value, with
// padding of ones.
func entropy(s *tableSpec, symbols ...uint8) (data []byte, bits int) {
	var acc []byte // a bit each
	for _, want := range symbols {
		s.each(func(length int, code uint32, symbol uint8) {
			if symbol != want {
				return
			}
			for i := length - 1; i >= 0; i-- {
				acc = append(acc, byte(code>>i&1))
			}
			for range symbol & 15 {
				acc = append(acc, 1)
			}
		})
	}
	bits = len(acc)
	for len(acc)%8 > 0 {
		acc = append(acc, 1)
	}
	for ; len(acc) > 0; acc = acc[8:] {
		b := byte(0)
		for _, bit := range acc[:8] {
			b = b<<1 | bit
		}
		if data = append(data, b); b == 0xff {
			data = append(data, 0)
		}
	}
	return data, bits
}

// used is how many bits were read.
func (r *reader) used() int { return r.next*8 - int(r.count) }

// A block of coefficients is passed over or decoded with the same bits used, whatever the
// lengths of its codes and values.
func TestACAndSkipUseTheSameBits(t *testing.T) {
	t.Parallel()
	s := specOf(code{2, 0x01}, code{3, 0x00}, code{5, 0xf0}, code{11, 0x02}, code{12, 0x0f}, code{13, 0xf1}, code{16, 0x1f})
	var table acTable
	table.build(s)
	for _, symbols := range [][]uint8{
		{0x00},
		{0x01, 0x00},
		{0x01, 0x01, 0x01, 0x01, 0x01, 0x00},
		{0x0f, 0x1f, 0x00},
		{0x0f, 0x0f, 0x1f, 0x1f, 0x0f, 0x1f, 0x00},
		{0x1f, 0x1f, 0x1f, 0x1f, 0x00},
		{0xf0, 0xf0, 0x02, 0xf0, 0x01, 0x00},
		{0xf0, 0xf0, 0xf0, 0x1f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f},
		{0xf1, 0xf1, 0xf1, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01},
	} {
		data, bits := entropy(s, append(symbols, 0x01, 0x01)...)
		bits -= 2 * 3 // the two symbols behind the block
		ones, place := [64]int32{}, [64]uint8{}
		for i := range ones {
			ones[i], place[i] = 1, uint8(i)
		}
		var r reader
		r.start(data, 0)
		var block [64]int32
		_, k := r.ac(&table, &block, &ones, &place, 64)
		require.Equal(t, 64, k, "%x", symbols)
		require.Equal(t, bits, r.used(), "decoded %x", symbols)

		r.start(data, 0)
		require.True(t, r.skip(&table, 1), "%x", symbols)
		require.Equal(t, bits, r.used(), "passed over %x", symbols)
	}
}

// A run that leaves the block is damage, in every kind of scan, and so is a code that is
// in no table.
func TestRunsBeyondTheBlock(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*tableSpec{
		"short codes": specOf(code{2, 0xf1}, code{3, 0xf0}),
		"long codes":  specOf(code{15, 0xf1}, code{16, 0xf0}),
	} {
		var (
			r       reader
			ac      acTable
			first   firstTable
			symbols symbolTable
			block   [64]int32
			f       frame
		)
		ac.build(s)
		first.build(s)
		symbols.build(s)
		for _, run := range [][]uint8{{0xf1, 0xf1, 0xf1, 0xf1}, {0xf0, 0xf0, 0xf0, 0xf0}} {
			data, _ := entropy(s, run...)
			r.start(data, 0)
			_, k := r.ac(&ac, &block, &block, &f.place, 64)
			require.Equal(t, failed, k, name)
			r.start(data, 0)
			require.False(t, r.skip(&ac, 1), name)
			r.start(data, 0)
			_, left := r.first(&first, &scan{from: 1, to: 40}, make([]int16, 64), &f.place)
			require.Equal(t, failed, left, name)
		}
		data, _ := entropy(s, 0xf1, 0xf1, 0xf1)
		r.start(data, 0)
		_, left := r.refine(&symbols, &refinement{frame: &f, coef: make([]int16, 64)}, 1<<40-1)
		require.Equal(t, failed, left, name)

		none := []byte{0xff, 0x00, 0xff, 0x00, 0xff, 0x00, 0xff, 0x00}
		r.start(none, 0)
		_, k := r.ac(&ac, &block, &block, &f.place, 64)
		require.Equal(t, failed, k)
		r.start(none, 0)
		require.False(t, r.skip(&ac, 1))
		r.start(none, 0)
		_, left = r.first(&first, &scan{from: 1, to: 40}, make([]int16, 64), &f.place)
		require.Equal(t, failed, left)
		r.start(none, 0)
		_, left = r.refine(&symbols, &refinement{frame: &f, coef: make([]int16, 64)}, 1<<40-1)
		require.Equal(t, failed, left)
		var dc dcTable
		require.NoError(t, dc.build(specOf(code{2, 1}, code{16, 2})))
		r.start(none, 0)
		_, ok := r.dc(&dc)
		require.False(t, ok)
	}
}

// What lies behind the window when it is filled again is not taken for data.
func TestFillDropsWhatIsBehindTheData(t *testing.T) {
	t.Parallel()
	var r reader
	r.start(make([]byte, 3*windowSize), 0)
	r.next, r.acc, r.count = r.end, ^uint64(0), 3
	r.fill()
	require.Equal(t, uint64(7)<<61, r.acc)
}

func TestRestart(t *testing.T) {
	t.Parallel()
	d := Decoder{}
	d.reader.start([]byte{0xff, 0xd0, 0, 0}, 0)
	s := scan{interval: 4, endOfBands: 9}
	require.True(t, d.restart(&s))
	require.Zero(t, s.endOfBands)
	require.Equal(t, 4, s.left)
	require.False(t, d.restart(&s), "the data ends without RST1")

	// An interval that took more bits than it had is damage, whatever follows.
	for taken, want := range map[uint]bool{8: true, 9: false} {
		d.reader.start([]byte{0x12, 0xff, 0xd0, 0, 0}, 0)
		d.reader.load()
		d.reader.bits(taken)
		require.Equal(t, want, d.restart(&scan{interval: 4}), "%d bits", taken)
	}
}

func TestOverrun(t *testing.T) {
	t.Parallel()
	var r reader
	r.start([]byte{0x12, 0xff, 0x00, 0xff, 0xff, 0xd9}, 0)
	for range 16 {
		r.load()
		r.bits(1)
		require.False(t, r.overrun())
	}
	r.load()
	r.bits(1)
	require.True(t, r.overrun())
	require.False(t, r.next <= r.limit || r.more())
}
