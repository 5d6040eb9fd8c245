package samples

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/png"
)

// PNG makes an image with an alpha channel: an opaque red disc on nothing at all. The
// corners are transparent black, so a thumbnail that forgets alpha shows black there.
func PNG(w, h int) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			dx, dy := float64(2*x+1-w)/float64(w), float64(2*y+1-h)/float64(h)
			if d := dx*dx + dy*dy; d < 0.8 {
				img.SetNRGBA(x, y, color.NRGBA{R: 220, G: byte(60 * d), B: 40, A: 255})
			}
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img) // fails for sizes that are none only
	return b.Bytes()
}

// GIF makes an animation of w x h pixels whose first frame is green and whose later ones
// are blue. The frames begin at the offset 1, 1 where that leaves a pixel, because not every
// frame covers the logical screen.
func GIF(w, h, frames int) []byte {
	at := image.Pt(0, 0)
	if w > 1 && h > 1 {
		at = image.Pt(1, 1)
	}
	colors := color.Palette{color.RGBA{0, 160, 60, 255}, color.RGBA{0, 60, 200, 255}}
	anim := gif.GIF{Config: image.Config{Width: w, Height: h, ColorModel: colors}}
	for i := range frames {
		frame := image.NewPaletted(image.Rectangle{at, image.Pt(w, h)}, colors)
		if i > 0 {
			for j := range frame.Pix {
				frame.Pix[j] = 1
			}
		}
		anim.Image = append(anim.Image, frame)
		anim.Delay = append(anim.Delay, 10)
	}
	var b bytes.Buffer
	_ = gif.EncodeAll(&b, &anim) // fails for no frames or sizes that are none only
	return b.Bytes()
}

// CMYKJPEG makes a JPEG of four components with an Adobe segment, as print shops send
// it: one even grey. Go has no encoder for these. All coefficients are zero and both
// Huffman tables know a single code, "0", so the scan is nothing but zero bits.
func CMYKJPEG(w, h int) []byte {
	out := []byte{0xff, 0xd8}
	add := func(marker byte, body []byte) { out = append(out, segment{marker, body}.bytes()...) }
	add(0xee, []byte("Adobe\x00\x64\x00\x00\x00\x00\x00"))
	add(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...))
	sof := []byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), 4}
	scan := []byte{4}
	for id := byte(1); id <= 4; id++ {
		sof = append(sof, id, 0x11, 0)
		scan = append(scan, id, 0)
	}
	add(0xc0, sof)
	for _, table := range []byte{0x00, 0x10} {
		dht := make([]byte, 18)
		dht[0], dht[1] = table, 1
		add(0xc4, dht)
	}
	add(0xda, append(scan, 0, 63, 0))
	blocks := ((w + 7) / 8) * ((h + 7) / 8) * 4
	out = append(out, make([]byte, (2*blocks+7)/8)...)
	return append(out, 0xff, 0xd9)
}

// PhotoPNG makes the scene of Photo as an RGB PNG without metadata, which is about ten times
// as large. Orientation, GPS and Quality do not count.
func PhotoPNG(o Options) []byte {
	o = o.normal()
	scene := paint(o.Width, o.Height, o.Seed)
	img := image.NewRGBA(scene.Rect)
	for y := range o.Height {
		row := img.Pix[y*img.Stride:]
		for x := range o.Width {
			p := row[4*x : 4*x+4]
			c := scene.COffset(x, y)
			p[0], p[1], p[2] = color.YCbCrToRGB(scene.Y[scene.YOffset(x, y)], scene.Cb[c], scene.Cr[c])
			p[3] = 255
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img) // fails for sizes that are none only
	return WithProfile(b.Bytes(), o.Profile)
}
