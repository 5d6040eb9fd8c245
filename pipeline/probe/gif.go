package probe

import (
	"encoding/binary"

	"github.com/afterput/afterput/pipeline"
)

// GIF block introducers (GIF89a specification, appendix A).
const (
	gifExtension = 0x21
	gifImage     = 0x2c
	gifTrailer   = 0x3b
)

// probeGIF counts frames and reads comments as far as head goes. The dimensions cover
// the logical screen and the first frame: decoders differ in which they believe, and
// the larger one is what they may allocate.
func probeGIF(f file) (pipeline.Facts, int) {
	facts := pipeline.Facts{Type: TypeGIF}
	b := f.head
	if len(b) < 13 {
		facts.Frames, facts.Truncated = 1, f.whole()
		return facts, f.more(13)
	}
	facts.Width = int(binary.LittleEndian.Uint16(b[6:]))
	facts.Height = int(binary.LittleEndian.Uint16(b[8:]))
	pos := 13 + colorTable(b[10])
	end, state := gifBlocks(f, &facts, pos)
	need := 0
	switch {
	case state == gifDone:
		facts.Foreign = first(facts.Foreign, foreignTail(f, int64(end)))
	case state == gifGarbage:
	case f.whole():
		// Only the trailer byte is missing in many old files; viewers do not mind.
		facts.Truncated = facts.Frames == 0 || state == gifCut
	case facts.Frames == 0:
		need = f.more(int64(end) + 4096)
	}
	facts.Frames = max(facts.Frames, 1)
	return facts, need
}

// How a walk over GIF blocks ended.
type gifState int

const (
	gifDone    gifState = iota // at the trailer
	gifEnd                     // where head ends, between two blocks
	gifCut                     // where head ends, within a block
	gifGarbage                 // at a byte that starts no block
)

// gifBlocks walks the blocks from pos; end is behind the trailer or where the last whole
// block ended.
func gifBlocks(f file, facts *pipeline.Facts, pos int) (end int, state gifState) {
	b := f.head
	for pos < len(b) {
		next := 0
		switch b[pos] {
		case gifTrailer:
			return pos + 1, gifDone
		case gifExtension:
			var foreign string
			foreign, next = gifText(b, pos)
			facts.Foreign = first(facts.Foreign, foreign)
		case gifImage:
			next = gifFrame(b, pos, facts)
		default:
			return pos, gifGarbage
		}
		if next < 0 || next > len(b) {
			return pos, gifCut
		}
		pos = next
	}
	return pos, gifEnd
}

// gifFrame counts the image at pos and gives the index behind it, or -1.
func gifFrame(b []byte, pos int, facts *pipeline.Facts) int {
	if pos+10 > len(b) {
		return -1
	}
	d := b[pos+1:]
	if facts.Frames == 0 {
		u := binary.LittleEndian.Uint16
		facts.Width = max(facts.Width, int(u(d))+int(u(d[4:])))
		facts.Height = max(facts.Height, int(u(d[2:]))+int(u(d[6:])))
	}
	facts.Frames++
	return subBlocks(b, pos+10+colorTable(d[8])+1, nil)
}

// gifText looks into the extension at pos and gives the index behind it, or -1.
func gifText(b []byte, pos int) (foreign string, next int) {
	if pos+2 > len(b) {
		return "", -1
	}
	text := make([]byte, 0, 256)
	next = subBlocks(b, pos+2, &text)
	raw := b[pos:]
	if next >= 0 && next <= len(b) {
		raw = b[pos:next]
	}
	// XMP lies there as one piece, so that its own bytes act as block lengths; comments
	// are cut into blocks.
	return first(foreignInside(text), foreignInside(raw)), next
}

// subBlocks walks data sub-blocks from pos and gives the index behind the terminator, or
// -1 where b ends first. The first 64 KiB of the data are appended to text unless nil.
func subBlocks(b []byte, pos int, text *[]byte) int {
	for pos < len(b) {
		n := int(b[pos])
		if n == 0 {
			return pos + 1
		}
		if text != nil && len(*text) < 64<<10 {
			*text = append(*text, b[pos+1:min(pos+1+n, len(b))]...)
		}
		pos += 1 + n
	}
	return -1
}

// colorTable gives the bytes of the colour table that packed fields announce.
func colorTable(fields byte) int {
	if fields&0x80 == 0 {
		return 0
	}
	return 3 << (fields&7 + 1)
}
