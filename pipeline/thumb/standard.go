package thumb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/disintegration/imaging"
	"golang.org/x/image/webp"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
)

// standard renders with the decoders of the standard library and x/image, and with
// imaging as the resampler.
type standard struct{}

// cost counts the decoded image, what it shrinks to, and the two copies that orienting
// and resizing take of that.
func (standard) cost(p picture, targets []target) int64 {
	if len(targets) == 0 {
		return 0
	}
	f := int64(shrinkFactor(p, targets))
	base := (int64(p.width)/f + 1) * (int64(p.height)/f + 1) * 4
	strip := int64(p.width) * (f + 1) * 4
	return p.pixels()*p.depth + 3*base + strip
}

func (standard) render(ctx context.Context, p picture, targets []target) ([]pipeline.Thumbnail, error) {
	if len(targets) == 0 {
		return nil, nil
	}
	base, err := decodeShrunk(ctx, p, shrinkFactor(p, targets))
	if err != nil {
		return nil, err
	}
	base = orient(base, p.orientation)
	thumbs := make([]pipeline.Thumbnail, len(targets))
	from := base
	for _, i := range largestFirst(targets) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := targets[i]
		// A cascade: a smaller one is made from the one before, unless that has hardly more
		// pixels than it, when filtering twice would blur.
		if w := from.Rect.Dx(); from != base && w != t.width && w < 2*t.width {
			from = base
		}
		if from.Rect.Dx() != t.width || from.Rect.Dy() != t.height {
			from = imaging.Resize(from, t.width, t.height, imaging.Lanczos)
		}
		data, err := encode(from, t.quality)
		if err != nil {
			return nil, err
		}
		thumbs[i] = pipeline.Thumbnail{Preset: t.preset, Width: t.width, Height: t.height, JPEG: data}
	}
	return thumbs, nil
}

// decodeShrunk decodes and normalises; the decoded image is garbage when it returns.
func decodeShrunk(ctx context.Context, p picture, factor int) (*image.NRGBA, error) {
	img, at, err := decode(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return shrink(ctx, canvas{img: img, at: at, width: p.width, height: p.height}, factor)
}

// decode gives the first frame and where its origin lies on the canvas.
func decode(ctx context.Context, p picture) (image.Image, image.Point, error) {
	r := ctxReader{ctx: ctx, r: bytes.NewReader(p.data)}
	var img image.Image
	var err error
	switch p.kind {
	case probe.TypeJPEG:
		img, err = jpeg.Decode(r)
	case probe.TypePNG:
		img, err = png.Decode(r)
	case probe.TypeGIF:
		// Decode stops behind the first frame, whose bounds say where it lies.
		img, err = gif.Decode(r)
		return img, image.Point{}, err
	case probe.TypeWebP:
		if p.frame != nil {
			return decodeFrame(ctx, p.frame)
		}
		img, err = webp.Decode(r)
	default:
		err = errors.New("no decoder")
	}
	if err != nil {
		return nil, image.Point{}, err
	}
	if got := img.Bounds(); got.Dx() != p.width || got.Dy() != p.height {
		return nil, image.Point{}, fmt.Errorf("the header says %d x %d pixels, the image has %d x %d",
			p.width, p.height, got.Dx(), got.Dy())
	}
	return img, image.Point{}, nil
}

// decodeFrame decodes the first frame of an animated WebP, which lies within a canvas
// that was checked.
func decodeFrame(ctx context.Context, f *webpFrame) (image.Image, image.Point, error) {
	cfg, err := webp.DecodeConfig(bytes.NewReader(f.still))
	if err != nil {
		return nil, f.at, err
	}
	if cfg.Width != f.width || cfg.Height != f.height {
		return nil, f.at, errFrame
	}
	img, err := webp.Decode(ctxReader{ctx: ctx, r: bytes.NewReader(f.still)})
	return img, f.at, err
}

// orient turns an image upright (EXIF 2.32, tag 0x0112). imaging turns to the left.
func orient(img *image.NRGBA, orientation int) *image.NRGBA {
	switch orientation {
	case 2:
		return imaging.FlipH(img)
	case 3:
		return imaging.Rotate180(img)
	case 4:
		return imaging.FlipV(img)
	case 5:
		return imaging.Transpose(img)
	case 6:
		return imaging.Rotate270(img)
	case 7:
		return imaging.Transverse(img)
	case 8:
		return imaging.Rotate90(img)
	}
	return img
}

// encode writes a JPEG without any metadata. The pixels are opaque, so they are the same
// as RGBA, for which image/jpeg has a fast path.
func encode(img *image.NRGBA, quality int) ([]byte, error) {
	var b bytes.Buffer
	rgba := &image.RGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}
	err := jpeg.Encode(io.Writer(&b), rgba, &jpeg.Options{Quality: quality})
	return b.Bytes(), err
}
