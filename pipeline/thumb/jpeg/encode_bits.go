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
func (w *bitWriter) block(coef *[64]int16, mask uint64, before int, dc, ac *codes) {
	w.out = slices.Grow(w.out, blockBytes)
	out, word, free := w.out, w.word, w.free

	code := dc.far(int(coef[0])-before, 0)
	if free -= int(code & 0xff); free <= 0 {
		out, word, free = spill(out, word, code, free)
	} else {
		word = word<<(code&63) | code>>8
	}
	last := 0
	for mask &^= 1; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		run := i - last - 1
		last = i
		for ; run > 15; run -= 16 {
			code = uint64(ac.symbols[0xf0])
			if free -= int(code & 0xff); free <= 0 {
				out, word, free = spill(out, word, code, free)
			} else {
				word = word<<(code&63) | code>>8
			}
		}
		value := int(coef[zigzag[i&63]&63])
		if near := uint(value + nearest); near < 2*nearest {
			code = uint64(ac.near[(uint(run)*2*nearest+near)%uint(len(ac.near))])
		} else {
			code = ac.far(value, run)
		}
		if free -= int(code & 0xff); free <= 0 {
			out, word, free = spill(out, word, code, free)
		} else {
			word = word<<(code&63) | code>>8
		}
	}
	if last != 63 { // end of block
		code = uint64(ac.symbols[0])
		if free -= int(code & 0xff); free <= 0 {
			out, word, free = spill(out, word, code, free)
		} else {
			word = word<<(code&63) | code>>8
		}
	}
	w.out, w.word, w.free = out, word, free
}

// spill adds a code to a word that it fills, -free bits to spare, and writes it. out has room
// for it.
func spill(out []byte, word, code uint64, free int) ([]byte, uint64, int) {
	fits := int(code&0xff) + free
	word = word<<(fits&63) | code>>8>>(-free&63)
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
	return out, code >> 8, free + 64
}
