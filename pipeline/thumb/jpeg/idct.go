package jpeg

import "encoding/binary"

// The inverse transforms (A.3.3) take dequantised coefficients in rows of N and write N x N
// samples, N being 2, 4 or 8. Those below 8 are transforms of N points over the lowest
// frequencies, which is the same as a good reduction of the full block. The arithmetic is
// that of Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with 11
// multiplications" (ICASSP 1989), as libjpeg's accurate integer method has it: constants
// of 13 bits, and 2 more bits than the samples between the passes. Coefficients are 8 times
// the DC level apart, hence the final shift by 3 more.

const (
	constBits = 13
	passBits  = 2
	// columnShift and rowShift are what the two passes drop, rounded by half of it; the
	// second also adds the level of 128 (A.3.1).
	columnShift = constBits - passBits
	columnRound = 1 << (columnShift - 1)
	rowShift    = constBits + passBits + 3
	rowRound    = 1<<(rowShift-1) + 128<<rowShift
)

// The constants of the eight-point transform, times 1<<constBits.
const (
	fix0298 = 2446
	fix0390 = 3196
	fix0541 = 4433
	fix0765 = 6270
	fix0899 = 7373
	fix1175 = 9633
	fix1306 = fix0541 + fix0765
	fix1501 = 12299
	fix1847 = 15137
	fix1961 = 16069
	fix2053 = 16819
	fix2562 = 20995
	fix3072 = 25172
)

// clamp brings a sample into 0..255.
func clamp(v int32) uint8 {
	if uint32(v) > 255 {
		v = ^(v >> 31) & 255
	}
	return uint8(v)
}

// level gives the sample of a block that has nothing but its DC coefficient.
func level(dc int32) uint8 { return clamp((dc+4)>>3 + 128) }

// idct2 writes 2 x 2 samples.
func idct2(b *[64]int32, out []byte, stride int) {
	top, bottom := out[:2], out[stride:stride+2]
	even0, even1 := b[0]+b[2], b[0]-b[2]
	odd0, odd1 := b[1]+b[3], b[1]-b[3]
	top[0], top[1] = level(even0+odd0), level(even0-odd0)
	bottom[0], bottom[1] = level(even1+odd1), level(even1-odd1)
}

// idct4 writes 4 x 4 samples of a block whose last coefficient has the zigzag index last.
func idct4(b *[64]int32, out []byte, stride, last int) {
	_ = out[3*stride+3]
	if last == 0 {
		v := uint32(level(b[0])) * 0x01010101
		for y := range 4 {
			binary.LittleEndian.PutUint32(out[y*stride:], v)
		}
		return
	}
	if vectors {
		idct4Vector(b, &out[0], stride)
		return
	}
	idct4Scalar(b, out, stride)
}

// idct4Scalar is idct4 without vectors.
func idct4Scalar(b *[64]int32, out []byte, stride int) {
	for x := range 4 {
		f0, f1, f2, f3 := b[x], b[x+4], b[x+8], b[x+12]
		even0, even1 := (f0+f2)<<passBits, (f0-f2)<<passBits
		odd0 := (f1*fix1306 + f3*fix0541 + columnRound) >> columnShift
		odd1 := (f1*fix0541 - f3*fix1306 + columnRound) >> columnShift
		b[x], b[x+4], b[x+8], b[x+12] = even0+odd0, even1+odd1, even1-odd1, even0-odd0
	}
	for y := range 4 {
		r := (*[4]int32)(b[4*y:])
		even0 := (r[0]+r[2])<<constBits + rowRound
		even1 := (r[0]-r[2])<<constBits + rowRound
		odd0 := r[1]*fix1306 + r[3]*fix0541
		odd1 := r[1]*fix0541 - r[3]*fix1306
		binary.LittleEndian.PutUint32(out[y*stride:],
			uint32(clamp((even0+odd0)>>rowShift))|
				uint32(clamp((even1+odd1)>>rowShift))<<8|
				uint32(clamp((even1-odd1)>>rowShift))<<16|
				uint32(clamp((even0-odd0)>>rowShift))<<24)
	}
}
