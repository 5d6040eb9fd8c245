package png

// converter gives what turns a row of the file into d.pixels; nil where they are the same.
func (d *Decoder) converter(h Header) func(row []byte) {
	samples := h.samples()
	if h.depth == 8 && h.kind != typePalette && h.key == nil {
		return nil
	}
	d.pixels = sized(d.pixels, h.Width*h.Channels)
	switch {
	case h.kind == typePalette:
		return func(row []byte) { d.lookUp(row, h) }
	case h.depth < 8:
		return func(row []byte) { d.spread(row, h) }
	case h.depth == 16:
		return func(row []byte) { d.halve(row, h, samples) }
	}
	return func(row []byte) { d.transparent(row, h, samples) }
}

// sample gives the sample x of a row with 1, 2, 4 or 8 bits for each.
func sample(row []byte, x, depth int) byte {
	bit := x * depth
	return row[bit>>3] >> (8 - depth - bit&7) & byte(1<<depth-1)
}

func (d *Decoder) lookUp(row []byte, h Header) {
	n := h.Channels
	out := d.pixels
	for x := range h.Width {
		i := n * int(sample(row, x, h.depth))
		copy(out[:n], h.palette[i:i+n])
		out = out[n:]
	}
}

// spread brings grey of 1, 2 or 4 bits to 8.
func (d *Decoder) spread(row []byte, h Header) {
	factor := byte(255 / (1<<h.depth - 1))
	for x := range h.Width {
		v := sample(row, x, h.depth)
		if h.key == nil {
			d.pixels[x] = v * factor
			continue
		}
		d.pixels[2*x], d.pixels[2*x+1] = v*factor, 255
		if uint(v) == h.key[0] {
			d.pixels[2*x+1] = 0
		}
	}
}

// halve keeps the upper bytes of samples of 16 bits.
func (d *Decoder) halve(row []byte, h Header, samples int) {
	if h.key == nil {
		for i := range d.pixels {
			d.pixels[i] = row[2*i]
		}
		return
	}
	for x := range h.Width {
		alpha := byte(0)
		out := d.pixels[x*h.Channels:][:samples+1]
		for i := range samples {
			at := 2 * (x*samples + i)
			if uint(row[at])<<8|uint(row[at+1]) != h.key[i] {
				alpha = 255
			}
			out[i] = row[at]
		}
		out[samples] = alpha
	}
}

// transparent adds alpha to samples of 8 bits.
func (d *Decoder) transparent(row []byte, h Header, samples int) {
	for x := range h.Width {
		alpha := byte(0)
		out := d.pixels[x*h.Channels:][:samples+1]
		for i, v := range row[x*samples:][:samples] {
			if uint(v) != h.key[i] {
				alpha = 255
			}
			out[i] = v
		}
		out[samples] = alpha
	}
}
