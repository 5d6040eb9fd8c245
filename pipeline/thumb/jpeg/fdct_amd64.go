//go:build !purego

package jpeg

import "golang.org/x/sys/cpu"

// transform is transformGo, in vector instructions where the machine has them.
func transform(coef *[2][64]int16, in *[2]Samples, n int, q *quantTable) (masks [2]uint64) {
	if !cpu.X86.HasAVX2 {
		return transformGo(coef, in, n, q)
	}
	a, b := in[0], in[n-1]
	_, _ = a.Pix[7*a.Stride+7], b.Pix[7*b.Stride+7]
	first, second := transformAVX2(coef, &a.Pix[0], a.Stride, &b.Pix[0], b.Stride, q)
	return [2]uint64{zigzagMask(first), zigzagMask(second)}
}

// zigzagRows has, for each row of a block in natural order and each set of its columns, the
// set of zigzag indices.
var zigzagRows = func() (t [8][256]uint64) {
	for i, natural := range zigzag {
		row := &t[natural/8]
		for set := range row {
			row[set] |= uint64(set>>(natural%8)&1) << i
		}
	}
	return t
}()

// zigzagMask turns a set of indices in natural order into one of indices in zigzag order.
func zigzagMask(natural uint64) uint64 {
	return zigzagRows[0][natural&0xff] | zigzagRows[1][natural>>8&0xff] |
		zigzagRows[2][natural>>16&0xff] | zigzagRows[3][natural>>24&0xff] |
		zigzagRows[4][natural>>32&0xff] | zigzagRows[5][natural>>40&0xff] |
		zigzagRows[6][natural>>48&0xff] | zigzagRows[7][natural>>56]
}

// transformAVX2 does for two blocks at once what transformGo does, but for the order of the
// masks, which is natural.
//
//go:noescape
func transformAVX2(coef *[2][64]int16, a *byte, strideA int, b *byte, strideB int, q *quantTable) (maskA, maskB uint64)
