package probe

import (
	"bytes"

	"github.com/afterput/afterput/pipeline"
)

// JPEG markers (ITU-T T.81, table B.1).
const (
	jpegTEM  = 0x01
	jpegSOF0 = 0xc0
	jpegDHT  = 0xc4
	jpegJPG  = 0xc8
	jpegDAC  = 0xcc
	jpegRST0 = 0xd0
	jpegSOI  = 0xd8
	jpegEOI  = 0xd9
	jpegAPP0 = 0xe0
	jpegCOM  = 0xfe
)

// maxSegments bounds the walk over the segments of one JPEG. Photos have 10 to 100,
// progressive ones with long extended XMP a few hundred.
const maxSegments = 10_000

// probeJPEG walks the markers up to EOI or to the end of head. Like image/jpeg it skips
// bytes between segments that are none, which covers entropy-coded data as well.
func probeJPEG(f file) (pipeline.Facts, int) {
	facts := pipeline.Facts{Type: TypeJPEG, Frames: 1}
	sized := false
	pos := 2
	for range maxSegments {
		marker, at := nextMarker(f.head, pos)
		if at < 0 {
			return f.outOfJPEG(facts, sized)
		}
		if marker == jpegEOI {
			facts.Foreign = first(facts.Foreign, foreignTail(f, int64(at)))
			return facts, 0
		}
		if marker == jpegSOI || marker == jpegTEM {
			pos = at
			continue
		}
		if at+2 > len(f.head) {
			return f.outOfJPEG(facts, sized)
		}
		end := int64(at) + int64(f.head[at])<<8 + int64(f.head[at+1])
		body := f.clip(int64(at)+2, end)
		switch {
		case isSOF(marker):
			if !sized && len(body) >= 5 {
				facts.Height = int(body[1])<<8 | int(body[2])
				facts.Width = int(body[3])<<8 | int(body[4])
				sized = true
			}
		case marker == jpegCOM || marker >= jpegAPP0 && marker < jpegAPP0+16:
			metadataJPEG(&facts, marker, body)
		}
		if end > f.size {
			facts.Truncated = true
			return facts, 0
		}
		if end > int64(len(f.head)) {
			if sized {
				return facts, 0
			}
			return facts, f.more(end + 4096)
		}
		pos = max(int(end), at)
	}
	return facts, 0
}

// outOfJPEG answers where head ended before EOI.
func (f file) outOfJPEG(facts pipeline.Facts, sized bool) (pipeline.Facts, int) {
	facts.Truncated = f.whole()
	if sized {
		return facts, 0
	}
	return facts, f.more(int64(len(f.head)) + 4096)
}

// nextMarker finds the next marker at or after pos: its code and the index behind it,
// or -1 where head ends first. Stuffed zeros and restart markers are passed over.
func nextMarker(b []byte, pos int) (marker byte, at int) {
	for pos < len(b) {
		i := bytes.IndexByte(b[pos:], 0xff)
		if i < 0 {
			return 0, -1
		}
		pos += i + 1
		for pos < len(b) && b[pos] == 0xff {
			pos++
		}
		if pos >= len(b) {
			return 0, -1
		}
		m := b[pos]
		pos++
		if m != 0 && (m < jpegRST0 || m > jpegRST0+7) {
			return m, pos
		}
	}
	return 0, -1
}

// isSOF tells the start-of-frame markers, of every coding process.
func isSOF(m byte) bool {
	return m >= jpegSOF0 && m < jpegSOF0+16 && m != jpegDHT && m != jpegJPG && m != jpegDAC
}

func metadataJPEG(facts *pipeline.Facts, marker byte, body []byte) {
	if marker == jpegAPP0+1 && facts.Orientation == 0 {
		if tiff, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok {
			facts.Orientation = exifOrientation(tiff)
		}
	}
	facts.Foreign = first(facts.Foreign, foreignInside(body))
}

// first gives a unless it is empty.
func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
