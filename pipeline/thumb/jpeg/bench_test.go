package jpeg

import (
	"bytes"
	stdjpeg "image/jpeg"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb/jpeg/jpegtest"
)

// BenchmarkDecode decodes a phone photo of 12 megapixels, header and all.
func BenchmarkDecode(b *testing.B) {
	photo := samples.Photo(samples.Options{Width: 4032, Height: 3024, Quality: 90})
	for _, s := range scales {
		b.Run(map[Scale]string{Eighth: "1in8", Quarter: "1in4", Half: "1in2", Full: "1in1"}[s], func(b *testing.B) {
			benchmark(b, photo, s)
		})
	}
	b.Run("image-jpeg", func(b *testing.B) {
		for b.Loop() {
			_, err := stdjpeg.Decode(bytes.NewReader(photo))
			require.NoError(b, err)
		}
	})
}

// BenchmarkProgressive decodes random coefficients of 2 megapixels.
func BenchmarkProgressive(b *testing.B) {
	m := jpegtest.New(1920, 1080, samplings["4:2:0"], 1)
	data := jpegtest.Encode(m, jpegtest.Options{Progressive: true})
	for _, s := range scales {
		b.Run(map[Scale]string{Eighth: "1in8", Quarter: "1in4", Half: "1in2", Full: "1in1"}[s], func(b *testing.B) {
			benchmark(b, data, s)
		})
	}
}

func benchmark(b *testing.B, data []byte, s Scale) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	var d Decoder
	sink := func(Band) error { return nil }
	for b.Loop() {
		h, err := ReadHeader(data)
		require.NoError(b, err)
		_, err = d.Decode(b.Context(), data, h, Options{Scale: s}, sink)
		require.NoError(b, err)
	}
}
