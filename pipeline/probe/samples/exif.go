package samples

import (
	"bytes"
	"encoding/binary"
)

// entry is one tag of a TIFF directory whose value is at most 4 bytes, or text or
// rationals that are stored behind the directory.
type entry struct {
	tag, typ uint16
	count    uint32
	data     []byte // little endian
}

// TIFF field types.
const (
	typeByte     = 1
	typeASCII    = 2
	typeShort    = 3
	typeLong     = 4
	typeRational = 5
)

func textEntry(tag uint16, s string) entry {
	return entry{tag: tag, typ: typeASCII, count: uint32(len(s) + 1), data: append([]byte(s), 0)}
}

func shortEntry(tag, v uint16) entry {
	return entry{tag: tag, typ: typeShort, count: 1, data: binary.LittleEndian.AppendUint16(nil, v)}
}

func longEntry(tag uint16, v uint32) entry {
	return entry{tag: tag, typ: typeLong, count: 1, data: binary.LittleEndian.AppendUint32(nil, v)}
}

// degreesEntry writes an angle as degrees, minutes and hundredths of seconds.
func degreesEntry(tag uint16, angle float64) entry {
	deg := uint32(angle)
	minutes := (angle - float64(deg)) * 60
	seconds := (minutes - float64(uint32(minutes))) * 60
	var b []byte
	for _, v := range []uint32{deg, 1, uint32(minutes), 1, uint32(seconds * 100), 100} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return entry{tag: tag, typ: typeRational, count: 3, data: b}
}

// directory lays out one TIFF directory that starts at offset base, values behind it.
func directory(base int, entries []entry) []byte {
	le := binary.LittleEndian
	table := le.AppendUint16(nil, uint16(len(entries)))
	var values []byte
	valuesAt := base + 2 + 12*len(entries) + 4
	for _, e := range entries {
		table = le.AppendUint16(table, e.tag)
		table = le.AppendUint16(table, e.typ)
		table = le.AppendUint32(table, e.count)
		if len(e.data) <= 4 {
			table = append(append(table, e.data...), make([]byte, 4-len(e.data))...)
			continue
		}
		table = le.AppendUint32(table, uint32(valuesAt+len(values)))
		values = append(values, e.data...)
		if len(values)%2 == 1 {
			values = append(values, 0)
		}
	}
	return append(le.AppendUint32(table, 0), values...)
}

// exifOptions say what the EXIF block holds.
type exifOptions struct {
	orientation int
	gps         bool
	lat, lon    float64 // degrees north and east
}

// exif makes a TIFF structure with Make, Model, Orientation and, where asked, GPS.
func exif(o exifOptions) []byte {
	entries := []entry{
		textEntry(0x010f, "afterput samples"),
		textEntry(0x0110, "afterput samples"),
	}
	if o.orientation > 0 {
		entries = append(entries, shortEntry(0x0112, uint16(o.orientation)))
	}
	entries = append(entries,
		textEntry(0x0131, "afterput samples"),
		textEntry(0x0132, "2026:05:01 10:00:00"))
	head := []byte("II*\x00\x08\x00\x00\x00")
	if !o.gps {
		return append(head, directory(8, entries)...)
	}
	// The pointer is a value of four bytes, so the length is known before its value.
	at := 8 + len(directory(8, append(entries, longEntry(0x8825, 0))))
	out := append(head, directory(8, append(entries, longEntry(0x8825, uint32(at))))...)
	return append(out, directory(at, []entry{
		{tag: 0, typ: typeByte, count: 4, data: []byte{2, 3, 0, 0}},
		textEntry(1, "N"), degreesEntry(2, o.lat),
		textEntry(3, "E"), degreesEntry(4, o.lon),
	})...)
}

// withSegments puts segments (marker and body) right behind the SOI of a JPEG.
func withSegments(jpeg []byte, segments ...segment) []byte {
	var b bytes.Buffer
	b.Write(jpeg[:2])
	for _, s := range segments {
		b.Write(s.bytes())
	}
	b.Write(jpeg[2:])
	return b.Bytes()
}

// segment is one JPEG marker segment with at most 65533 bytes of body.
type segment struct {
	marker byte
	body   []byte
}

func (s segment) bytes() []byte {
	n := len(s.body) + 2
	return append([]byte{0xff, s.marker, byte(n >> 8), byte(n)}, s.body...)
}

func exifSegment(o exifOptions) segment {
	return segment{0xe1, append([]byte("Exif\x00\x00"), exif(o)...)}
}
