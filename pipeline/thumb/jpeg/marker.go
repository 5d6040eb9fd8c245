package jpeg

import "bytes"

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
func nextMarker(data []byte, pos int, restarts bool) (at int, found bool) {
	for pos < len(data) {
		if data[pos] != 0xff {
			i := bytes.IndexByte(data[pos:], 0xff)
			if i < 0 {
				return 0, false
			}
			pos += i
		}
		for pos < len(data) && data[pos] == 0xff {
			pos++
		}
		if pos == len(data) {
			return 0, false
		}
		code := data[pos]
		if code != 0 && (restarts || code != markerTEM && !isRST(code)) {
			return pos, true
		}
		pos++
	}
	return 0, false
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
