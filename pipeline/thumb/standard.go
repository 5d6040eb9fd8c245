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
	"math"

	"github.com/disintegration/imaging"
	"golang.org/x/image/webp"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
)

// standard renders with the decoders of the standard library and x/image, and with
// imaging as the resampler.
type standard struct{}

func (standard) path(p picture, _ []target) Path { return Path{PathStandard, p.kind, 1} }

func (standard) takes(picture) bool { return true }

// cost counts the decoded image, what it shrinks to, the two copies that orienting and
// resizing take of that, and the thumbnails: their pixels, with alpha and without, and their
// files.
func (standard) cost(p picture, targets []target) int64 {
	if len(targets) == 0 {
		return 0
	}
	f := shrinkFactors(p, targets)
	base := int64(p.width/f.x+1) * int64(p.height/f.y+1) * 4
	strip := int64(p.width) * int64(f.y+1) * 4
	cost := p.pixels()*p.depth + p.extra + 3*base + strip
	if p.png != nil {
		cost = p.png.Memory() + 3*base + strip
	}
	for _, t := range targets {
		cost += t.pixels()*8 + t.writing(p.keep)
	}
	return cost + 3*int64(len(p.keep)) + fixedCost
}

// factors are the whole numbers by which the sides of an image are made shorter.
type factors struct{ x, y int }

// shrinkFactors are those by which the decoded image can be averaged down at once. A long
// and thin one keeps its few pixels across, but not all along: the tables of imaging have
// 100 bytes for each.
func shrinkFactors(p picture, targets []target) factors {
	x, y := 0.0, 0.0
	for _, t := range targets {
		x, y = max(x, float64(t.width)/t.view.w), max(y, float64(t.height)/t.view.h)
	}
	if p.turned() {
		x, y = y, x
	}
	return factors{shrinkBy(x), shrinkBy(y)}
}

// shrinkBy is the factor that leaves at least 1.5 pixels for each of the largest target. A
// box filter is as good as any there, since the Lanczos filter follows, and it is what DCT
// scaling does. Its sums have 32 bits, which squares of up to 2 x 1024 samples a side fit
// into.
func shrinkBy(density float64) int { return int(max(min(1/(1.5*density), 1024), 1)) }

func (standard) render(ctx context.Context, p picture, targets []target) ([]pipeline.Thumbnail, error) {
	if len(targets) == 0 {
		return nil, nil
	}
	base, err := decodeShrunk(ctx, p, shrinkFactors(p, targets))
	if err != nil {
		return nil, err
	}
	if p.toSRGB != nil {
		p.toSRGB.RGB(base.Pix, 4)
	}
	base = orient(base, p.orientation)
	whole := view{w: float64(p.uprightWidth()), h: float64(p.uprightHeight())}
	images := make([]*image.NRGBA, len(targets))
	thumbs := make([]pipeline.Thumbnail, len(targets))
	for _, i := range densest(targets) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t := targets[i]
		from, shown := base, whole
		if t.from != decoded {
			from, shown = images[t.from], targets[t.from].view
		}
		images[i] = resize(from, shown, t)
		if thumbs[i], err = encode(images[i], t, p.keep); err != nil {
			return nil, err
		}
	}
	return thumbs, nil
}

// resize makes the pixels of a target from an image that shows what shown says.
func resize(from *image.NRGBA, shown view, t target) *image.NRGBA {
	sx, sy := float64(from.Rect.Dx())/shown.w, float64(from.Rect.Dy())/shown.h
	part := image.Rect(
		int(math.Round((t.view.x-shown.x)*sx)), int(math.Round((t.view.y-shown.y)*sy)),
		int(math.Round((t.view.x+t.view.w-shown.x)*sx)), int(math.Round((t.view.y+t.view.h-shown.y)*sy)))
	part.Max.X, part.Max.Y = max(part.Max.X, part.Min.X+1), max(part.Max.Y, part.Min.Y+1)
	if part != from.Rect {
		from = imaging.Crop(from, part)
	}
	if from.Rect.Dx() != t.width || from.Rect.Dy() != t.height {
		from = imaging.Resize(from, t.width, t.height, imaging.Lanczos)
	}
	return from
}

// decodeShrunk decodes and normalises; the decoded image is garbage when it returns.
func decodeShrunk(ctx context.Context, p picture, by factors) (*image.NRGBA, error) {
	if p.png != nil {
		return shrinkPNG(ctx, p, by)
	}
	img, at, err := decode(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return shrink(ctx, canvas{img: img, at: at, width: p.width, height: p.height}, by)
}

// decode gives the first frame and where its origin lies on the canvas.
func decode(ctx context.Context, p picture) (image.Image, image.Point, error) {
	r := ctxReader{ctx: ctx, r: bytes.NewReader(p.data)}
	var img image.Image
	var err error
	switch p.kind {
	case probe.TypeJPEG:
		img, err = jpeg.Decode(r)
	case probe.TypePNG: // an interlaced one
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
	cfg, err := webp.DecodeConfig(f.still())
	if err != nil {
		return nil, f.at, err
	}
	if cfg.Width != f.width || cfg.Height != f.height {
		return nil, f.at, errFrame
	}
	img, err := webp.Decode(ctxReader{ctx: ctx, r: f.still()})
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

// encode writes a file without any metadata but a colour profile that it needs.
func encode(img *image.NRGBA, t target, profile []byte) (th pipeline.Thumbnail, err error) {
	th = pipeline.Thumbnail{Preset: t.preset.Name, Type: t.preset.Format.Type(), Width: t.width, Height: t.height}
	if t.preset.Format == pipeline.PNG {
		th.Data, err = encodePNG(img, profile)
		return th, err
	}
	var b bytes.Buffer
	err = encodeJPEG(&b, img, t.preset)
	if th.Data = b.Bytes(); profile != nil && err == nil {
		th.Data = withProfile(th.Data, profile)
	}
	return th, err
}

// encodeJPEG writes an image on the background of its preset. Its pixels are opaque then,
// so they are the same as RGBA, for which image/jpeg has a fast path.
func encodeJPEG(w io.Writer, img *image.NRGBA, p pipeline.Preset) error {
	if !img.Opaque() {
		rgb, err := pipeline.Colour(p.Background)
		if err != nil {
			return err
		}
		img = flatten(img, rgb)
	}
	rgba := &image.RGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}
	return jpeg.Encode(w, rgba, &jpeg.Options{Quality: p.Quality})
}

// flatten lays an image on a background.
func flatten(img *image.NRGBA, rgb [3]byte) *image.NRGBA {
	out := image.NewNRGBA(img.Rect)
	for i := 0; i+3 < len(out.Pix); i += 4 {
		a := uint32(img.Pix[i+3])
		for c, ground := range rgb {
			out.Pix[i+c] = byte((uint32(img.Pix[i+c])*a + uint32(ground)*(255-a) + 127) / 255)
		}
		out.Pix[i+3] = 255
	}
	return out
}
