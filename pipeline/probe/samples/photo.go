package samples

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"
)

// Options describe a photo. The zero value is an upright phone photo of 1080 x 1920.
type Options struct {
	// Width and Height are pixels as stored, 1..65535; 0 means 1080 and 1920. Others are
	// brought into the range.
	Width, Height int
	// Seed chooses the scene: the light, the mountains, the weather. Every seed is good.
	Seed uint64
	// Orientation is the EXIF orientation 1..8: the scene stands upright once it is
	// applied. 0 writes none.
	Orientation int
	// GPS writes a place in China into the EXIF block, which a thumbnail must not show.
	GPS bool
	// Quality is the JPEG quality 1..100; 0 means 85.
	Quality int
	// Profile is an ICC profile to embed, see Profile; nil for none. The samples are the same
	// with and without it.
	Profile []byte
}

func (o Options) normal() Options {
	if o.Width == 0 && o.Height == 0 {
		o.Width, o.Height = 1080, 1920
	}
	o.Width = min(max(o.Width, 1), 65535)
	o.Height = min(max(o.Height, 1), 65535)
	if o.Orientation < 1 || o.Orientation > 8 {
		o.Orientation = 0
	}
	if o.Quality == 0 {
		o.Quality = 85
	}
	o.Quality = min(max(o.Quality, 1), 100)
	return o
}

// Photo makes a baseline 4:2:0 JPEG with an EXIF block: a landscape in the evening or in
// the morning, with the smooth gradients, textures and grain of a real photo, so that it
// is as large and as slow to decode as one. A photo of 12 megapixels takes well below a
// second of one core.
func Photo(o Options) []byte {
	o = o.normal()
	w, h := o.Width, o.Height
	if o.Orientation >= 5 {
		w, h = h, w
	}
	img := paint(w, h, o.Seed)
	if o.Orientation > 1 {
		img = storedYCbCr(img, o.Orientation)
	}
	var b bytes.Buffer
	b.Grow(w * h / 6)
	// Encoding into memory fails for sizes above 65535 only, which normal rules out.
	_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: o.Quality})
	rnd := rand.New(rand.NewPCG(o.Seed, 1))
	return withSegments(WithProfile(b.Bytes(), o.Profile), exifSegment(exifOptions{
		orientation: o.Orientation,
		gps:         o.GPS,
		lat:         22 + 18*rnd.Float64(),
		lon:         100 + 20*rnd.Float64(),
	}))
}

// stored tells where the display pixel x, y lies in the stored image of w x h pixels
// (EXIF 2.32, tag 0x0112).
func stored(orientation, x, y, w, h int) (sx, sy int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}

// storedYCbCr turns an upright image into the one that a camera would store.
func storedYCbCr(img *image.YCbCr, orientation int) *image.YCbCr {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if orientation >= 5 {
		w, h = h, w
	}
	out := image.NewYCbCr(image.Rect(0, 0, w, h), img.SubsampleRatio)
	dw, dh := img.Rect.Dx(), img.Rect.Dy()
	storedPlane(out.Y, out.YStride, img.Y, img.YStride, dw, dh, orientation)
	storedPlane(out.Cb, out.CStride, img.Cb, img.CStride, (dw+1)/2, (dh+1)/2, orientation)
	storedPlane(out.Cr, out.CStride, img.Cr, img.CStride, (dw+1)/2, (dh+1)/2, orientation)
	return out
}

// storedPlane moves one plane of w x h display pixels. The way is the same for all
// pixels of a row, so two of them give start and step.
func storedPlane(dst []byte, dstStride int, src []byte, srcStride, w, h, orientation int) {
	sw, sh := w, h
	if orientation >= 5 {
		sw, sh = h, w
	}
	for y := range h {
		sx, sy := stored(orientation, 0, y, sw, sh)
		nx, ny := stored(orientation, 1, y, sw, sh)
		at, step := sy*dstStride+sx, (ny-sy)*dstStride+nx-sx
		for _, v := range src[y*srcStride : y*srcStride+w] {
			dst[at] = v
			at += step
		}
	}
}
