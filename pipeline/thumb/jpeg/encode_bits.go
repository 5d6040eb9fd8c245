package jpeg

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// blockBytes is more than a block can take: 64 codes of 16 bits with up to 11 extra bits, each
// byte stuffed, and a word that was pending.
const blockBytes = 512

// A bitWriter codes blocks (F.1.2). Bits gather in a word, first bit highest, and leave it
// eight bytes at a time.
type bitWriter struct {
	out  []byte
	word uint64 // its lowest 64-free bits are pending
	free int    // 1..64
}

func (w *bitWriter) reset(out []byte) { *w = bitWriter{out: out, free: 64} }

// finish writes what is pending, filled with ones (F.1.2.3), and returns the file.
func (w *bitWriter) finish() []byte {
	used := 64 - w.free
	padded := ceilDiv(used, 8)
	word := w.word<<(w.free&63) | (1<<(w.free&63) - 1)
	out := slices.Grow(w.out, blockBytes)
	for range padded {
		out = appendStuffed(out, byte(word>>56))
		word <<= 8
	}
	w.out = nil
	return out
}

func appendStuffed(out []byte, b byte) []byte {
	if b == 0xff {
		return append(out, b, 0) // B.1.1.5
	}
	return append(out, b)
}

// block codes the quantised coefficients of one block, which are in natural order: the
// difference of the DC from the one before, and the AC that are not zero. Bit i of mask says
// that the coefficient at zigzag index i is not zero.
func (w *bitWriter) block(coef *[64]int16, mask uint64, before int32, dc, ac *codes) {
	w.out = slices.Grow(w.out, blockBytes)
	out, word, free := w.out, w.word, w.free

	v, n := coded(int32(coef[0])-before, 0, dc)
	if free -= n; free <= 0 {
		out, word, free = spill(out, word, v, n, free)
	} else {
		word = word<<(n&63) | v
	}
	last := 0
	for mask &^= 1; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		run := i - last - 1
		last = i
		for ; run > 15; run -= 16 {
			v, n := uint64(ac[0xf0]>>8), int(ac[0xf0]&0xff)
			if free -= n; free <= 0 {
				out, word, free = spill(out, word, v, n, free)
			} else {
				word = word<<(n&63) | v
			}
		}
		v, n := coded(int32(coef[zigzag[i&63]&63]), run<<4, ac)
		if free -= n; free <= 0 {
			out, word, free = spill(out, word, v, n, free)
		} else {
			word = word<<(n&63) | v
		}
	}
	if last != 63 { // end of block
		v, n := uint64(ac[0]>>8), int(ac[0]&0xff)
		if free -= n; free <= 0 {
			out, word, free = spill(out, word, v, n, free)
		} else {
			word = word<<(n&63) | v
		}
	}
	w.out, w.word, w.free = out, word, free
}

// coded returns the bits for a value after a run (in the upper half of a symbol): the code of
// the symbol, then the value's own bits, less one where it is negative (F.1.2.1, F.1.2.2).
func coded(value int32, run int, c *codes) (v uint64, n int) {
	sign := value >> 31
	size := bits.Len32(uint32((value ^ sign) - sign))
	code := c[(run|size)&0xff]
	extra := uint32(value+sign) & (1<<(size&31) - 1)
	return uint64(code>>8)<<(size&31) | uint64(extra), int(code&0xff) + size
}

// spill adds the n bits of v to a word that they fill, -free bits to spare, and writes it. out
// has room for it.
func spill(out []byte, word, v uint64, n, free int) ([]byte, uint64, int) {
	word = word<<((n+free)&63) | v>>(-free&63)
	at := len(out)
	if inverse := ^word; (inverse-0x0101010101010101)&word&0x8080808080808080 == 0 {
		// No byte of 0xff, which the inverse has as zero.
		out = out[:at+8]
		binary.BigEndian.PutUint64(out[at:], word)
	} else {
		for shift := 56; shift >= 0; shift -= 8 {
			out = appendStuffed(out, byte(word>>shift))
		}
	}
	return out, v, free + 64
}
