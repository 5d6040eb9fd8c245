package jpeg

import (
	"errors"
	"fmt"
)

// ErrPicture is the error of an [Encoder] for a picture or options that no file can hold.
var ErrPicture = errors.New("jpeg: impossible picture")

// DefaultQuality is the quality of an [EncodeOptions] that names none.
const DefaultQuality = 80

// Sampling says how many chroma samples a picture has.
type Sampling uint8

// The samplings that an Encoder writes.
const (
	// Sampling420 has one chroma sample for 2 x 2 pixels, rounded up: as phones write it.
	Sampling420 Sampling = iota
	// Sampling444 has one chroma sample per pixel.
	Sampling444
	// SamplingGray has luma alone.
	SamplingGray
)

// Samples is one plane of a picture: sample (x, y) is Pix[y*Stride+x].
type Samples struct {
	Pix    []byte
	Stride int // at least the columns of the plane
}

// A Picture is what an Encoder writes: luma and chroma as JFIF has them, full range by the
// matrix of BT.601.
type Picture struct {
	// Width and Height are in pixels, 1..65535.
	Width, Height int
	// Sampling defaults to Sampling420.
	Sampling Sampling
	// Y, Cb and Cr are the planes. Y has Width x Height samples; Cb and Cr have as many as
	// Sampling says, and are not looked at where it is SamplingGray.
	Y, Cb, Cr Samples
}

// EncodeOptions say how a picture is written. The zero value of each field is its default.
type EncodeOptions struct {
	// Quality is 1..100 on the scale of libjpeg: it multiplies the quantisation tables of
	// annex K by 50/Quality below 50 and by 2 - Quality/50 above. Defaults to
	// [DefaultQuality].
	Quality int
	// ICC is a colour profile that is written with the picture, in as many APP2 segments as
	// it needs; at most [MaxICC] bytes. Defaults to none, which means sRGB.
	ICC []byte
}

// An Encoder writes baseline files (T.81 process 1) with a JFIF header and the Huffman tables
// of annex K. Where the picture ends within a block, its last samples are repeated. The zero
// value is ready. An Encoder keeps its scratch, so that nothing is allocated but the file. It
// is not safe for concurrent use.
type Encoder struct {
	quality    int
	quant      [2]quantTable // luma and chroma, at quality
	components [3]encodeComponent
	bits       bitWriter
	coef       [2][64]int16 // blocks after quantisation, in natural order
	edge       [2][64]byte  // the samples of blocks that the picture fills in part
}

// Encode appends the file to dst and returns the extended slice, like append. On an error,
// which is an [ErrPicture], it returns dst.
func (e *Encoder) Encode(dst []byte, p Picture, opt EncodeOptions) ([]byte, error) {
	if opt.Quality == 0 {
		opt.Quality = DefaultQuality
	}
	components, err := p.components(e.components[:0])
	if err != nil {
		return dst, err
	}
	if err := opt.check(); err != nil {
		return dst, err
	}
	if e.quality != opt.Quality {
		e.quality = opt.Quality
		e.quant[0].reset(&lumaSteps, opt.Quality)
		e.quant[1].reset(&chromaSteps, opt.Quality)
	}
	dst = appendHeaders(dst, &p, components, &e.quant, opt.ICC)
	e.bits.reset(dst)
	e.scan(&p, components)
	return append(e.bits.finish(), 0xff, markerEOI), nil
}

// encodeComponent is a plane on its way into the file.
type encodeComponent struct {
	Samples
	width, height int // in samples
	factor        int // both sampling factors
	table         int // 0 for luma, 1 for chroma: of the steps and the codes
	dc            int // of the block before
}

// components appends the planes, checked.
func (p *Picture) components(all []encodeComponent) ([]encodeComponent, error) {
	if p.Width < 1 || p.Height < 1 || p.Width > 0xffff || p.Height > 0xffff {
		return nil, fmt.Errorf("%w: %d x %d pixels", ErrPicture, p.Width, p.Height)
	}
	luma := encodeComponent{Samples: p.Y, width: p.Width, height: p.Height, factor: 1}
	width, height := p.Width, p.Height
	switch p.Sampling {
	case SamplingGray:
		all = append(all, luma)
	case Sampling420:
		luma.factor = 2
		width, height = ceilDiv(width, 2), ceilDiv(height, 2)
		fallthrough
	case Sampling444:
		all = append(all, luma,
			encodeComponent{Samples: p.Cb, width: width, height: height, factor: 1, table: 1},
			encodeComponent{Samples: p.Cr, width: width, height: height, factor: 1, table: 1})
	default:
		return nil, fmt.Errorf("%w: sampling %d", ErrPicture, p.Sampling)
	}
	for i, c := range all {
		// The stride is bounded first so that the product is no overflow.
		if c.Stride < c.width || c.height > 1 && c.Stride > len(c.Pix) || len(c.Pix) < (c.height-1)*c.Stride+c.width {
			return nil, fmt.Errorf("%w: plane %d has %d bytes at a stride of %d for %d x %d samples",
				ErrPicture, i, len(c.Pix), c.Stride, c.width, c.height)
		}
	}
	return all, nil
}

func (o *EncodeOptions) check() error {
	if o.Quality < 1 || o.Quality > 100 {
		return fmt.Errorf("%w: quality %d", ErrPicture, o.Quality)
	}
	if len(o.ICC) > MaxICC {
		return fmt.Errorf("%w: a profile of %d bytes", ErrPicture, len(o.ICC))
	}
	return nil
}
