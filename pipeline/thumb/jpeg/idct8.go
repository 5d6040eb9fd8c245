package jpeg

import "encoding/binary"

// cornerEnd is the first zigzag index outside the upper left 4 x 4 coefficients: all
// before it lie inside.
const cornerEnd = 10

// idct8 writes 8 x 8 samples of a block whose last coefficient has the zigzag index last.
// It leaves the block in disorder. Its short cuts give the same samples as the long way.
func idct8(b *[64]int32, out []byte, stride, last int) {
	_ = out[7*stride+7]
	if last == 0 {
		v := uint64(level(b[0])) * 0x0101010101010101
		for y := range 8 {
			binary.LittleEndian.PutUint64(out[y*stride:], v)
		}
		return
	}
	if vectors {
		idct8Vector(b, &out[0], stride)
		return
	}
	idct8Scalar(b, out, stride, last)
}

// idct8Scalar is idct8 without vectors.
func idct8Scalar(b *[64]int32, out []byte, stride, last int) {
	if last < cornerEnd {
		cornerColumns(b)
		for y := range 8 {
			cornerRow((*[4]int32)(b[8*y:]), out[y*stride:])
		}
		return
	}
	for x := range 8 {
		column((*[57]int32)(b[x:]))
	}
	for y := range 8 {
		row((*[8]int32)(b[8*y:]), out[y*stride:])
	}
}

// column transforms one column in place; its elements are 8 apart.
func column(c *[57]int32) {
	if c[8]|c[16]|c[24]|c[32]|c[40]|c[48]|c[56] == 0 {
		v := c[0] << passBits
		c[0], c[8], c[16], c[24], c[32], c[40], c[48], c[56] = v, v, v, v, v, v, v, v
		return
	}
	z := (c[16] + c[48]) * fix0541
	e2, e3 := z-c[48]*fix1847, z+c[16]*fix0765
	e0 := (c[0]+c[32])<<constBits + columnRound
	e1 := (c[0]-c[32])<<constBits + columnRound
	even0, even1, even2, even3 := e0+e3, e1+e2, e1-e2, e0-e3

	o7, o5, o3, o1 := c[56], c[40], c[24], c[8]
	z5 := (o7 + o3 + o5 + o1) * fix1175
	z1, z2 := (o7+o1)*-fix0899, (o5+o3)*-fix2562
	z3, z4 := (o7+o3)*-fix1961+z5, (o5+o1)*-fix0390+z5
	odd3, odd2 := o7*fix0298+z1+z3, o5*fix2053+z2+z4
	odd1, odd0 := o3*fix3072+z2+z3, o1*fix1501+z1+z4

	c[0], c[56] = (even0+odd0)>>columnShift, (even0-odd0)>>columnShift
	c[8], c[48] = (even1+odd1)>>columnShift, (even1-odd1)>>columnShift
	c[16], c[40] = (even2+odd2)>>columnShift, (even2-odd2)>>columnShift
	c[24], c[32] = (even3+odd3)>>columnShift, (even3-odd3)>>columnShift
}

// row transforms one row and writes its samples.
func row(r *[8]int32, out []byte) {
	z := (r[2] + r[6]) * fix0541
	e2, e3 := z-r[6]*fix1847, z+r[2]*fix0765
	e0 := (r[0]+r[4])<<constBits + rowRound
	e1 := (r[0]-r[4])<<constBits + rowRound
	even0, even1, even2, even3 := e0+e3, e1+e2, e1-e2, e0-e3

	o7, o5, o3, o1 := r[7], r[5], r[3], r[1]
	z5 := (o7 + o3 + o5 + o1) * fix1175
	z1, z2 := (o7+o1)*-fix0899, (o5+o3)*-fix2562
	z3, z4 := (o7+o3)*-fix1961+z5, (o5+o1)*-fix0390+z5
	odd3, odd2 := o7*fix0298+z1+z3, o5*fix2053+z2+z4
	odd1, odd0 := o3*fix3072+z2+z3, o1*fix1501+z1+z4

	binary.LittleEndian.PutUint64(out, uint64(clamp((even0+odd0)>>rowShift))|
		uint64(clamp((even1+odd1)>>rowShift))<<8|
		uint64(clamp((even2+odd2)>>rowShift))<<16|
		uint64(clamp((even3+odd3)>>rowShift))<<24|
		uint64(clamp((even3-odd3)>>rowShift))<<32|
		uint64(clamp((even2-odd2)>>rowShift))<<40|
		uint64(clamp((even1-odd1)>>rowShift))<<48|
		uint64(clamp((even0-odd0)>>rowShift))<<56)
}

// The products of the odd coefficients 1 and 3 where 5 and 7 are zero.
const (
	odd01, odd03 = fix1175 - fix0390 - fix0899 + fix1501, fix1175
	odd11, odd13 = fix1175, fix1175 - fix1961 - fix2562 + fix3072
	odd21, odd23 = fix1175 - fix0390, fix1175 - fix2562
	odd31, odd33 = fix1175 - fix0899, fix1175 - fix1961
)

// cornerColumns transforms the first four columns, of which only the first four elements
// are not zero.
func cornerColumns(b *[64]int32) {
	for x := range 4 {
		c := (*[57]int32)(b[x:])
		f1, f2, f3 := c[8], c[16], c[24]
		e := c[0]<<constBits + columnRound
		even0, even1 := e+f2*fix1306, e+f2*fix0541
		even2, even3 := e-f2*fix0541, e-f2*fix1306
		odd0, odd1 := f1*odd01+f3*odd03, f1*odd11+f3*odd13
		odd2, odd3 := f1*odd21+f3*odd23, f1*odd31+f3*odd33
		c[0], c[56] = (even0+odd0)>>columnShift, (even0-odd0)>>columnShift
		c[8], c[48] = (even1+odd1)>>columnShift, (even1-odd1)>>columnShift
		c[16], c[40] = (even2+odd2)>>columnShift, (even2-odd2)>>columnShift
		c[24], c[32] = (even3+odd3)>>columnShift, (even3-odd3)>>columnShift
	}
}

// cornerRow transforms a row of which only the first four elements are not zero.
func cornerRow(r *[4]int32, out []byte) {
	f1, f2, f3 := r[1], r[2], r[3]
	e := r[0]<<constBits + rowRound
	even0, even1 := e+f2*fix1306, e+f2*fix0541
	even2, even3 := e-f2*fix0541, e-f2*fix1306
	odd0, odd1 := f1*odd01+f3*odd03, f1*odd11+f3*odd13
	odd2, odd3 := f1*odd21+f3*odd23, f1*odd31+f3*odd33
	binary.LittleEndian.PutUint64(out, uint64(clamp((even0+odd0)>>rowShift))|
		uint64(clamp((even1+odd1)>>rowShift))<<8|
		uint64(clamp((even2+odd2)>>rowShift))<<16|
		uint64(clamp((even3+odd3)>>rowShift))<<24|
		uint64(clamp((even3-odd3)>>rowShift))<<32|
		uint64(clamp((even2-odd2)>>rowShift))<<40|
		uint64(clamp((even1-odd1)>>rowShift))<<48|
		uint64(clamp((even0-odd0)>>rowShift))<<56)
}
