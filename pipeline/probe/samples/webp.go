package samples

import "encoding/binary"

// chunk lays out one RIFF chunk.
func chunk(kind string, body []byte) []byte {
	out := append([]byte(kind), binary.LittleEndian.AppendUint32(nil, uint32(len(body)))...)
	out = append(out, body...)
	if len(body)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

func riffWebP(chunks ...[]byte) []byte {
	body := []byte("WEBP")
	for _, c := range chunks {
		body = append(body, c...)
	}
	return chunk("RIFF", body)
}

// bitWriter writes bits as VP8L reads them: the least significant first.
type bitWriter struct {
	out  []byte
	bits uint64
	n    uint
}

func (w *bitWriter) put(v uint64, n uint) {
	w.bits |= v << w.n
	w.n += n
	for w.n >= 8 {
		w.out = append(w.out, byte(w.bits))
		w.bits >>= 8
		w.n -= 8
	}
}

// solidVP8L makes a lossless image of one colour (RFC 9649, 3). Each of its five prefix
// codes has a single symbol, so a pixel takes no bits: 16383 x 16383 pixels fit into 20
// bytes.
func solidVP8L(w, h int, argb uint32) []byte {
	b := &bitWriter{out: []byte{0x2f}}
	b.put(uint64(w-1), 14)
	b.put(uint64(h-1), 14)
	alpha := uint64(0)
	if argb>>24 != 0xff {
		alpha = 1
	}
	b.put(alpha, 1)
	b.put(0, 3) // version
	b.put(0, 3) // no transform, no colour cache, no meta prefix codes
	for _, symbol := range []uint32{argb >> 8, argb >> 16, argb, argb >> 24} {
		b.put(1, 1) // a simple code
		b.put(0, 1) // of one symbol
		b.put(1, 1) // that is written in 8 bits
		b.put(uint64(symbol&0xff), 8)
	}
	b.put(1, 1)
	b.put(0, 1)
	b.put(0, 1) // distance: symbol in 1 bit
	b.put(0, 1)
	b.put(0, 7) // fill the last byte
	return b.out
}

// WebPLossless makes a lossless WebP of one colour, 1..16383 pixels a side. argb is not
// premultiplied.
func WebPLossless(w, h int, argb uint32) []byte {
	return riffWebP(chunk("VP8L", solidVP8L(w, h, argb)))
}

// WebPLossy makes a lossy WebP of one mid grey, 1..16383 pixels a side. An arithmetic
// decoder that reads nothing but zero bytes sees every flag false, which in VP8 means: no
// segments, no updates, default prediction, no coefficients (RFC 6386, 9).
func WebPLossy(w, h int) []byte {
	blocks := ((w + 15) / 16) * ((h + 15) / 16)
	// The header takes about 60 bytes, a macroblock less than 8 in each partition.
	first, second := 256+8*blocks, 64+8*blocks
	// A key frame (bit 0 clear), version 0, to be shown (bit 4), the first partition's size.
	tag := uint32(1<<4) | uint32(first)<<5
	b := []byte{byte(tag), byte(tag >> 8), byte(tag >> 16), 0x9d, 0x01, 0x2a}
	b = binary.LittleEndian.AppendUint16(b, uint16(w))
	b = binary.LittleEndian.AppendUint16(b, uint16(h))
	return riffWebP(chunk("VP8 ", append(b, make([]byte, first+second)...)))
}

// WebPAnimation makes an animated WebP: the first frame is green, the others blue.
func WebPAnimation(w, h, frames int) []byte {
	const animationFlag = 1 << 1
	canvas := append(put24(nil, w-1), put24(nil, h-1)...)
	chunks := [][]byte{
		chunk("VP8X", append([]byte{animationFlag, 0, 0, 0}, canvas...)),
		chunk("ANIM", []byte{255, 255, 255, 255, 0, 0}),
	}
	for i := range frames {
		argb := uint32(0xff00a03c)
		if i > 0 {
			argb = 0xff003cc8
		}
		frame := append(make([]byte, 6), canvas...) // at 0, 0
		frame = append(put24(frame, 100), 0)        // 100 ms, blend, keep
		chunks = append(chunks, chunk("ANMF", append(frame, chunk("VP8L", solidVP8L(w, h, argb))...)))
	}
	return riffWebP(chunks...)
}

func put24(b []byte, v int) []byte { return append(b, byte(v), byte(v>>8), byte(v>>16)) }
