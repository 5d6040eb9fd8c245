package jpeg

// component is one plane while its image is decoded.
type component struct {
	// h and v are the sampling factors; 1 and 1 for the only component, whose scans are
	// never interleaved (A.2.2).
	h, v int
	// width and height are the samples that count at the scale of the output.
	width, height int
	// blocksX and blocksY are the blocks with samples that count, paddedX and paddedY those
	// of whole MCUs.
	blocksX, blocksY, paddedX, paddedY int

	// quant is the index of the quantisation table, steps that table in zigzag order as it
	// was when the first scan of the component began, stepAt the same by place.
	quant         int
	latched       bool
	steps, stepAt [64]int32

	// prediction is the DC coefficient of the block before (F.2.1.3.1).
	prediction int32
	dc         *dcTable
	ac         *acTable

	// pix has the samples of one MCU row, or of the whole plane where the components come
	// one after the other.
	pix    []byte
	stride int

	// coef has the coefficients that the scale keeps, keep of them per block, and mask a bit
	// per zigzag index of those that are not zero, kept or not.
	coef []int16
	mask []uint64
	// rows is how many MCU rows have their samples, or their DC coefficients at least.
	rows int
}

// frame is what all scans of an image share.
type frame struct {
	scale        Scale
	height       int // in pixels, full size
	mcusX, mcusY int
	mcuHeight    int // in pixels, full size

	components []component
	// keep is how many coefficients of a block the scale needs.
	keep int
	// place is where a coefficient goes, by zigzag index: row*scale + column, or nowhere,
	// which is the last element of a block and never one of those kept below full size.
	place [64]uint8
	// kept has a bit per zigzag index that is, limit is the first index beyond them.
	kept  uint64
	limit int
}

const nowhere = 63

func (f *frame) setUp(h *Header, s Scale) {
	f.scale, f.height = s, h.Height
	hMax, vMax := h.maxFactors()
	single := len(h.Components) == 1
	if single {
		hMax, vMax = 1, 1
	}
	f.mcuHeight = 8 * vMax
	f.mcusX, f.mcusY = ceilDiv(h.Width, 8*hMax), ceilDiv(h.Height, 8*vMax)
	f.components = f.components[:0]
	if cap(f.components) == 0 {
		f.components = make([]component, 0, 4)
	}
	for i, hc := range h.Components {
		f.components = f.components[:i+1]
		c := &f.components[i]
		*c = component{h: hc.H, v: hc.V, quant: hc.quant, pix: c.pix, coef: c.coef, mask: c.mask}
		if single {
			c.h, c.v = 1, 1
		}
		c.width, c.height = h.PlaneSize(i, s)
		width, height := h.PlaneSize(i, Full)
		c.blocksX, c.blocksY = ceilDiv(width, 8), ceilDiv(height, 8)
		c.paddedX, c.paddedY = f.mcusX*c.h, f.mcusY*c.v
		c.stride = c.paddedX * int(s)
	}
	f.keep, f.kept, f.limit = int(s)*int(s), 0, 0
	for k, natural := range zigzag {
		row, column := int(natural)/8, int(natural)%8
		f.place[k] = nowhere
		if row < int(s) && column < int(s) {
			f.place[k] = uint8(row*int(s) + column)
			f.kept |= 1 << k
			f.limit = k + 1
		}
	}
}

// latch keeps the quantisation table for a component whose first scan begins.
func (c *component) latch(f *frame, table *[64]uint16) {
	for k, step := range table {
		c.steps[k] = int32(step)
		if f.kept>>k&1 != 0 {
			c.stepAt[f.place[k]] = int32(step)
		}
	}
	c.latched = true
}

// inverse turns a dequantised block into samples; last is the zigzag index of its last
// coefficient.
func inverseTransform(block *[64]int32, out []byte, stride, last int, s Scale) {
	switch s {
	case Eighth:
		out[0] = level(block[0])
	case Quarter:
		idct2(block, out, stride)
	case Half:
		idct4(block, out, stride, last)
	case Full:
		idct8(block, out, stride, last)
	}
}

// grow gives a slice of n elements of any content, out of s where it is long enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
