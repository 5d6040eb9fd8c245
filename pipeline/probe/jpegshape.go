package probe

// JPEGShape says what decoding a JPEG costs, from its headers alone.
type JPEGShape struct {
	// Progressive images are decoded into 4 bytes per sample before they become pixels.
	Progressive bool
	// Components counts the colour components: 1 grey, 3 colour, 4 CMYK.
	Components int
	// Samples is how many samples there are per four pixels: 4 for grey, 6 for 4:2:0 colour,
	// 12 for 4:4:4 colour.
	Samples int
	// Scans counts the scans. Baseline has 1 to 4, progressive usually 10; a file of a
	// thousand is made to burn CPU.
	Scans int
}

// ShapeJPEG walks all markers of a whole JPEG. Bytes that are none give the zero value.
func ShapeJPEG(data []byte) JPEGShape {
	var s JPEGShape
	if len(data) < 2 || data[0] != 0xff || data[1] != jpegSOI {
		return s
	}
	const sos = 0xda
	for pos := 2; ; {
		marker, at := nextMarker(data, pos)
		if at < 0 || marker == jpegEOI {
			return s
		}
		pos = at
		if marker == jpegSOI || marker == jpegTEM || at+2 > len(data) {
			continue
		}
		end := at + int(data[at])<<8 + int(data[at+1])
		switch {
		case marker == sos:
			s.Scans++
		case isSOF(marker) && s.Components == 0 && end <= len(data):
			s.Progressive = marker == jpegSOF0+2
			s.frame(data[at:end])
		}
		pos = max(at, min(end, len(data)))
	}
}

// frame reads the components of a frame header that begins with its length.
func (s *JPEGShape) frame(b []byte) {
	if len(b) < 8 {
		return
	}
	s.Components = int(b[7])
	sum, hMax, vMax := 0, 1, 1
	for c := b[8:]; len(c) >= 3; c = c[3:] {
		h, v := int(c[1]>>4), int(c[1]&15)
		sum += h * v
		hMax, vMax = max(hMax, h), max(vMax, v)
	}
	s.Samples = (4*sum + hMax*vMax - 1) / (hMax * vMax)
}
