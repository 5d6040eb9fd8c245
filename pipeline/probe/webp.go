package probe

import (
	"encoding/binary"

	"github.com/afterput/afterput/pipeline"
)

// isRIFF tells a RIFF container of the given form.
func isRIFF(b []byte, form string) bool {
	return len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == form
}

// probeWebP walks the chunks of a WebP container as far as head goes (RFC 9649). The
// first of VP8, VP8L and VP8X gives the dimensions, ANMF chunks are frames.
func probeWebP(f file) (pipeline.Facts, int) {
	facts := pipeline.Facts{Type: TypeWebP}
	riffEnd := 8 + int64(binary.LittleEndian.Uint32(f.head[4:]))
	// A missing padding byte at the very end is common and harmless.
	facts.Truncated = riffEnd > f.size+1
	sized := false
	pos := int64(12)
	for pos+8 <= min(riffEnd, int64(len(f.head))) {
		kind := string(f.head[pos : pos+4])
		n := int64(binary.LittleEndian.Uint32(f.head[pos+4:]))
		body := f.clip(pos+8, min(pos+8+n, riffEnd))
		switch kind {
		case "VP8 ", "VP8L", "VP8X":
			if !sized {
				facts.Width, facts.Height, sized = webpSize(kind, body)
			}
		case "ANMF":
			facts.Frames++
		case "EXIF":
			facts.Orientation = webpOrientation(body)
		}
		if kind != "VP8 " && kind != "VP8L" && kind != "ANMF" && kind != "ALPH" {
			facts.Foreign = first(facts.Foreign, foreignInside(body))
		}
		if pos+8+n > f.size {
			facts.Truncated = true
		}
		pos += 8 + n + n&1
	}
	if riffEnd < int64(len(f.head)) {
		facts.Foreign = first(facts.Foreign, foreignTail(f, riffEnd))
	}
	facts.Frames = max(facts.Frames, 1)
	if !sized {
		return facts, f.more(pos + 64)
	}
	return facts, 0
}

// webpSize reads the dimensions out of the start of a chunk; ok is false where it is
// too short.
func webpSize(kind string, b []byte) (w, h int, ok bool) {
	switch kind {
	case "VP8 ":
		// RFC 6386, 9.1: a key frame has bit 0 clear and a start code.
		if len(b) < 10 {
			return 0, 0, false
		}
		if b[0]&1 != 0 || string(b[3:6]) != "\x9d\x01\x2a" {
			return 0, 0, true
		}
		return int(binary.LittleEndian.Uint16(b[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(b[8:]) & 0x3fff), true
	case "VP8L":
		if len(b) < 5 || b[0] != 0x2f {
			return 0, 0, len(b) >= 5
		}
		bits := binary.LittleEndian.Uint32(b[1:])
		return int(bits&0x3fff) + 1, int(bits>>14&0x3fff) + 1, true
	default: // VP8X
		if len(b) < 10 {
			return 0, 0, false
		}
		return int(uint24(b[4:])) + 1, int(uint24(b[7:])) + 1, true
	}
}

// webpOrientation reads an EXIF chunk, which some writers begin as in JPEG.
func webpOrientation(b []byte) int {
	if len(b) > 6 && string(b[:6]) == "Exif\x00\x00" {
		b = b[6:]
	}
	return exifOrientation(b)
}

func uint24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }
