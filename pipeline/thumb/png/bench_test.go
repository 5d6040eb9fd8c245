package png_test

import (
	"bytes"
	stdpng "image/png"
	"os"
	"testing"

	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb/png"
)

// photo has 12 megapixels. AFTERPUT_BENCH_PNG names another file.
func photo(b *testing.B) []byte {
	b.Helper()
	if name := os.Getenv("AFTERPUT_BENCH_PNG"); name != "" {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		return data
	}
	return samples.PhotoPNG(samples.Options{Width: 4032, Height: 3024})
}

func BenchmarkDecode(b *testing.B) {
	data := photo(b)
	var d png.Decoder
	b.ReportAllocs()
	for b.Loop() {
		h, err := png.ReadHeader(data)
		if err != nil {
			b.Fatal(err)
		}
		if err := d.Decode(b.Context(), data, h, func(int, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStandard(b *testing.B) {
	data := photo(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := stdpng.Decode(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
