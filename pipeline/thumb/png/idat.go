package png

import "encoding/binary"

// idatReader reads the bytes of consecutive IDAT chunks, which were checked before.
type idatReader struct {
	data []byte
	pos  int // of the next chunk
	body []byte
}

// read gives 0 at the end only.
func (r *idatReader) read(dst []byte) int {
	for len(r.body) == 0 {
		rest := r.data[min(r.pos, len(r.data)):]
		if len(rest) < 12 || string(rest[4:8]) != "IDAT" {
			return 0
		}
		n := min(int(binary.BigEndian.Uint32(rest)), len(rest)-12)
		r.body, r.pos = rest[8:8+n], r.pos+12+n
	}
	n := copy(dst, r.body)
	r.body = r.body[n:]
	return n
}
