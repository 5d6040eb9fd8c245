package samples

import "encoding/binary"

// box lays out one ISO base media box.
func box(kind string, parts ...[]byte) []byte {
	n := 8
	for _, p := range parts {
		n += len(p)
	}
	out := binary.BigEndian.AppendUint32(make([]byte, 0, n), uint32(n))
	out = append(out, kind...)
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func u32(values ...uint32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// movie makes ftyp, moov with one track of w x h pixels, and mdat.
func movie(brand string, w, h int) []byte {
	matrix := u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
	mvhd := box("mvhd", u32(0, 0, 0, 1000, 3000, 0x10000, 0x01000000, 0, 0), matrix, u32(0, 0, 0, 0, 0, 0, 2))
	tkhd := box("tkhd", u32(7, 0, 0, 1, 0, 3000, 0, 0, 0, 0), matrix, u32(uint32(w)<<16, uint32(h)<<16))
	out := box("ftyp", []byte(brand), u32(0x200), []byte(brand))
	out = append(out, box("moov", mvhd, box("trak", tkhd))...)
	return append(out, box("mdat", make([]byte, 64))...)
}

// MP4 makes the shell of an MP4 video of w x h pixels: headers, no pictures.
func MP4(w, h int) []byte { return movie("isom", w, h) }

// MOV makes the shell of a QuickTime video, as iPhones record it.
func MOV(w, h int) []byte { return movie("qt  ", w, h) }

// heif makes the shell of a HEIF still of w x h pixels.
func heif(brand string, w, h int) []byte {
	ispe := box("ispe", u32(0, uint32(w), uint32(h)))
	tile := box("ispe", u32(0, 512, 512))
	meta := box("meta", u32(0),
		box("hdlr", u32(0, 0), []byte("pict"), u32(0, 0, 0), []byte{0}),
		box("pitm", u32(0), []byte{0, 1}),
		box("iprp", box("ipco", tile, ispe)))
	out := box("ftyp", []byte(brand), u32(0), []byte("mif1"), []byte(brand))
	out = append(out, meta...)
	return append(out, box("mdat", make([]byte, 64))...)
}

// HEIC makes the shell of an iPhone photo: headers with w x h pixels and no picture.
func HEIC(w, h int) []byte { return heif("heic", w, h) }

// AVIF makes the shell of an AVIF image: headers with w x h pixels and no picture.
func AVIF(w, h int) []byte { return heif("avif", w, h) }

// WebM makes the header of a WebM video.
func WebM() []byte { return ebml("webm") }

// Matroska makes the header of a Matroska video.
func Matroska() []byte { return ebml("matroska") }

func ebml(docType string) []byte {
	body := []byte{0x42, 0x86, 0x81, 1, 0x42, 0xf7, 0x81, 1, 0x42, 0x82, 0x80 | byte(len(docType))}
	body = append(body, docType...)
	out := append([]byte{0x1a, 0x45, 0xdf, 0xa3, 0x80 | byte(len(body))}, body...)
	return append(out, 0x18, 0x53, 0x80, 0x67, 0xff) // Segment of unknown size
}
