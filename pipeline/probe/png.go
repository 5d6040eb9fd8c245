package probe

import (
	"encoding/binary"
	"math"

	"github.com/afterput/afterput/pipeline"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

// probePNG walks the chunks up to IEND or to the end of head (PNG 3rd edition, W3C).
func probePNG(f file) (pipeline.Facts, int) {
	facts := pipeline.Facts{Type: TypePNG, Frames: 1}
	controls := 0
	pos := int64(len(pngMagic))
	for pos+8 <= int64(len(f.head)) {
		n := int64(binary.BigEndian.Uint32(f.head[pos:]))
		kind := string(f.head[pos+4 : pos+8])
		end := pos + 12 + n // length, type, data, CRC
		body := f.clip(pos+8, end-4)
		switch kind {
		case "IHDR":
			if facts.Width == 0 && len(body) >= 8 {
				facts.Width = clampInt(binary.BigEndian.Uint32(body))
				facts.Height = clampInt(binary.BigEndian.Uint32(body[4:]))
			}
		case "acTL":
			if len(body) >= 4 {
				facts.Frames = max(facts.Frames, clampInt(binary.BigEndian.Uint32(body)))
			}
		case "fcTL":
			controls++
		case "eXIf":
			facts.Orientation = exifOrientation(body)
		}
		// Compressed data is noise; everything else may carry text.
		if kind != "IDAT" && kind != "fdAT" {
			facts.Foreign = first(facts.Foreign, foreignInside(body))
		}
		if end > f.size {
			facts.Truncated = true
			break
		}
		pos = end
		if kind == "IEND" {
			facts.Foreign = first(facts.Foreign, foreignTail(f, pos))
			facts.Frames = max(facts.Frames, controls)
			return facts, 0
		}
	}
	facts.Frames = max(facts.Frames, controls)
	facts.Truncated = facts.Truncated || f.whole()
	return facts, 0
}

// clampInt makes an int of n that is positive on every platform.
func clampInt(n uint32) int { return int(min(n, math.MaxInt32)) }
