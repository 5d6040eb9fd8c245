package thumb

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"

	"golang.org/x/image/webp"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/thumb/icc"
	"github.com/afterput/afterput/pipeline/thumb/jpeg"
	"github.com/afterput/afterput/pipeline/thumb/png"
)

// picture is a file whose header the real decoder has accepted.
type picture struct {
	kind string // the MIME type
	data []byte
	// width and height are pixels as stored.
	width, height int
	// orientation is the EXIF orientation 1..8; 0 for none.
	orientation int
	// depth is how many bytes per pixel decoding takes, at least 1, and extra how many
	// besides.
	depth, extra int64
	// jpeg is the header of a JPEG, nil otherwise.
	jpeg *jpeg.Header
	// png is the header of a PNG that is read row by row, nil otherwise.
	png *png.Header
	// gray tells an image without colour.
	gray bool
	// toSRGB and keep are what its colour profile asks for; both are nil for none.
	toSRGB *icc.Transform
	keep   []byte
	// maxScans is how often the scans of a JPEG may visit each block.
	maxScans int
	// frame is the first frame of an animated WebP, nil otherwise.
	frame *webpFrame
}

func (p picture) pixels() int64 { return int64(p.width) * int64(p.height) }

// uprightWidth and uprightHeight are pixels after orientation.
func (p picture) uprightWidth() int {
	if p.turned() {
		return p.height
	}
	return p.width
}

func (p picture) uprightHeight() int {
	if p.turned() {
		return p.width
	}
	return p.height
}

// turned tells that the orientation swaps width and height.
func (p picture) turned() bool { return p.orientation >= 5 }

// decodable tells the types that decode knows.
func decodable(kind string) bool {
	switch kind {
	case probe.TypeJPEG, probe.TypePNG, probe.TypeGIF, probe.TypeWebP:
		return true
	}
	return false
}

// inspect asks the decoder itself for the size, whatever the facts say: it is the
// decoder that will allocate.
func (e *Engine) inspect(data []byte, facts pipeline.Facts) (picture, error) {
	p := picture{kind: facts.Type, data: data, orientation: facts.Orientation, maxScans: e.opt.MaxScans}
	var found pipeline.Facts
	if p.orientation < 1 || p.orientation > 8 || p.kind == probe.TypeGIF {
		// EXIF may lie behind the bytes that the check read, as it does in WebP.
		found = detect(data)
		p.orientation = found.Orientation
	}
	if err := p.header(); err != nil {
		code := pipeline.CodeCorruptFile
		if errors.Is(err, jpeg.ErrUnsupported) {
			code = pipeline.CodeTypeNotAllowed
		}
		return p, invalid("thumb.header", code, err)
	}
	if p.kind == probe.TypeGIF {
		// The first frame may be larger than the screen; found knows both.
		p.width, p.height = max(p.width, found.Width), max(p.height, found.Height)
	}
	if p.width <= 0 || p.height <= 0 {
		return p, invalid("thumb.header", pipeline.CodeCorruptFile, fmt.Errorf("the image is %d x %d pixels", p.width, p.height))
	}
	// Sides are below 2^31, so the product fits.
	if p.pixels() > e.opt.MaxPixels {
		return p, invalid("thumb.header", pipeline.CodeTooManyPixels,
			fmt.Errorf("the image is %d x %d pixels, the limit is %d pixels", p.width, p.height, e.opt.MaxPixels))
	}
	if err := p.frames(); err != nil {
		return p, invalid("thumb.header", pipeline.CodeCorruptFile, err)
	}
	return p, nil
}

// detect has a file probed as far as the probe wants to see it.
func detect(data []byte) pipeline.Facts {
	head := data[:min(len(data), pipeline.ProbeBytes)]
	for {
		facts, need := probe.Detect(head, int64(len(data)))
		if need <= len(head) {
			return facts
		}
		head = data[:min(len(data), need)]
	}
}

// header finds out the size, and what decoding takes.
func (p *picture) header() error {
	switch p.kind {
	case probe.TypeJPEG:
		return p.headerJPEG()
	case probe.TypePNG:
		return p.headerPNG()
	}
	cfg, err := decodeConfig(p.kind, p.data)
	if err != nil {
		return err
	}
	p.width, p.height = cfg.Width, cfg.Height
	switch p.kind {
	case probe.TypeGIF:
		p.depth = 2 // an interlaced one is copied
	case probe.TypeWebP:
		p.depth = 6 // lossless: 4, plus what its transforms keep; lossy: 1.5, plus 4 for alpha
	}
	return nil
}

func (p *picture) headerJPEG() error {
	h, err := jpeg.ReadHeader(p.data)
	if err != nil {
		return err
	}
	if err := h.Supported(); err != nil {
		return err
	}
	if h.Scans > p.maxScans {
		return fmt.Errorf("the JPEG has %d scans, the limit is %d", h.Scans, p.maxScans)
	}
	p.jpeg, p.width, p.height, p.depth = &h, h.Width, h.Height, depthJPEG(&h)
	p.gray = h.Model == jpeg.ModelGray
	if len(h.Components) < 4 { // what there is of profiles of inks cannot be converted
		p.toSRGB, p.keep = profile(h.ICC, p.gray)
	}
	return nil
}

func (p *picture) headerPNG() error {
	h, err := png.ReadHeader(p.data)
	if err != nil {
		return err
	}
	p.width, p.height, p.gray = h.Width, h.Height, h.Channels < 3
	p.toSRGB, p.keep = profile(h.ICC, p.gray)
	if h.Supported() == nil {
		p.png = &h
		return nil
	}
	// An interlaced image is held twice while its passes are put together, at up to 8 bytes
	// for a pixel.
	p.depth = 16
	return nil
}

// frames finds the first frame of an animation whose decoder needs that.
func (p *picture) frames() error {
	if p.kind != probe.TypeWebP {
		return nil
	}
	frame, lossless, err := firstFrame(p.data)
	if err != nil {
		return err
	}
	p.extra = int64(len(p.data)) + treesWebP(p.width, p.height, lossless) // what is lossy is copied
	if frame != nil && !frame.bounds().In(image.Rect(0, 0, p.width, p.height)) {
		return errors.New("the first frame lies outside of the canvas")
	}
	p.frame = frame
	return nil
}

func decodeConfig(kind string, data []byte) (image.Config, error) {
	r := bytes.NewReader(data)
	switch kind {
	case probe.TypeGIF:
		return gif.DecodeConfig(r)
	default:
		return webp.DecodeConfig(r)
	}
}

// depthJPEG is the bytes per pixel of image/jpeg: one per sample, four more in a
// progressive image for its coefficients, four for RGB and twice four for CMYK.
func depthJPEG(h *jpeg.Header) int64 {
	var samples, hMax, vMax int
	for _, c := range h.Components {
		samples += c.H * c.V
		hMax, vMax = max(hMax, c.H), max(vMax, c.V)
	}
	if h.Progressive {
		samples *= 5
	}
	depth := (samples + hMax*vMax - 1) / (hMax * vMax)
	switch {
	case len(h.Components) == 4:
		depth += 8
	case h.Model == jpeg.ModelRGB:
		depth += 4
	}
	return int64(depth)
}
