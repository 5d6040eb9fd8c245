package icc

import "math"

// matrix is applied to columns.
type matrix [3][3]float64

var (
	identity = matrix{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	// xyzToSRGB takes XYZ under D50 to linear sRGB: the inverse of the primaries of IEC
	// 61966-2-1 adapted from D65 by the Bradford matrix (ICC.1:2022 annex E).
	xyzToSRGB = matrix{
		{3.1341359, -1.6172864, -0.4906927},
		{-0.9787955, 1.9161618, 0.0334534},
		{0.0719553, -0.2289769, 1.4053868},
	}
	// displayP3 takes linear Display P3 to linear sRGB.
	displayP3 = matrix{
		{1.2249402, -0.2249402, 0},
		{-0.0420570, 1.0420570, 0},
		{-0.0196376, -0.0786361, 1.0982735},
	}
)

// What light of sRGB a colour of a profile may come to: the widest spaces in use, such as
// ProPhoto RGB, stay within -1.04..2.04.
const (
	lowest  = -1.5
	highest = 2.5
)

func (m matrix) times(b matrix) (out matrix) {
	for i := range out {
		for j := range out[i] {
			out[i][j] = m[i][0]*b[0][j] + m[i][1]*b[1][j] + m[i][2]*b[2][j]
		}
	}
	return out
}

// near tells that no colour differs by much more than a level.
func (m matrix) near(b matrix) bool {
	for i := range m {
		for j := range m[i] {
			if math.Abs(m[i][j]-b[i][j]) > 0.003 {
				return false
			}
		}
	}
	return true
}

// within tells whether all that comes of components of 0..1 lies within lo..hi.
func (m matrix) within(lo, hi float64) bool {
	for _, row := range m {
		var least, most float64
		for _, v := range row {
			least, most = least+min(v, 0), most+max(v, 0)
		}
		if least <= lo || most >= hi {
			return false
		}
	}
	return true
}
