package jpeg

import (
	"fmt"
	"testing"
)

func BenchmarkEncode(b *testing.B) {
	for _, size := range [][2]int{{1280, 960}, {480, 360}, {160, 120}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			p := picture(size[0], size[1], Sampling420, scene)
			var e Encoder
			file, err := e.Encode(nil, p, EncodeOptions{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetBytes(int64(size[0] * size[1]))
			for b.Loop() {
				if file, err = e.Encode(file[:0], p, EncodeOptions{}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(file)), "bytes")
		})
	}
}

func BenchmarkTransform(b *testing.B) {
	var q quantTable
	q.reset(&lumaSteps, 80)
	block := blocksOf()[2]
	var coef [2][64]int16
	in := [2]Samples{{block[:], 8}, {block[:], 8}}
	b.SetBytes(128)
	for b.Loop() {
		transform(&coef, &in, 2, &q)
	}
}
