//go:build amd64 && !purego

package jpeg

import "golang.org/x/sys/cpu"

// vectors says that the transforms may use AVX2. The tag purego leaves the vectors out.
var vectors = cpu.X86.HasAVX2

// idct8Vector is idct8Scalar with the same integers, eight columns or rows at a time. It
// writes eight bytes at each of out, out+stride, ... out+7*stride.
//
//go:noescape
func idct8Vector(b *[64]int32, out *byte, stride int)

// idct4Vector is idct4Scalar likewise.
//
//go:noescape
func idct4Vector(b *[64]int32, out *byte, stride int)
