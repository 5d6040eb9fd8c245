package probe

import (
	"encoding/binary"
	"slices"

	"github.com/afterput/afterput/pipeline"
)

// maxBoxes bounds the walk over boxes, over all levels together.
const maxBoxes = 2048

// maxBoxDepth is as deep as we look: meta > iprp > ipco > ispe.
const maxBoxDepth = 4

// brandTypes maps the brands of ftyp to types (mp4ra.org). A brand that is not here
// says nothing.
var brandTypes = map[string]string{
	"avif": TypeAVIF, "avis": TypeAVIF,
	"heic": TypeHEIC, "heix": TypeHEIC, "heim": TypeHEIC, "heis": TypeHEIC,
	"hevc": TypeHEIC, "hevx": TypeHEIC, "hevm": TypeHEIC, "hevs": TypeHEIC,
	"qt  ": TypeQuickTime, "M4A ": TypeM4A, "M4B ": TypeM4A,
	"3gp4": Type3GP, "3gp5": Type3GP, "3gp6": Type3GP, "3gp7": Type3GP, "3g2a": Type3GP,
	"isom": TypeMP4, "iso2": TypeMP4, "iso3": TypeMP4, "iso4": TypeMP4, "iso5": TypeMP4,
	"iso6": TypeMP4, "iso7": TypeMP4, "iso8": TypeMP4, "iso9": TypeMP4,
	"mp41": TypeMP4, "mp42": TypeMP4, "avc1": TypeMP4, "hvc1": TypeMP4, "dash": TypeMP4,
	"M4V ": TypeMP4, "M4VH": TypeMP4, "M4VP": TypeMP4, "MSNV": TypeMP4, "mmp4": TypeMP4,
	"f4v ": TypeMP4, "XAVC": TypeMP4,
}

// probeISO tells MP4, QuickTime, HEIF and AVIF (ISO/IEC 14496-12 and 23008-12). ok is
// false where the bytes are no such file.
func probeISO(f file) (facts pipeline.Facts, need int, ok bool) {
	if len(f.head) < 12 {
		return facts, 0, false
	}
	switch string(f.head[4:8]) {
	case "ftyp":
		facts.Type = ftypType(f)
	case "moov", "mdat", "wide", "pnot":
		// QuickTime from before 2001 has no ftyp. The size must be that of a box.
		if n := binary.BigEndian.Uint32(f.head); n > 1 && n < 8 {
			return facts, 0, false
		}
		facts.Type = TypeQuickTime
	default:
		return facts, 0, false
	}
	if facts.Type == "" {
		return facts, 0, false
	}
	w := boxWalk{f: f, facts: &facts, left: maxBoxes}
	w.walk(0, f.size, 0)
	if facts.Type == TypeHEIC || facts.Type == TypeAVIF {
		facts.Frames = 1
		if facts.Width == 0 && w.cut > 0 {
			need = f.more(w.cut)
		}
	}
	return facts, need, true
}

// ftypType decides by the major brand, else by the first compatible one that we know.
// mif1 and msf1 only say "HEIF", so the others decide; alone they mean HEIC.
func ftypType(f file) string {
	end := min(int64(binary.BigEndian.Uint32(f.head)), 16+4*64)
	if end < 12 {
		return ""
	}
	major := string(f.head[8:12])
	if t := brandTypes[major]; t != "" {
		return t
	}
	compatible := f.clip(16, end)
	heif := major == "mif1" || major == "msf1"
	for ; len(compatible) >= 4; compatible = compatible[4:] {
		t := brandTypes[string(compatible[:4])]
		if t != "" && (!heif || t == TypeHEIC || t == TypeAVIF) {
			return t
		}
	}
	if heif {
		return TypeHEIC
	}
	return ""
}

// boxWalk looks for the boxes that hold dimensions.
type boxWalk struct {
	f     file
	facts *pipeline.Facts
	left  int
	cut   int64 // the end of a meta box that head does not hold
}

// walk visits the boxes between from and to, which are offsets in the file.
func (w *boxWalk) walk(from, to int64, depth int) {
	for from+8 <= min(to, int64(len(w.f.head))) && w.left > 0 {
		w.left--
		n := int64(binary.BigEndian.Uint32(w.f.head[from:]))
		kind := string(w.f.head[from+4 : from+8])
		body := from + 8
		switch n {
		case 0: // to the end of the file
			n = to - from
		case 1:
			if from+16 > int64(len(w.f.head)) {
				return
			}
			n = int64(min(binary.BigEndian.Uint64(w.f.head[from+8:]), 1<<62))
			body = from + 16
		}
		if n < body-from {
			return
		}
		end := from + n
		if end > to {
			// Only a box of the top level can promise more than the file has.
			w.facts.Truncated = w.facts.Truncated || depth == 0
			end = to
		}
		w.visit(kind, body, end, depth)
		from = end
	}
}

// visit reads one box, whose content lies between body and end.
func (w *boxWalk) visit(kind string, body, end int64, depth int) {
	switch kind {
	case "meta":
		if end > int64(len(w.f.head)) {
			w.cut = end
		}
		body += 4 // version and flags
		fallthrough
	case "moov", "trak", "iprp", "ipco":
		if depth < maxBoxDepth {
			w.walk(body, end, depth+1)
		}
	case "ispe":
		if b := w.f.clip(body, end); len(b) >= 12 {
			w.grow(binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:]))
		}
	case "tkhd":
		// Width and height are the last two fields, as 16.16 fixed point.
		if end > int64(len(w.f.head)) {
			return
		}
		if b := w.f.clip(body, end); slices.Contains([]int{84, 96}, len(b)) {
			b = b[len(b)-8:]
			w.grow(binary.BigEndian.Uint32(b)>>16, binary.BigEndian.Uint32(b[4:])>>16)
		}
	}
}

// grow keeps the largest dimensions: the tiles of a grid have their own, smaller ones.
func (w *boxWalk) grow(width, height uint32) {
	cw, ch := clampInt(width), clampInt(height)
	if int64(cw)*int64(ch) > int64(w.facts.Width)*int64(w.facts.Height) {
		w.facts.Width, w.facts.Height = cw, ch
	}
}
