package jpeg

import "context"

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

// Decoder decodes files one after the other and keeps its scratch from one to the next.
// The zero value is ready. It is not safe for concurrent use.
type Decoder struct{}

// Memory estimates how many bytes a Decoder holds at its peak while it decodes the file
// at a scale, beside the data itself.
func (h *Header) Memory(s Scale) int64 { return 0 }

// Decode decodes the image that h was read from and hands its bands to sink, from top to
// bottom. An error of sink ends the decoding and is returned as it is; so is that of ctx.
//
// The other errors are a FormatError for a file that is broken beyond MinRows or that
// costs too much work, and one that wraps ErrUnsupported where [Header.Supported] says so.
// Bands may have been delivered before an error.
func (d *Decoder) Decode(ctx context.Context, data []byte, h Header, opt Options, sink func(Band) error) (Result, error) {
	if err := h.Supported(); err != nil {
		return Result{}, err
	}
	return Result{}, ErrUnsupported
}
