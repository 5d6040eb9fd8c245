//go:build !amd64 || purego

package jpeg

const vectors = false

func idct8Vector(b *[64]int32, out *byte, stride int) { panic("jpeg: no vectors here") }

func idct4Vector(b *[64]int32, out *byte, stride int) { panic("jpeg: no vectors here") }
