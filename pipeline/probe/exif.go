package probe

import "encoding/binary"

// TIFF tags (TIFF 6.0; EXIF uses the same numbers).
const (
	tagWidth       = 0x0100
	tagHeight      = 0x0101
	tagOrientation = 0x0112
)

// maxTags bounds the walk over one directory. Phones write 10 to 20 tags there.
const maxTags = 1024

// ifd reads the first directory of a TIFF structure.
type ifd struct {
	order   binary.ByteOrder
	entries []byte // 12 bytes each
}

// readIFD finds the first directory of a TIFF structure; ok is false where b is none or
// ends before it. A directory that is cut short is read as far as it goes.
func readIFD(b []byte) (dir ifd, ok bool) {
	if len(b) < 8 {
		return ifd{}, false
	}
	switch string(b[:4]) {
	case "II*\x00":
		dir.order = binary.LittleEndian
	case "MM\x00*":
		dir.order = binary.BigEndian
	default:
		return ifd{}, false
	}
	off := int64(dir.order.Uint32(b[4:]))
	if off+2 > int64(len(b)) {
		return ifd{}, false
	}
	n := min(int(dir.order.Uint16(b[off:])), maxTags)
	rest := b[off+2:]
	dir.entries = rest[:min(12*n, len(rest)/12*12)]
	return dir, true
}

// value gives the single SHORT or LONG value of a tag, 0 where there is none.
func (d ifd) value(tag uint16) uint32 {
	for e := d.entries; len(e) >= 12; e = e[12:] {
		if d.order.Uint16(e) != tag || d.order.Uint32(e[4:]) != 1 {
			continue
		}
		switch d.order.Uint16(e[2:]) {
		case 3:
			return uint32(d.order.Uint16(e[8:]))
		case 4:
			return d.order.Uint32(e[8:])
		}
	}
	return 0
}

// exifOrientation reads the orientation 1..8 out of a TIFF structure, 0 for none.
func exifOrientation(tiff []byte) int {
	dir, ok := readIFD(tiff)
	if !ok {
		return 0
	}
	if o := dir.value(tagOrientation); o >= 1 && o <= 8 {
		return int(o)
	}
	return 0
}
