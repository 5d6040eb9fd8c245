package jpeg

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Markers (table B.1).
const (
	markerTEM   = 0x01
	markerSOF0  = 0xc0 // baseline sequential
	markerSOF1  = 0xc1 // extended sequential
	markerSOF2  = 0xc2 // progressive
	markerDHT   = 0xc4
	markerJPG   = 0xc8
	markerDAC   = 0xcc
	markerSOF15 = 0xcf
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDNL   = 0xdc
	markerDRI   = 0xdd
	markerDHP   = 0xde
	markerEXP   = 0xdf
	markerAPP0  = 0xe0
	markerAPP2  = 0xe2
	markerAPP14 = 0xee
)

func isRST(marker byte) bool { return marker >= markerRST0 && marker <= markerRST7 }

func isSOF(marker byte) bool {
	return marker >= markerSOF0 && marker <= markerSOF15 &&
		marker != markerDHT && marker != markerJPG && marker != markerDAC
}

// segments walks the markers of a file.
type segments struct {
	data []byte
	// pos is where the search for the next marker begins.
	pos int
}

// next gives the next marker and the parameters of its segment. Bytes that belong to no
// segment are passed over, as are fill bytes (B.1.1.2) and stray restart markers. marker
// is EOI at the end of the image and 0 where the data ends without one; a second SOI is
// such an end, for it begins another image. ok is false for a segment that is cut off or
// whose length is impossible.
func (s *segments) next() (marker byte, payload []byte, ok bool) {
	at, found := nextMarker(s.data, s.pos, false)
	if !found || s.data[at] == markerSOI {
		s.pos = len(s.data)
		return 0, nil, true
	}
	marker, s.pos = s.data[at], at+1
	if marker == markerEOI {
		return marker, nil, true
	}
	if len(s.data)-s.pos < 2 {
		return marker, nil, false
	}
	length := int(s.data[s.pos])<<8 | int(s.data[s.pos+1])
	if length < 2 || length > len(s.data)-s.pos {
		return marker, nil, false
	}
	payload = s.data[s.pos+2 : s.pos+length]
	s.pos += length
	return marker, payload, true
}

// nextMarker gives the index of the code of the first marker from pos on: a byte that is
// neither 0 nor 0xFF and follows 0xFF. Restart markers, and TEM, which has no segment
// either, only count where restarts is true.
//
// It looks at eight bytes at a time where there is a 0xFF among them: 20 MiB that look like
// markers all the time take some 25 ms.
func nextMarker(data []byte, pos int, restarts bool) (at int, found bool) {
	const each = 0x0101010101010101
	for len(data)-pos > 8 {
		starts := zeroBytes(^binary.LittleEndian.Uint64(data[pos:]))
		if starts == 0 {
			i := bytes.IndexByte(data[pos+8:], 0xff)
			if i < 0 {
				return 0, false
			}
			pos += 8 + i
			continue
		}
		codes := binary.LittleEndian.Uint64(data[pos+1:])
		starts &^= zeroBytes(codes) | zeroBytes(^codes)
		if !restarts {
			starts &^= zeroBytes(codes^markerTEM*each) | zeroBytes(codes&^(7*each)^markerRST0*each)
		}
		if starts != 0 {
			return pos + 1 + bits.TrailingZeros64(starts)/8, true
		}
		pos += 8
	}
	for ; len(data)-pos > 1; pos++ {
		code := data[pos+1]
		if data[pos] == 0xff && code != 0 && code != 0xff && (restarts || code != markerTEM && !isRST(code)) {
			return pos + 1, true
		}
	}
	return 0, false
}

// zeroBytes has the highest bit of each byte of v that is 0, and no other.
func zeroBytes(v uint64) uint64 {
	const rest = 0x7f7f7f7f7f7f7f7f
	return ^((v&rest + rest) | v | rest)
}

// endOfScan gives where the 0xFF of the marker lies that ends the entropy-coded data which
// begins at pos, or the end of the data.
func endOfScan(data []byte, pos int) int {
	at, found := nextMarker(data, pos, false)
	if !found {
		return len(data)
	}
	return at - 1
}
