package probe

import (
	"bytes"
	"encoding/binary"

	"github.com/afterput/afterput/pipeline"
)

// probeOther tells the types of which we want no more than the name, with dimensions
// where the header has them at a fixed place.
func probeOther(f file) pipeline.Facts {
	b := f.head
	switch {
	case isBMP(b):
		w, h := sizeBMP(b)
		return pipeline.Facts{Type: TypeBMP, Width: w, Height: h, Frames: 1}
	case bytes.HasPrefix(b, []byte("II*\x00")), bytes.HasPrefix(b, []byte("MM\x00*")):
		facts := pipeline.Facts{Type: TypeTIFF, Frames: 1}
		if dir, ok := readIFD(b); ok {
			facts.Width, facts.Height = clampInt(dir.value(tagWidth)), clampInt(dir.value(tagHeight))
			facts.Orientation = exifOrientation(b)
		}
		return facts
	case bytes.HasPrefix(b, []byte("\x1a\x45\xdf\xa3")):
		return pipeline.Facts{Type: matroskaType(b)}
	case bytes.HasPrefix(b, []byte("%PDF-")):
		return pipeline.Facts{Type: TypePDF}
	case isZIP(b):
		return pipeline.Facts{Type: TypeZIP}
	case isPE(b):
		return pipeline.Facts{Type: TypePE}
	case isMPEGTS(b):
		return pipeline.Facts{Type: TypeMPEGTS}
	}
	if t := textType(b); t != "" {
		facts := pipeline.Facts{Type: t}
		if t == TypeSVG {
			facts.Frames = 1
		}
		if inside := foreignInside(b); inside != t {
			facts.Foreign = inside
		}
		return facts
	}
	return pipeline.Facts{Type: TypeUnknown}
}

// isZIP tells a local file, an empty or a spanned archive.
func isZIP(b []byte) bool {
	if len(b) < 4 || b[0] != 'P' || b[1] != 'K' {
		return false
	}
	v := string(b[2:4])
	return v == "\x03\x04" || v == "\x05\x06" || v == "\x07\x08"
}

// isPE tells a DOS or Windows executable. MZ alone is a word of two letters, so the
// header behind it must look like one.
func isPE(b []byte) bool {
	if len(b) < 64 || b[0] != 'M' || b[1] != 'Z' {
		return false
	}
	at := int64(binary.LittleEndian.Uint32(b[60:]))
	if at+4 <= int64(len(b)) {
		return string(b[at:at+4]) == "PE\x00\x00"
	}
	return bytes.IndexByte(b[:64], 0) >= 0
}

// isMPEGTS tells an MPEG transport stream by its sync byte every 188 bytes.
func isMPEGTS(b []byte) bool {
	if len(b) < 189 {
		return false
	}
	for i := 0; i < min(len(b), 5*188); i += 188 {
		if b[i] != 0x47 {
			return false
		}
	}
	return true
}

// isBMP tells a Windows bitmap: BM, two reserved zeros, a header size that exists.
func isBMP(b []byte) bool {
	if len(b) < 26 || b[0] != 'B' || b[1] != 'M' {
		return false
	}
	switch binary.LittleEndian.Uint32(b[14:]) {
	case 12, 16, 40, 52, 56, 64, 108, 124:
		return true
	}
	return false
}

func sizeBMP(b []byte) (w, h int) {
	if binary.LittleEndian.Uint32(b[14:]) == 12 {
		return int(binary.LittleEndian.Uint16(b[18:])), int(binary.LittleEndian.Uint16(b[20:]))
	}
	// A negative height means that the rows run from the top.
	return abs32(binary.LittleEndian.Uint32(b[18:])), abs32(binary.LittleEndian.Uint32(b[22:]))
}

func abs32(u uint32) int {
	n := int64(int32(u))
	return clampInt(uint32(max(n, -n)))
}

// matroskaType reads the DocType (0x4282) of an EBML header (RFC 8794).
func matroskaType(b []byte) string {
	head := b[:min(len(b), 128)]
	if i := bytes.Index(head, []byte("\x42\x82")); i >= 0 && bytes.HasPrefix(head[min(i+3, len(head)):], []byte("webm")) {
		return TypeWebM
	}
	return TypeMatroska
}
