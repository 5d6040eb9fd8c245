package jpeg

// The forward transform is the inverse one of idct.go the other way round, with the same
// constants and the same bits between the passes.

// transformGo reads the first n of two blocks of 8 x 8 samples, shifts their level (A.3.1),
// transforms them (A.3.3) and quantises them (A.3.4) into coef, in natural order. Bit i of a
// mask says that the coefficient at zigzag index i of its block is not zero.
func transformGo(coef *[2][64]int16, in *[2]Samples, n int, q *quantTable) (masks [2]uint64) {
	for k, samples := range in[:n] {
		var b [64]int32
		for y := range 8 {
			fdctRow((*[8]int32)(b[8*y:]), (*[8]byte)(samples.Pix[y*samples.Stride:]))
		}
		for x := range 8 {
			fdctColumn((*[57]int32)(b[x:]))
		}
		masks[k] = zigzagMask(q.divide(&coef[k], &b))
	}
	return masks
}

// divide quantises, rounding to nearest and halves away from zero. Bit i of the result says
// that coefficient i is not zero.
func (t *quantTable) divide(coef *[64]int16, b *[64]int32) (natural uint64) {
	for i, v := range b {
		sign := v >> 31
		magnitude := uint32((v^sign)-sign) + uint32(t.half[i])
		magnitude = magnitude * uint32(t.factor[i]) >> 16 >> (t.shift[i] & 31)
		coef[i] = int16((int32(magnitude) ^ sign) - sign)
		natural |= uint64(-magnitude>>31) << i // all magnitudes are far below 1<<31
	}
	return natural
}

// zigzagRows has, for each row of a block in natural order and each set of its columns, the
// set of zigzag indices.
var zigzagRows = func() (t [8][256]uint64) {
	for i, natural := range zigzag {
		row := &t[natural/8]
		for set := range row {
			row[set] |= uint64(set>>(natural%8)&1) << i
		}
	}
	return t
}()

// zigzagMask turns a set of indices in natural order into one of indices in zigzag order.
func zigzagMask(natural uint64) uint64 {
	return zigzagRows[0][natural&0xff] | zigzagRows[1][natural>>8&0xff] |
		zigzagRows[2][natural>>16&0xff] | zigzagRows[3][natural>>24&0xff] |
		zigzagRows[4][natural>>32&0xff] | zigzagRows[5][natural>>40&0xff] |
		zigzagRows[6][natural>>48&0xff] | zigzagRows[7][natural>>56]
}

// fdctRow transforms a row. Its result is sqrt(8) times that of the standard, times
// 1<<passBits.
func fdctRow(r *[8]int32, s *[8]byte) {
	const round = 1 << (constBits - passBits - 1)
	s0, s7 := int32(s[0])+int32(s[7]), int32(s[0])-int32(s[7])
	s1, s6 := int32(s[1])+int32(s[6]), int32(s[1])-int32(s[6])
	s2, s5 := int32(s[2])+int32(s[5]), int32(s[2])-int32(s[5])
	s3, s4 := int32(s[3])+int32(s[4]), int32(s[3])-int32(s[4])
	e0, e3 := s0+s3, s0-s3
	e1, e2 := s1+s2, s1-s2
	r[0] = (e0 + e1 - 8*128) << passBits
	r[4] = (e0 - e1) << passBits
	r[2] = (e3*fix1306 + e2*fix0541 + round) >> (constBits - passBits)
	r[6] = (e3*fix0541 - e2*fix1306 + round) >> (constBits - passBits)
	r[1], r[3], r[5], r[7] = fdctOdd(s4, s5, s6, s7, round)
	r[1] >>= constBits - passBits
	r[3] >>= constBits - passBits
	r[5] >>= constBits - passBits
	r[7] >>= constBits - passBits
}

// fdctColumn transforms a column, c[8*i], in place. Its result is 8 times that of the
// standard.
func fdctColumn(c *[57]int32) {
	const round = 1 << (constBits + passBits - 1)
	s0, s7 := c[0]+c[56], c[0]-c[56]
	s1, s6 := c[8]+c[48], c[8]-c[48]
	s2, s5 := c[16]+c[40], c[16]-c[40]
	s3, s4 := c[24]+c[32], c[24]-c[32]
	e0, e3 := s0+s3, s0-s3
	e1, e2 := s1+s2, s1-s2
	const half = 1 << (passBits - 1)
	c[0] = (e0 + e1 + half) >> passBits
	c[32] = (e0 - e1 + half) >> passBits
	c[16] = (e3*fix1306 + e2*fix0541 + round) >> (constBits + passBits)
	c[48] = (e3*fix0541 - e2*fix1306 + round) >> (constBits + passBits)
	v1, v3, v5, v7 := fdctOdd(s4, s5, s6, s7, round)
	c[8] = v1 >> (constBits + passBits)
	c[24] = v3 >> (constBits + passBits)
	c[40] = v5 >> (constBits + passBits)
	c[56] = v7 >> (constBits + passBits)
}

// fdctOdd gives the odd coefficients, times 1<<constBits, with round added.
func fdctOdd(s4, s5, s6, s7, round int32) (v1, v3, v5, v7 int32) {
	z1, z2, z3, z4 := s4+s7, s5+s6, s4+s6, s5+s7
	z5 := (z3+z4)*fix1175 + round
	z1 *= fix0899
	z2 *= fix2562
	z3 = z5 - z3*fix1961
	z4 = z5 - z4*fix0390
	return s7*fix1501 - z1 + z4, s6*fix3072 - z2 + z3, s5*fix2053 - z2 + z4, s4*fix0298 - z1 + z3
}
