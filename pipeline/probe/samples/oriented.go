package samples

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
)

// Oriented makes a JPEG of four quarters with EXIF orientation o, 1..8: once it is
// applied, the image is 128 x 96 pixels, red at the top left, green at the top right, blue
// at the bottom left and white at the bottom right. 0 and others mean 1, without EXIF.
func Oriented(o int) []byte {
	const dw, dh = 128, 96
	w, h := dw, dh
	if o >= 5 && o <= 8 {
		w, h = dh, dw
	}
	quarters := [4]color.RGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {255, 255, 255, 255}}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range dh {
		for x := range dw {
			sx, sy := stored(o, x, y, w, h)
			img.SetRGBA(sx, sy, quarters[2*(2*y/dh)+2*x/dw])
		}
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}) // memory, a fixed size: cannot fail
	if o < 1 || o > 8 {
		return b.Bytes()
	}
	return withSegments(b.Bytes(), exifSegment(exifOptions{orientation: o}))
}
