package png

import "context"

// Decoder decodes files one after the other and keeps its scratch from one to the next. The
// zero value is ready. It is not safe for concurrent use.
type Decoder struct {
	inflate inflater
	rows    [2][]byte // unfiltered, as the file has them
	pixels  []byte    // what the sink sees
}

// keepBytes is the most scratch that a Decoder holds on to.
const keepBytes = 4 << 20

// Decode decodes the image that h was read from and hands its rows to sink, from top to
// bottom: Width x Channels bytes, which hold until sink returns. Samples of 16 bits lose
// their lower half; fewer than 8 are spread over 0..255.
//
// An error of sink ends the decoding and is returned as it is; so is that of ctx. The others
// are a FormatError, and ErrUnsupported where [Header.Supported] says so. Rows may have been
// handed out before an error.
func (d *Decoder) Decode(ctx context.Context, data []byte, h Header, sink func(y int, row []byte) error) error {
	if err := h.Supported(); err != nil {
		return err
	}
	defer d.shed()
	size := h.rowBytes()
	for i := range d.rows {
		d.rows[i] = sized(d.rows[i], size)
	}
	row, above := d.rows[0], d.rows[1]
	clear(above)
	if err := d.inflate.reset(idatReader{data: data, pos: h.idat}, size+1, h.Height); err != nil {
		return err
	}
	convert := d.converter(h)
	bpp := max(h.samples()*h.depth/8, 1)
	for y := range h.Height {
		if err := ctx.Err(); err != nil {
			return err
		}
		raw, err := d.inflate.next(ctx, 1+size)
		if err != nil {
			return err
		}
		if err := unfilter(raw[0], row, raw[1:], above, bpp); err != nil {
			return err
		}
		out := row
		if convert != nil {
			convert(row)
			out = d.pixels
		}
		if err := sink(y, out); err != nil {
			return err
		}
		row, above = above, row
	}
	return nil
}

// shed lets go of scratch that only an odd file needs.
func (d *Decoder) shed() {
	d.inflate.src = idatReader{}
	if len(d.inflate.out)+2*cap(d.rows[0])+cap(d.pixels) > keepBytes {
		d.inflate.out, d.rows, d.pixels = nil, [2][]byte{}, nil
	}
}

func sized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}
