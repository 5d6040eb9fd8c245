package icc

// Planes are samples of full-range YCbCr as JFIF defines them (ITU-T T.871 clause 7).
type Planes struct {
	Y, Cb, Cr []byte
	// YStride and CStride are the bytes from row to row.
	YStride, CStride int
	// Width and Height are those of Y; the chroma planes are as wide and as high, divided by
	// the factors and rounded up.
	Width, Height int
	// HFactor and VFactor are how many luma samples share a chroma sample, 1 or 2 each.
	HFactor, VFactor int
}

// YCbCr converts planes. The luma samples that share chroma are converted one by one; their
// new chroma is the mean. Levels are within 2 of what arithmetic without rounding gives.
func (t *Transform) YCbCr(p Planes) {
	columns := (p.Width + p.HFactor - 1) / p.HFactor
	for cy := 0; cy*p.VFactor < p.Height; cy++ {
		y := cy * p.VFactor
		cb, cr := p.Cb[cy*p.CStride:][:columns], p.Cr[cy*p.CStride:][:columns]
		top := p.Y[y*p.YStride:][:p.Width]
		var bottom []byte
		if p.VFactor == 2 && y+1 < p.Height {
			bottom = p.Y[(y+1)*p.YStride:][:p.Width]
		}
		done := 0
		if p.HFactor == 2 && bottom != nil {
			done = t.squares(top, bottom, cb, cr)
		}
		for i := done; i < columns; i++ {
			from, to := i*p.HFactor, min((i+1)*p.HFactor, p.Width)
			c := chromaOf(cb[i], cr[i])
			var sum color
			for x := from; x < to; x++ {
				v := t.color(top[x], c)
				top[x], sum = v.luma(), sum.plus(v)
			}
			n := to - from
			if bottom != nil {
				for x := from; x < to; x++ {
					v := t.color(bottom[x], c)
					bottom[x], sum = v.luma(), sum.plus(v)
				}
				n *= 2
			}
			cb[i], cr[i] = sum.chroma(n)
		}
	}
}

// squares is the loop for chroma samples that four luma samples share; it gives the number of
// them.
func (t *Transform) squares(top, bottom, cb, cr []byte) int {
	n := min(len(top)/2, len(bottom)/2, len(cb), len(cr))
	cb, cr = cb[:n], cr[:n]
	for i := range cb {
		c := chromaOf(cb[i], cr[i])
		a, b := top[2*i:2*i+2], bottom[2*i:2*i+2]
		v0, v1, v2, v3 := t.color(a[0], c), t.color(a[1], c), t.color(b[0], c), t.color(b[1], c)
		a[0], a[1], b[0], b[1] = v0.luma(), v1.luma(), v2.luma(), v3.luma()
		cb[i], cr[i] = v0.plus(v1).plus(v2.plus(v3)).chroma(4)
	}
	return n
}

// color is red, green and blue, or what is added to luma for them.
type color struct{ r, g, b int32 }

// chromaOf gives what chroma adds to luma, shifted by beyond.
func chromaOf(cb, cr uint8) color {
	b, r := int32(cb)-128, int32(cr)-128
	const half = 1 << 15
	return color{
		r: beyond + (91881*r+half)>>16,
		g: beyond + (-22554*b-46802*r+half)>>16,
		b: beyond + (116130*b+half)>>16,
	}
}

// color converts a sample of luma with its chroma.
func (t *Transform) color(y uint8, c color) color {
	v := int32(y)
	r, g, b := t.convert(v+c.r, v+c.g, v+c.b)
	return color{int32(r), int32(g), int32(b)}
}

func (c color) plus(d color) color { return color{c.r + d.r, c.g + d.g, c.b + d.b} }

func (c color) luma() uint8 { return uint8((19595*c.r + 38470*c.g + 7471*c.b + 1<<15) >> 16) }

// chroma gives that of the mean of n colours, n being 1, 2 or 4.
func (c color) chroma(n int) (cb, cr uint8) {
	shift := 16 + n/2
	middle := int32(n)<<23 + int32(n)<<15
	b := (-11058*c.r - 21710*c.g + 32768*c.b + middle) >> shift
	r := (32768*c.r - 27439*c.g - 5329*c.b + middle) >> shift
	return uint8(min(b, 255)), uint8(min(r, 255))
}
