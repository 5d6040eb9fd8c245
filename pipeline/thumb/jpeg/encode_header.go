package jpeg

import "slices"

// maxICCPart is what an APP2 segment holds of a profile: the two bytes of the length, the
// signature, the number and the count go off (ICC.1:2022, B.4).
const maxICCPart = 0xffff - 2 - 14

// appendHeaders writes all that comes before the entropy-coded data.
func appendHeaders(dst []byte, p *Picture, components []encodeComponent, quant *[2]quantTable, icc []byte) []byte {
	dst = append(dst, 0xff, markerSOI)
	// JFIF 1.02, 10.1: version 1.1, square pixels, no thumbnail.
	dst = append(dst, 0xff, markerAPP0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0)
	dst = appendICC(dst, icc)
	tables := 2
	if p.Sampling == SamplingGray {
		tables = 1
	}
	for i := range tables {
		dst = append(dst, 0xff, markerDQT, 0, 67, byte(i)) // B.2.4.1
		for _, natural := range zigzag {
			dst = append(dst, quant[i].steps[natural])
		}
	}
	dst = append(dst, 0xff, markerSOF0, 0, byte(8+3*len(components)), 8, // B.2.2
		byte(p.Height>>8), byte(p.Height), byte(p.Width>>8), byte(p.Width), byte(len(components)))
	for i, c := range components {
		dst = append(dst, byte(i+1), byte(c.factor<<4|c.factor), byte(c.table))
	}
	for i := range tables {
		dst = appendDHT(dst, byte(i), &dcSpecs[i])
		dst = appendDHT(dst, 0x10|byte(i), &acSpecs[i])
	}
	dst = append(dst, 0xff, markerSOS, 0, byte(6+2*len(components)), byte(len(components))) // B.2.3
	for i, c := range components {
		dst = append(dst, byte(i+1), byte(c.table<<4|c.table))
	}
	return append(dst, 0, 63, 0)
}

func appendDHT(dst []byte, class byte, spec *huffmanSpec) []byte { // B.2.4.2
	dst = append(dst, 0xff, markerDHT, 0, byte(19+len(spec.symbols)), class)
	dst = append(dst, spec.count[:]...)
	return append(dst, spec.symbols...)
}

// appendICC writes a profile in as many segments as it needs.
func appendICC(dst, icc []byte) []byte {
	count := ceilDiv(len(icc), maxICCPart)
	dst = slices.Grow(dst, len(icc)+count*(0xffff-maxICCPart+2))
	for number := 1; number <= count; number++ {
		part := icc[:min(len(icc), maxICCPart)]
		icc = icc[len(part):]
		length := len(part) + 16
		dst = append(dst, 0xff, markerAPP2, byte(length>>8), byte(length))
		dst = append(dst, iccSignature...)
		dst = append(dst, byte(number), byte(count))
		dst = append(dst, part...)
	}
	return dst
}
