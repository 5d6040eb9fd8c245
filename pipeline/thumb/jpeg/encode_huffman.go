package jpeg

import "math/bits"

// A huffmanSpec is a table of codes as a file holds it (B.2.4.2).
type huffmanSpec struct {
	count   [16]uint8 // of codes of each length from 1
	symbols string    // by code
}

// The tables of K.3.3 for luma and chroma. A symbol of a DC table is the number of
// extra bits; that of an AC table has a run of zeros in the upper four bits as well.
var (
	dcSpecs = [2]huffmanSpec{
		{[16]uint8{0, 1, 5, 1, 1, 1, 1, 1, 1}, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b"},
		{[16]uint8{0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b"},
	}
	acSpecs = [2]huffmanSpec{
		{
			[16]uint8{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125},
			"\x01\x02\x03\x00\x04\x11\x05\x12\x21\x31\x41\x06\x13\x51\x61\x07\x22\x71" +
				"\x14\x32\x81\x91\xa1\x08\x23\x42\xb1\xc1\x15\x52\xd1\xf0\x24\x33\x62\x72" +
				"\x82\x09\x0a\x16\x17\x18\x19\x1a\x25\x26\x27\x28\x29\x2a\x34\x35\x36\x37" +
				"\x38\x39\x3a\x43\x44\x45\x46\x47\x48\x49\x4a\x53\x54\x55\x56\x57\x58\x59" +
				"\x5a\x63\x64\x65\x66\x67\x68\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a\x83" +
				"\x84\x85\x86\x87\x88\x89\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a\xa2\xa3" +
				"\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xc2\xc3" +
				"\xc4\xc5\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda\xe1\xe2" +
				"\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf1\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa",
		},
		{
			[16]uint8{0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119},
			"\x00\x01\x02\x03\x11\x04\x05\x21\x31\x06\x12\x41\x51\x07\x61\x71\x13\x22" +
				"\x32\x81\x08\x14\x42\x91\xa1\xb1\xc1\x09\x23\x33\x52\xf0\x15\x62\x72\xd1" +
				"\x0a\x16\x24\x34\xe1\x25\xf1\x17\x18\x19\x1a\x26\x27\x28\x29\x2a\x35\x36" +
				"\x37\x38\x39\x3a\x43\x44\x45\x46\x47\x48\x49\x4a\x53\x54\x55\x56\x57\x58" +
				"\x59\x5a\x63\x64\x65\x66\x67\x68\x69\x6a\x73\x74\x75\x76\x77\x78\x79\x7a" +
				"\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x92\x93\x94\x95\x96\x97\x98\x99\x9a" +
				"\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba" +
				"\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xd2\xd3\xd4\xd5\xd6\xd7\xd8\xd9\xda" +
				"\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xf2\xf3\xf4\xf5\xf6\xf7\xf8\xf9\xfa",
		},
	}
)

const nearest = 32

// codes has what stands for a symbol and its extra bits: the bits, shifted left by 8, and
// their number.
type codes struct {
	symbols [256]uint32 // without extra bits
	// near has what far returns for the values that occur most, from -nearest up to nearest,
	// after runs from 0 to 15.
	near [16 * 2 * nearest]uint32
}

// The codes of luma and chroma.
var (
	dcCodes = [2]codes{dcSpecs[0].codes(), dcSpecs[1].codes()}
	acCodes = [2]codes{acSpecs[0].codes(), acSpecs[1].codes()}
)

// codes numbers the codes (C.2).
func (s *huffmanSpec) codes() (c codes) {
	code, next := uint32(0), 0
	for length, count := range s.count {
		for range count {
			c.symbols[s.symbols[next]] = code<<8 | uint32(length+1)
			code++
			next++
		}
		code <<= 1
	}
	for i := range c.near {
		c.near[i] = uint32(c.far(i%(2*nearest)-nearest, i/(2*nearest)))
	}
	return c
}

// far returns what stands for a value after a run of zeros: the code of the symbol and the
// value's own bits, less one where it is negative (F.1.2.1, F.1.2.2).
func (c *codes) far(value, run int) uint64 {
	sign := value >> 63
	size := bits.Len(uint((value ^ sign) - sign))
	symbol := uint64(c.symbols[(run<<4|size)&0xff])
	extra := uint64(value+sign) & (1<<(size&31) - 1)
	return (symbol>>8<<(size&31)|extra)<<8 | (symbol&0xff + uint64(size))
}
