package chaos

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"sync"

	"github.com/afterput/afterput/pipeline/probe/samples"
)

// hues are the colours by which the judge tells whose thumbnail it sees; far enough
// apart that JPEG cannot mix them up.
var hues = []color.RGBA{
	{200, 30, 30, 255},
	{30, 160, 30, 255},
	{30, 30, 200, 255},
	{200, 200, 30, 255},
	{200, 30, 200, 255},
	{30, 200, 200, 255},
	{240, 130, 20, 255},
	{110, 110, 110, 255},
}

// pictures are a small JPEG of each hue, made once.
var pictures = sync.OnceValue(func() [][]byte {
	all := make([][]byte, 0, len(hues))
	for _, h := range hues {
		img := image.NewRGBA(image.Rect(0, 0, 400, 300))
		for i := range img.Pix {
			// A gentle slope, so that there is something to resize.
			c := [4]uint8{h.R, h.G, h.B, h.A}[i%4]
			if i%4 < 3 {
				c = uint8(min(255, int(c)+(i/4)%400/20)) //nolint:gosec // at most 255
			}
			img.Pix[i] = c
		}
		var b bytes.Buffer
		_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}) // into memory, within limits: never fails
		all = append(all, b.Bytes())
	}
	return all
})

// photos are two as phones send them, with a place in their EXIF block that no thumbnail
// may show.
var photos = sync.OnceValue(func() [][]byte {
	return [][]byte{
		samples.Photo(samples.Options{Seed: 1, GPS: true}),
		samples.Photo(samples.Options{Seed: 2, GPS: true, Width: 1920, Height: 1080, Orientation: 6}),
	}
})

// hueOf tells which hue a picture has on the whole.
func hueOf(img image.Image) int {
	b := img.Bounds()
	var r, g, bl, n int
	for y := b.Min.Y; y < b.Max.Y; y += 4 {
		for x := b.Min.X; x < b.Max.X; x += 4 {
			cr, cg, cb, _ := img.At(x, y).RGBA()
			r, g, bl, n = r+int(cr>>8), g+int(cg>>8), bl+int(cb>>8), n+1
		}
	}
	best, least := -1, 1<<30
	for i, h := range hues {
		dr, dg, db := r/n-int(h.R)-10, g/n-int(h.G)-10, bl/n-int(h.B)-10
		if d := dr*dr + dg*dg + db*db; d < least {
			best, least = i, d
		}
	}
	return best
}
