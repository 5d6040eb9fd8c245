package jpeg

// defineQuant reads a DQT segment (B.2.4.1).
func (d *Decoder) defineQuant(p []byte) error {
	for len(p) > 0 {
		precision, id := p[0]>>4, p[0]&15
		size := 64 * (1 + int(precision))
		if precision > 1 || id > 3 || len(p) < 1+size {
			return FormatError("a quantisation table is cut off or impossible")
		}
		for k := range 64 {
			step := uint16(p[1+k])
			if precision == 1 {
				step = uint16(p[1+2*k])<<8 | uint16(p[2+2*k])
			}
			if step == 0 {
				return FormatError("a quantisation step of zero")
			}
			d.quant[id][k] = step
		}
		d.quantDefined[id] = true
		p = p[1+size:]
	}
	return nil
}

// defineHuffman reads a DHT segment (B.2.4.2).
func (d *Decoder) defineHuffman(p []byte) error {
	for len(p) > 0 {
		class, id := p[0]>>4, p[0]&15
		if class > 1 || id > 3 {
			return FormatError("a Huffman table of an impossible class or number")
		}
		spec := &d.dcSpecs[id]
		if class == 1 {
			spec = &d.acSpecs[id]
		}
		var err error
		if p, err = spec.parse(p[1:]); err != nil {
			return err
		}
	}
	return nil
}
