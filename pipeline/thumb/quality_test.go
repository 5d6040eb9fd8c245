package thumb_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
)

// reference resizes by averaging areas exactly: slow, plain and independent.
func reference(img image.Image, w, h int) [][3]float64 {
	sw, sh := img.Bounds().Dx(), img.Bounds().Dy()
	out := make([][3]float64, w*h)
	for y := range h {
		y0, y1 := y*sh/h, max((y+1)*sh/h, y*sh/h+1)
		for x := range w {
			x0, x1 := x*sw/w, max((x+1)*sw/w, x*sw/w+1)
			var sum [3]float64
			for sy := y0; sy < y1; sy++ {
				for sx := x0; sx < x1; sx++ {
					r, g, b, _ := img.At(sx, sy).RGBA()
					sum[0], sum[1], sum[2] = sum[0]+float64(r), sum[1]+float64(g), sum[2]+float64(b)
				}
			}
			n := float64((y1-y0)*(x1-x0)) * 257
			out[y*w+x] = [3]float64{sum[0] / n, sum[1] / n, sum[2] / n}
		}
	}
	return out
}

// difference is the mean absolute difference over all channels, 0..255.
func difference(img image.Image, ref [][3]float64) float64 {
	w := img.Bounds().Dx()
	sum := 0.0
	for i, want := range ref {
		r, g, b, _ := img.At(i%w, i/w).RGBA()
		for c, got := range []uint32{r, g, b} {
			sum += math.Abs(float64(got)/257 - want[c])
		}
	}
	return sum / float64(3*len(ref))
}

// Every size of the cascade must look like the original, whatever shrinks it.
func looksLikeTheOriginal(t *testing.T, opt thumb.Options) {
	e := newEngine(t, opt)
	for _, size := range []image.Point{{X: 350, Y: 467}, {X: 701, Y: 467}} {
		data := samples.Photo(samples.Options{Width: size.X, Height: size.Y, Seed: 1, Quality: 95})
		original, err := jpeg.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		var presets []pipeline.Preset
		for _, side := range []int{450, 400, 320, 160, 61, 40} {
			presets = append(presets, pipeline.Preset{Name: fmt.Sprint(side), Width: side, Height: side, Quality: 95})
		}
		thumbs, err := run(t, e, data, presets)
		require.NoError(t, err)
		for i, th := range thumbs {
			want := reference(original, th.Width, th.Height)
			require.Less(t, difference(decodedThumb(t, th), want), 3.0, "%v -> %s", size, th.Preset)
			alone, err := run(t, e, data, presets[i:i+1])
			require.NoError(t, err)
			require.Less(t, difference(decodedThumb(t, alone[0]), want), 3.0, "%v -> %s alone", size, th.Preset)
		}
	}
}

// The control: the measure must tell a turned or shifted image.
func TestDifferenceTellsImagesApart(t *testing.T) {
	t.Parallel()
	img, err := jpeg.Decode(bytes.NewReader(samples.Photo(samples.Options{Width: 400, Height: 400, Seed: 1})))
	require.NoError(t, err)
	other, err := jpeg.Decode(bytes.NewReader(samples.Photo(samples.Options{Width: 400, Height: 400, Seed: 1, Orientation: 6})))
	require.NoError(t, err)
	require.Less(t, difference(img, reference(img, 400, 400)), 0.01)
	require.Greater(t, difference(other, reference(img, 400, 400)), 20.0)
}

func BenchmarkThumbnails(b *testing.B) {
	e := newEngine(b, thumb.Options{})
	for _, size := range []image.Point{{X: 1080, Y: 1920}, {X: 4032, Y: 3024}, {X: 8064, Y: 6048}} {
		data := samples.Photo(samples.Options{Width: size.X, Height: size.Y})
		for _, sides := range [][]int{{320}, {160, 480, 1280}} {
			b.Run(fmt.Sprintf("%dx%d/%v", size.X, size.Y, sides), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := run(b, e, data, box(sides...)); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
