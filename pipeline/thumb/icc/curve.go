package icc

import (
	"encoding/binary"
	"math"
)

// parameters is the number of values of each type of parametric curve (ICC.1:2022 table 68).
var parameters = [...]int{1, 3, 4, 5, 7}

// readCurve tabulates a curveType (10.6) or a parametricCurveType (10.18) for the 256
// levels of a channel, as light within 0..1.
func readCurve(b []byte) (*[256]float64, error) {
	if len(b) < 12 {
		return nil, corrupt("a curve of %d bytes", len(b))
	}
	var f func(float64) float64
	switch string(b[:4]) {
	case "curv":
		f = sampled(b)
	case "para":
		f = parametric(b)
	}
	if f == nil {
		return nil, corrupt("a curve of the type %q", b[:4])
	}
	var out [256]float64
	for level := range out {
		light := f(float64(level) / 255)
		if math.IsNaN(light) {
			return nil, corrupt("a curve without a value")
		}
		out[level] = min(max(light, 0), 1)
	}
	return &out, nil
}

// sampled is a curve of 0 entries (the identity), of one (an exponent), or of a table that
// is interpolated; nil for one that is cut.
func sampled(b []byte) func(float64) float64 {
	be := binary.BigEndian
	n, table := uint64(be.Uint32(b[8:])), b[12:]
	if 2*n > uint64(len(table)) {
		return nil
	}
	switch n {
	case 0:
		return func(v float64) float64 { return v }
	case 1:
		exponent := float64(be.Uint16(table)) / 256 // u8Fixed8Number
		return func(v float64) float64 { return math.Pow(v, exponent) }
	}
	return func(v float64) float64 {
		at := v * float64(n-1)
		i := min(uint64(at), n-2)
		lo, hi := float64(be.Uint16(table[2*i:])), float64(be.Uint16(table[2*i+2:]))
		return (lo + (hi-lo)*(at-float64(i))) / 65535
	}
}

// parametric is a curve of the function types 0 to 4; nil for others and for cut ones.
func parametric(b []byte) func(float64) float64 {
	kind := int(binary.BigEndian.Uint16(b[8:]))
	if kind >= len(parameters) || len(b) < 12+4*parameters[kind] {
		return nil
	}
	var p [7]float64
	for i := range parameters[kind] {
		p[i] = fixed(b[12+4*i:])
	}
	g, a, bb, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	power := func(v float64) float64 { return math.Pow(max(a*v+bb, 0), g) }
	switch kind {
	case 0:
		return func(v float64) float64 { return math.Pow(v, g) }
	case 1: // 0 below -b/a
		c, e, f, d = 0, 0, 0, -bb/a
	case 2: // c below -b/a
		c, e, f, d = 0, c, c, -bb/a
	}
	return func(v float64) float64 {
		if v >= d {
			return power(v) + e
		}
		return c*v + f
	}
}

// encode is the transfer function of sRGB: light 0..1 to a value 0..1.
func encode(light float64) float64 {
	if light <= 0.0031308 {
		return 12.92 * light
	}
	return 1.055*math.Pow(light, 1/2.4) - 0.055
}
