package jpeg

import "math/bits"

// The quantisation steps of tables K.1 and K.2, in natural order.
var (
	lumaSteps = [64]uint8{
		16, 11, 10, 16, 24, 40, 51, 61,
		12, 12, 14, 19, 26, 58, 60, 55,
		14, 13, 16, 24, 40, 57, 69, 56,
		14, 17, 22, 29, 51, 87, 80, 62,
		18, 22, 37, 56, 68, 109, 103, 77,
		24, 35, 55, 64, 81, 104, 113, 92,
		49, 64, 78, 87, 103, 121, 120, 101,
		72, 92, 95, 98, 112, 100, 103, 99,
	}
	chromaSteps = [64]uint8{
		17, 18, 24, 47, 99, 99, 99, 99,
		18, 21, 26, 66, 99, 99, 99, 99,
		24, 26, 56, 99, 99, 99, 99, 99,
		47, 66, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
		99, 99, 99, 99, 99, 99, 99, 99,
	}
)

// A quantTable divides coefficients by the steps of one quality.
type quantTable struct {
	steps [64]uint8 // 1..255, in natural order
	// The transform gives coefficients times 8, so the divisor is 8*step. Adding half of
	// it makes the division round to nearest, and the division is a product: for every
	// n up to 1<<15, n/divisor == n*factor >> 16 >> shift, exactly, because factor, rounded up,
	// is off by less than one part in n. scale is 1<<(16-shift), for machines that
	// shift by a product.
	half, factor, scale [64]uint16
	shift               [64]uint8
}

// reset scales the steps of annex K as libjpeg does, and prepares the divisions.
func (t *quantTable) reset(steps *[64]uint8, quality int) {
	percent := 200 - 2*quality
	if quality < 50 {
		percent = 5000 / quality
	}
	for i, step := range steps {
		scaled := max(1, min(255, (int(step)*percent+50)/100)) // 8 bits are all that baseline has
		divisor := uint32(8 * scaled)
		shift := bits.Len32(divisor-1) - 1 // the largest for which the factor fits 16 bits
		t.steps[i] = uint8(scaled)
		t.half[i] = uint16(divisor / 2)
		t.factor[i] = uint16((1<<(16+shift) + divisor - 1) / divisor)
		t.shift[i] = uint8(shift)
		t.scale[i] = 1 << (16 - shift)
	}
}
