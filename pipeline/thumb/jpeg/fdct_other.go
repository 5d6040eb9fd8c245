//go:build !amd64 || purego

package jpeg

func transform(coef *[2][64]int16, in *[2]Samples, n int, q *quantTable) (masks [2]uint64) {
	return transformGo(coef, in, n, q)
}
