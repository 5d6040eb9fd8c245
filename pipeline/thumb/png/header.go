package png

import (
	"encoding/binary"
	"hash/crc32"
)

// colorType is that of IHDR (11.2.1).
type colorType uint8

const (
	typeGray      colorType = 0
	typeRGB       colorType = 2
	typePalette   colorType = 3
	typeGrayAlpha colorType = 4
	typeRGBA      colorType = 6
)

// Header is what the chunks say before any pixel is inflated.
type Header struct {
	// Width and Height are pixels.
	Width, Height int
	// Channels are those of the rows that Decode hands out: 1 grey, 2 grey and alpha, 3 RGB,
	// 4 RGB and alpha.
	Channels int
	// Interlaced files are not decoded here.
	Interlaced bool
	// ICC is the profile, nil for none. It counts for the channels of the file: one that was
	// made for another number means nothing.
	ICC []byte

	depth   int // bits per sample
	kind    colorType
	palette []byte   // of Channels bytes each, 256 entries
	key     *[3]uint // the samples that are transparent (11.3.1.1), nil for none
	idat    int      // where the first IDAT chunk begins
}

// Alpha tells whether pixels may be transparent.
func (h *Header) Alpha() bool { return h.Channels%2 == 0 }

// Supported tells why Decode does not take the file: ErrUnsupported, or nil.
func (h *Header) Supported() error {
	if h.Interlaced {
		return ErrUnsupported
	}
	return nil
}

// samples is how many samples a pixel of the file has.
func (h *Header) samples() int {
	switch h.kind {
	case typeGrayAlpha:
		return 2
	case typeRGB:
		return 3
	case typeRGBA:
		return 4
	default:
		return 1
	}
}

// rowBytes is the length of a row in the file, without its filter type.
func (h *Header) rowBytes() int {
	return int((int64(h.Width)*int64(h.samples()*h.depth) + 7) / 8)
}

// Memory estimates how many bytes Decode holds at its peak beside the data itself.
func (h *Header) Memory() int64 {
	row := int64(h.rowBytes())
	return inflaterBytes + 4*row + int64(h.Width*h.Channels)
}

const signature = "\x89PNG\r\n\x1a\n"

// chunk is one of a file; next is where the one behind it begins.
type chunk struct {
	kind [4]byte
	body []byte
	next int
}

// readChunk reads the chunk at pos. The CRC is checked.
func readChunk(data []byte, pos int) (chunk, error) {
	if len(data)-pos < 12 {
		return chunk{}, errCut
	}
	n := binary.BigEndian.Uint32(data[pos:])
	if uint64(n) > uint64(len(data)-pos-12) {
		return chunk{}, errCut
	}
	end := pos + 8 + int(n)
	if crc32.ChecksumIEEE(data[pos+4:end]) != binary.BigEndian.Uint32(data[end:]) {
		return chunk{}, FormatError("a chunk has a wrong CRC")
	}
	return chunk{kind: [4]byte(data[pos+4:]), body: data[pos+8 : end], next: end + 4}, nil
}

// stage is how far the chunks have come, which orders them (5.6).
type stage int

const (
	begun stage = iota
	seenHeader
	seenPalette
	seenTransparency
	seenPixels
)

// ReadHeader walks over all chunks up to IEND, whose CRCs must be right.
func ReadHeader(data []byte) (Header, error) {
	var h Header
	if len(data) < len(signature) || string(data[:len(signature)]) != signature {
		return h, FormatError("there is no signature")
	}
	at, profiled := begun, false
	for pos := len(signature); ; {
		c, err := readChunk(data, pos)
		if err != nil {
			return h, err
		}
		switch string(c.kind[:]) {
		case "IHDR":
			if at != begun {
				return h, errOrder
			}
			at, err = seenHeader, h.readIHDR(c.body)
		case "PLTE":
			if at != seenHeader {
				return h, errOrder
			}
			at, err = seenPalette, h.readPLTE(c.body)
		case "tRNS":
			if at == begun || at > seenPalette || (h.kind == typePalette) != (at == seenPalette) && h.kind != typeRGB {
				return h, errOrder
			}
			at, err = seenTransparency, h.readTRNS(c.body)
		case "iCCP":
			if at == seenHeader && !profiled { // one, before the palette, 5.6
				profiled, h.ICC = true, readICCP(c.body)
			}
		case "IDAT":
			if at == begun || at == seenHeader && h.kind == typePalette {
				return h, errOrder
			}
			if at != seenPixels {
				at, h.idat = seenPixels, pos
			}
		case "IEND":
			if at != seenPixels || len(c.body) != 0 {
				return h, errOrder
			}
			return h, nil
		}
		if err != nil {
			return h, err
		}
		pos = c.next
	}
}

func (h *Header) readIHDR(b []byte) error {
	if len(b) != 13 {
		return FormatError("IHDR has another length")
	}
	w, height := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if w == 0 || height == 0 || w > 1<<31-1 || height > 1<<31-1 {
		return FormatError("a side is zero or too long")
	}
	h.Width, h.Height, h.depth, h.kind = int(w), int(height), int(b[8]), colorType(b[9])
	if b[10] != 0 || b[11] != 0 || b[12] > 1 {
		return FormatError("the method of compression, filtering or interlacing is unknown")
	}
	h.Interlaced = b[12] == 1
	ok := h.depth == 8
	switch h.kind {
	case typeGray:
		ok = ok || h.depth == 1 || h.depth == 2 || h.depth == 4 || h.depth == 16
		h.Channels = 1
	case typePalette:
		ok = ok || h.depth == 1 || h.depth == 2 || h.depth == 4
		h.Channels = 3
	case typeRGB, typeGrayAlpha, typeRGBA:
		ok = ok || h.depth == 16
		h.Channels = h.samples()
	default:
		ok = false
	}
	if !ok {
		return FormatError("the colour type and the bit depth do not go together")
	}
	return nil
}

// readPLTE fills the palette; indices beyond it are black, as most decoders have it.
func (h *Header) readPLTE(b []byte) error {
	n := len(b) / 3
	if len(b)%3 != 0 || n == 0 || n > 256 || n > 1<<h.depth {
		return FormatError("the palette has an odd length")
	}
	switch h.kind {
	case typePalette:
		h.palette = make([]byte, 3*256)
		copy(h.palette, b)
	case typeGray, typeGrayAlpha:
		return FormatError("grey needs no palette")
	default: // a suggestion for screens of few colours
	}
	return nil
}

// readTRNS reads what is transparent. Of a palette it may be less or more than the entries.
func (h *Header) readTRNS(b []byte) error {
	want := 2 * h.samples()
	switch h.kind {
	case typePalette:
		if len(b) > 256 {
			return FormatError("more transparent colours than colours")
		}
		rgba := make([]byte, 0, 4*256)
		for i := range 256 {
			alpha := byte(255)
			if i < len(b) {
				alpha = b[i]
			}
			rgba = append(append(rgba, h.palette[3*i:3*i+3]...), alpha)
		}
		h.palette, h.Channels = rgba, 4
		return nil
	case typeGray, typeRGB:
		if len(b) != want {
			return FormatError("the transparent colour has another length")
		}
		h.key = new([3]uint)
		for i := range want / 2 {
			h.key[i] = uint(binary.BigEndian.Uint16(b[2*i:]))
			if h.depth < 16 { // the lower bits count
				h.key[i] &= 0xff
			}
		}
		h.Channels++
		return nil
	default:
		return FormatError("a transparent colour beside an alpha channel")
	}
}
