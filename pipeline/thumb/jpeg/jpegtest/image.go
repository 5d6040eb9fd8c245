package jpegtest

import "math/rand/v2"

// Factors are the sampling factors of a component, each 1..4.
type Factors struct{ H, V int }

// Image is an image as quantised coefficients.
type Image struct {
	// Width and Height are in pixels.
	Width, Height int
	Components    []Component
	// Quant has the quantisation steps in zigzag order. Tables that begin with 0 are not
	// written.
	Quant [4][64]uint16
}

// Component is one plane.
type Component struct {
	ID byte
	Factors
	// Quant is the index of the quantisation table.
	Quant int
	// Blocks has the coefficients of each block in zigzag order, row by row.
	Blocks [][64]int16
	// Across is how many blocks a row has: those of whole MCUs.
	Across int
	// RealX and RealY are the blocks that hold samples of the image.
	RealX, RealY int
}

// New makes an image of random coefficients that look like those of a photo: most blocks
// have few, some have many. The IDs are 1, 2, 3, 4; the first component has table 0, the
// others table 1. The same arguments give the same image.
func New(width, height int, factors []Factors, seed uint64) *Image {
	rnd := rand.New(rand.NewPCG(seed, uint64(width)<<32|uint64(height)))
	m := &Image{Width: width, Height: height}
	for k := range 64 {
		m.Quant[0][k], m.Quant[1][k] = uint16(3+k/3), uint16(4+k/2)
	}
	hMax, vMax := 1, 1
	for _, f := range factors {
		hMax, vMax = max(hMax, f.H), max(vMax, f.V)
	}
	mcusX, mcusY := up(width, 8*hMax), up(height, 8*vMax)
	for i, f := range factors {
		c := Component{ID: byte(i + 1), Factors: f, Quant: min(i, 1)}
		c.RealX, c.RealY = up(up(width*f.H, hMax), 8), up(up(height*f.V, vMax), 8)
		across, down := mcusX*f.H, mcusY*f.V
		if len(factors) == 1 {
			across, down = c.RealX, c.RealY
		}
		c.Across = across
		c.Blocks = make([][64]int16, across*down)
		fill(c.Blocks, rnd)
		m.Components = append(m.Components, c)
	}
	return m
}

func fill(blocks [][64]int16, rnd *rand.Rand) {
	dc := 0
	for i := range blocks {
		dc = min(max(dc+rnd.IntN(121)-60, -300), 300)
		blocks[i][0] = int16(dc)
		end := 0
		switch rnd.IntN(8) {
		case 0: // nothing but DC
		case 1, 2, 3:
			end = 1 + rnd.IntN(9)
		case 4:
			end = 63 // with a coefficient at the very end
			blocks[i][63] = int16(1 + rnd.IntN(3))
		default:
			end = 1 + rnd.IntN(63)
		}
		for k := 1; k <= end; k++ {
			if rnd.IntN(1+k/4) > 0 {
				continue
			}
			limit := 1 + 40/k
			if rnd.IntN(50) == 0 {
				limit *= 8
			}
			blocks[i][k] = int16(rnd.IntN(2*limit+1) - limit)
		}
	}
}

func up(a, b int) int { return (a + b - 1) / b }
