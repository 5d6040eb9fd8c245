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

// transformAVX2 does for two blocks at once what transformGo does, but for the order of the
// masks, which is natural.
//
//go:noescape
func transformAVX2(coef *[2][64]int16, a *byte, strideA int, b *byte, strideB int, q *quantTable) (maskA, maskB uint64)
