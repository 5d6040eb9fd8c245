package jpeg

import (
	"context"
	"fmt"
)

// The defaults of Options.
const (
	DefaultMinRows  = 0.75
	DefaultMaxScans = 100
)

// Options say how a file is decoded. The zero value of each field but Scale is its
// default.
type Options struct {
	// Scale is the size of the output: Eighth, Quarter, Half or Full.
	Scale Scale
	// MinRows is the share of the rows, above 0 and up to 1, that must be whole for a
	// damaged or truncated file to be worth showing. With fewer Decode fails. Defaults to
	// 0.75; 1 takes whole files only.
	MinRows float64
	// MaxScans bounds the work: all scans together may visit each block so many times.
	// More is a FormatError. Defaults to 100; libjpeg's own script for progressive files
	// has 10 scans.
	MaxScans int
}

func (o Options) withDefaults() Options {
	if o.MinRows == 0 {
		o.MinRows = DefaultMinRows
	}
	if o.MaxScans == 0 {
		o.MaxScans = DefaultMaxScans
	}
	return o
}

// Plane is some rows of one component.
type Plane struct {
	// Pix has the samples; the row y of the plane begins at (y-Y)*Stride.
	Pix []byte
	// Stride is how many samples lie between the beginnings of two rows. Those beyond
	// Width are padding of no meaning.
	Stride int
	// Width is the columns that count, the same in all bands.
	Width int
	// Y is the first row, counted from the top of the plane.
	Y int
	// Rows is how many rows there are.
	Rows int
}

// Band is a row of MCUs: as many rows of each plane as lie beside each other.
type Band struct {
	// Planes are in the order of the components. They are scratch of the decoder: they hold
	// until the sink returns.
	Planes []Plane
}

// Result says how much of the image there was.
type Result struct {
	// Rows is how many rows of pixels at full size were decoded whole, from the top:
	// Height for a sound file. Bands below them were not delivered.
	Rows int
	// Truncated says that data was missing or broken: rows at the bottom, or, in a
	// progressive file, refinements of rows that were delivered.
	Truncated bool
}

// keptScratch is how many bytes of coefficients or planes a Decoder keeps for the next
// file, per component; more is given back.
const keptScratch = 16 << 20

// decoderSize is about the size of the tables and the window, in bytes.
const decoderSize = 192 << 10

// Decoder decodes files one after the other and keeps its scratch from one to the next.
// The zero value is ready. It is not safe for concurrent use.
type Decoder struct {
	reader reader
	frame  frame
	scan   scan
	block  [64]int32
	planes [4]Plane
	job    job

	quant        [4][64]uint16
	quantDefined [4]bool
	interval     int
	dcSpecs      [4]tableSpec
	acSpecs      [4]tableSpec
	// The tables keep what they were built from, so that files of the same camera, or with
	// the tables of annex K, build them once.
	dcTables    [4]dcTable
	acTables    [4]acTable
	firstTable  firstTable
	symbolTable symbolTable
}

// Decode decodes the image that h was read from and hands its bands to sink, from top to
// bottom. An error of sink ends the decoding and is returned as it is; so is that of ctx.
//
// The other errors are a FormatError for a file that is broken beyond MinRows or that
// costs too much work, and one that wraps ErrUnsupported where [Header.Supported] says so.
// Bands may have been delivered before an error.
func (d *Decoder) Decode(ctx context.Context, data []byte, h Header, opt Options, sink func(Band) error) (Result, error) {
	opt = opt.withDefaults()
	if !opt.Scale.valid() {
		return Result{}, fmt.Errorf("jpeg: there is no scale of %d/8", opt.Scale)
	}
	if err := h.Supported(); err != nil {
		return Result{}, err
	}
	if err := h.plausible(opt); err != nil {
		return Result{}, err
	}
	d.reset(&h, opt.Scale)
	defer d.trim()
	d.job = job{d: d, h: h, opt: opt, sink: sink}
	if err := d.job.run(ctx, data); err != nil {
		return Result{}, err
	}
	return d.job.result()
}

// plausible refuses a file from its header alone: one that has not a bit for each block of
// the rows it must show, and one whose scans or data are far beyond what its pixels can
// need. All work is bounded by this: no block is visited more than MaxScans times, no visit
// decodes more than 64 symbols, and each symbol takes a bit of the data at least.
func (h *Header) plausible(opt Options) error {
	if float64(8*h.entropy) < opt.MinRows*float64(ceilDiv(h.Width, 8)*ceilDiv(h.Height, 8)) {
		return FormatError("there is less data than the blocks need")
	}
	blocks, visits := 0, 0
	for i := range h.Components {
		width, height := h.PlaneSize(i, Eighth)
		blocks += width * height
		visits += width * height * h.visits[i]
	}
	if visits > opt.MaxScans*blocks {
		return FormatError("the scans visit the blocks too often")
	}
	if h.entropy > 64<<10+16*h.Width*h.Height {
		return FormatError("there is more data than the pixels can need")
	}
	return nil
}

func (d *Decoder) reset(h *Header, s Scale) {
	d.quantDefined = [4]bool{}
	for i := range 4 {
		d.dcSpecs[i].defined, d.acSpecs[i].defined = false, false
	}
	d.interval = 0
	d.frame.setUp(h, s)
	for i := range d.frame.components {
		c := &d.frame.components[i]
		rows := c.v
		if !h.Progressive && !h.interleaved {
			rows = c.paddedY
		}
		c.pix = grow(c.pix, rows*int(s)*c.stride)
		if h.Progressive {
			c.coef = grow(c.coef, c.paddedX*c.paddedY*d.frame.keep)
			clear(c.coef)
		}
		if h.Progressive && s > Eighth {
			c.mask = grow(c.mask, c.paddedX*c.paddedY)
			clear(c.mask)
		}
	}
}

// trim gives back what only a large file needs, and the file.
func (d *Decoder) trim() {
	d.reader.src, d.job = nil, job{}
	for i := range d.frame.components {
		c := &d.frame.components[i]
		if cap(c.pix)+2*cap(c.coef)+8*cap(c.mask) > keptScratch {
			c.pix, c.coef, c.mask = nil, nil, nil
		}
	}
}

// Memory estimates how many bytes a Decoder holds at its peak while it decodes the file
// at a scale, beside the data itself.
func (h *Header) Memory(s Scale) int64 {
	var f frame
	f.setUp(h, s)
	total := int64(decoderSize)
	for i := range f.components {
		c := &f.components[i]
		blocks := int64(c.paddedX) * int64(c.paddedY)
		band := int64(c.stride) * int64(c.v) * int64(s)
		switch {
		case h.Progressive && s == Eighth:
			total += band + 2*blocks
		case h.Progressive:
			total += band + blocks*int64(2*f.keep+8)
		case h.interleaved:
			total += band
		default:
			total += blocks * int64(f.keep)
		}
	}
	return total
}

// band describes the rows of an MCU row, which lie in pix from the MCU row base on.
func (d *Decoder) band(row, base int) Band {
	n := int(d.frame.scale)
	for i := range d.frame.components {
		c := &d.frame.components[i]
		y := row * c.v * n
		d.planes[i] = Plane{
			Pix:    c.pix[base*c.v*n*c.stride:][:c.v*n*c.stride],
			Stride: c.stride, Width: c.width, Y: y, Rows: min(c.v*n, c.height-y),
		}
	}
	return Band{Planes: d.planes[:len(d.frame.components)]}
}
