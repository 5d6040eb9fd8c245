package png

import "encoding/binary"

// The filter types (9.2).
const (
	filterNone = iota
	filterSub
	filterUp
	filterAverage
	filterPaeth
)

// unfilter undoes the filter of a row: raw is what was inflated, above the row before, row
// where the result goes. All have the same length, a multiple of bpp, which is the distance
// in bytes to the pixel on the left, 1 at least.
func unfilter(filter byte, row, raw, above []byte, bpp int) error {
	switch filter {
	case filterNone:
		copy(row, raw)
	case filterSub:
		sub(row, raw, bpp)
	case filterUp:
		up(row, raw, above)
	case filterAverage:
		average(row, raw, above, bpp)
	case filterPaeth:
		switch bpp {
		case 1:
			paeth1(row, raw, above)
		case 3:
			paeth3(row, raw, above)
		case 4:
			paeth4(row, raw, above)
		default:
			paeth(row, raw, above, bpp)
		}
	default:
		return FormatError("a filter type is unknown")
	}
	return nil
}

// up adds eight bytes at a time: the upper bits apart, so that nothing carries over.
func up(row, raw, above []byte) {
	const low = 0x7f7f7f7f7f7f7f7f
	n := len(row) &^ 7
	for i := 0; i < n; i += 8 {
		a, b := binary.LittleEndian.Uint64(raw[i:]), binary.LittleEndian.Uint64(above[i:])
		binary.LittleEndian.PutUint64(row[i:], (a&low+b&low)^(a^b)&^low)
	}
	for i := n; i < len(row); i++ {
		row[i] = raw[i] + above[i]
	}
}

func sub(row, raw []byte, bpp int) {
	raw = raw[:len(row)]
	switch bpp {
	case 1:
		var a byte
		for i, v := range raw {
			a += v
			row[i] = a
		}
	case 3:
		var a, b, c byte
		for i := 2; i < len(raw); i += 3 {
			a, b, c = a+raw[i-2], b+raw[i-1], c+raw[i]
			row[i-2], row[i-1], row[i] = a, b, c
		}
	case 4:
		var a, b, c, d byte
		for i := 3; i < len(raw); i += 4 {
			a, b, c, d = a+raw[i-3], b+raw[i-2], c+raw[i-1], d+raw[i]
			row[i-3], row[i-2], row[i-1], row[i] = a, b, c, d
		}
	default:
		copy(row[:bpp], raw)
		for i := bpp; i < len(row); i++ {
			row[i] = raw[i] + row[i-bpp]
		}
	}
}

func average(row, raw, above []byte, bpp int) {
	raw, above = raw[:len(row)], above[:len(row)]
	switch bpp {
	case 3:
		var a, b, c byte
		for i := 2; i < len(row); i += 3 {
			a = raw[i-2] + byte((uint(a)+uint(above[i-2]))/2)
			b = raw[i-1] + byte((uint(b)+uint(above[i-1]))/2)
			c = raw[i] + byte((uint(c)+uint(above[i]))/2)
			row[i-2], row[i-1], row[i] = a, b, c
		}
	case 4:
		var a, b, c, d byte
		for i := 3; i < len(row); i += 4 {
			a = raw[i-3] + byte((uint(a)+uint(above[i-3]))/2)
			b = raw[i-2] + byte((uint(b)+uint(above[i-2]))/2)
			c = raw[i-1] + byte((uint(c)+uint(above[i-1]))/2)
			d = raw[i] + byte((uint(d)+uint(above[i]))/2)
			row[i-3], row[i-2], row[i-1], row[i] = a, b, c, d
		}
	default:
		for i := range bpp {
			row[i] = raw[i] + above[i]/2
		}
		for i := bpp; i < len(row); i++ {
			row[i] = raw[i] + byte((uint(row[i-bpp])+uint(above[i]))/2)
		}
	}
}

// predict is the Paeth predictor (9.4) of the byte on the left, the one above and the one
// between them. It has no branches: which of the three it is cannot be foretold.
func predict(a, b, c int32) int32 {
	pa, pb := b-c, a-c
	pc := pa + pb
	pa, pb, pc = (pa^pa>>31)-pa>>31, (pb^pb>>31)-pb>>31, (pc^pc>>31)-pc>>31
	p := c
	if pb <= pc {
		p, pc = b, pb
	}
	if pa <= pc && pa <= pb {
		p = a
	}
	return p
}

func paeth(row, raw, above []byte, bpp int) {
	for i := range bpp {
		row[i] = raw[i] + above[i]
	}
	for i := bpp; i < len(row); i++ {
		row[i] = raw[i] + byte(predict(int32(row[i-bpp]), int32(above[i]), int32(above[i-bpp])))
	}
}

func paeth1(row, raw, above []byte) {
	raw, above = raw[:len(row)], above[:len(row)]
	var a, c int32
	for i := range row {
		b := int32(above[i])
		a = (int32(raw[i]) + predict(a, b, c)) & 0xff
		c = b
		row[i] = byte(a)
	}
}

// paeth3 keeps what lies to the left in registers; its three chains run side by side.
func paeth3(row, raw, above []byte) {
	raw, above = raw[:len(row)], above[:len(row)]
	var a0, a1, a2, c0, c1, c2 int32
	for i := 2; i < len(row); i += 3 {
		b0, b1, b2 := int32(above[i-2]), int32(above[i-1]), int32(above[i])
		a0 = (int32(raw[i-2]) + predict(a0, b0, c0)) & 0xff
		a1 = (int32(raw[i-1]) + predict(a1, b1, c1)) & 0xff
		a2 = (int32(raw[i]) + predict(a2, b2, c2)) & 0xff
		c0, c1, c2 = b0, b1, b2
		row[i-2], row[i-1], row[i] = byte(a0), byte(a1), byte(a2)
	}
}

func paeth4(row, raw, above []byte) {
	raw, above = raw[:len(row)], above[:len(row)]
	var a0, a1, a2, a3, c0, c1, c2, c3 int32
	for i := 3; i < len(row); i += 4 {
		b0, b1, b2, b3 := int32(above[i-3]), int32(above[i-2]), int32(above[i-1]), int32(above[i])
		a0 = (int32(raw[i-3]) + predict(a0, b0, c0)) & 0xff
		a1 = (int32(raw[i-2]) + predict(a1, b1, c1)) & 0xff
		a2 = (int32(raw[i-1]) + predict(a2, b2, c2)) & 0xff
		a3 = (int32(raw[i]) + predict(a3, b3, c3)) & 0xff
		c0, c1, c2, c3 = b0, b1, b2, b3
		row[i-3], row[i-2], row[i-1], row[i] = byte(a0), byte(a1), byte(a2), byte(a3)
	}
}
