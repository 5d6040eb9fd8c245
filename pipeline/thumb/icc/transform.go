package icc

import (
	"math"
	"sync"
)

// Light is counted in fractions of 2^-19 of white, three lanes of 21 bits in a uint64; bias
// keeps a lane from going below zero. Of a lane the upper lightBits index the encoder, which
// has 8192 steps between black and white: at its steepest one is 0.4 levels.
const (
	laneBits  = 21
	fraction  = 19
	bias      = -lowest
	lightBits = 15
	lightMask = 1<<lightBits - 1
	dropped   = laneBits - lightBits
	toIndex   = 1 << (fraction - dropped) // steps per unit of light
)

// YCbCr of JFIF goes beyond 0..255 on its way to RGB, by 1.772 * 128 at most.
const (
	beyond = 227
	levels = 1024 // more than those, so that a mask keeps an index within
)

// Transform converts samples of a profile to sRGB, in place. It is safe for concurrent use.
type Transform struct {
	// light gives for each channel and level, which is clamped, what it adds to the light of
	// the three channels of sRGB.
	light [3]*[levels]uint64
	// encode gives the level for light.
	encode *[lightMask + 1]uint8
	// gray converts samples without colour.
	gray [256]uint8
}

// ToSRGB makes the conversion of a profile to sRGB; nil where there is nothing to do (SRGB)
// and where there is no way (Other). It takes a tenth of a millisecond.
func (p Profile) ToSRGB() *Transform {
	if p.kind == SRGB || p.kind == Other {
		return nil
	}
	t := &Transform{encode: encoder()}
	for channel, curve := range p.toLinear {
		t.light[channel] = new([levels]uint64)
		for i := range levels {
			light := curve[min(max(i-beyond, 0), 255)]
			for lane := range 3 {
				v := p.toSRGB[lane][channel] * light
				if channel == 0 {
					v += bias
				}
				// Negative parts borrow from the next lane and give back in the sum.
				t.light[channel][i] += uint64(int64(math.Round(v*(1<<fraction)))) << (lane * laneBits)
			}
		}
	}
	for level := range t.gray {
		_, t.gray[level], _ = t.convert(int32(level+beyond), int32(level+beyond), int32(level+beyond))
	}
	return t
}

// encoder is the same for all transforms, and most of what one costs.
var encoder = sync.OnceValue(func() *[lightMask + 1]uint8 {
	var e [lightMask + 1]uint8
	for i := range e {
		light := (float64(i)+0.5)/toIndex - bias
		e[i] = uint8(math.Round(255 * encode(min(max(light, 0), 1))))
	}
	return &e
})

// convert takes levels shifted by beyond.
func (t *Transform) convert(r, g, b int32) (uint8, uint8, uint8) {
	v := t.light[0][r&(levels-1)] + t.light[1][g&(levels-1)] + t.light[2][b&(levels-1)]
	return t.encode[v>>dropped&lightMask],
		t.encode[v>>(laneBits+dropped)&lightMask],
		t.encode[v>>(2*laneBits+dropped)&lightMask]
}

// RGB converts pixels of step bytes each, 3 or 4, the first three of which are red, green and
// blue, not premultiplied.
func (t *Transform) RGB(pix []byte, step int) {
	for ; len(pix) >= step; pix = pix[step:] {
		p := pix[:3]
		p[0], p[1], p[2] = t.convert(int32(p[0])+beyond, int32(p[1])+beyond, int32(p[2])+beyond)
	}
}

// Gray converts samples of an image without colour. A profile of an RGB space takes each as
// red, green and blue.
func (t *Transform) Gray(pix []byte) {
	for i, v := range pix {
		pix[i] = t.gray[v]
	}
}
