package thumb_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
)

func newEngine(t testing.TB, opt thumb.Options) *thumb.Engine {
	t.Helper()
	e, err := thumb.New(opt)
	require.NoError(t, err)
	return e
}

func box(sides ...int) []pipeline.Preset {
	var out []pipeline.Preset
	for _, s := range sides {
		out = append(out, pipeline.Preset{Name: "box", Width: s, Height: s})
	}
	return out
}

// make runs data through an engine with the facts that a check would find.
func run(t testing.TB, e *thumb.Engine, data []byte, presets []pipeline.Preset) ([]pipeline.Thumbnail, error) {
	t.Helper()
	facts, _ := probe.Detect(data, int64(len(data)))
	return e.Thumbnails(context.Background(), bytes.NewReader(data), facts, int64(len(data)), presets)
}

func decodedThumb(t testing.TB, th pipeline.Thumbnail) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(th.Data))
	require.NoError(t, err)
	require.Equal(t, image.Pt(th.Width, th.Height), img.Bounds().Size())
	return img
}

// near asserts the colour at x, y within what JPEG loses.
func near(t testing.TB, img image.Image, x, y int, rgb uint32) {
	t.Helper()
	r, g, b, _ := img.At(x, y).RGBA()
	const tolerance = 24
	require.InDelta(t, rgb>>16&255, r>>8, tolerance, "red at %d,%d", x, y)
	require.InDelta(t, rgb>>8&255, g>>8, tolerance, "green at %d,%d", x, y)
	require.InDelta(t, rgb&255, b>>8, tolerance, "blue at %d,%d", x, y)
}

func sizes(t *testing.T, opt thumb.Options) {
	e := newEngine(t, opt)
	for _, tc := range []struct {
		name       string
		w, h       int
		boxW, boxH int
		want       image.Point
	}{
		{"wide", 640, 480, 160, 160, image.Pt(160, 120)},
		{"tall", 480, 640, 160, 160, image.Pt(120, 160)},
		{"never larger", 100, 50, 160, 160, image.Pt(100, 50)},
		{"exact", 160, 90, 160, 90, image.Pt(160, 90)},
		{"one pixel a side", 2000, 3, 100, 100, image.Pt(100, 1)},
		{"a single pixel", 1, 1, 100, 100, image.Pt(1, 1)},
		{"into a single pixel", 500, 300, 1, 1, image.Pt(1, 1)},
		{"flat box", 640, 480, 1000, 48, image.Pt(64, 48)},
		{"odd", 641, 479, 200, 200, image.Pt(200, 149)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			data := samples.Photo(samples.Options{Width: tc.w, Height: tc.h})
			thumbs, err := run(t, e, data, []pipeline.Preset{{Name: "p", Width: tc.boxW, Height: tc.boxH}})
			require.NoError(t, err)
			require.Len(t, thumbs, 1)
			require.Equal(t, "p", thumbs[0].Preset)
			require.Equal(t, tc.want, image.Pt(thumbs[0].Width, thumbs[0].Height))
			decodedThumb(t, thumbs[0])
		})
	}
}

func presetsKeepTheirOrder(t *testing.T, opt thumb.Options) {
	presets := []pipeline.Preset{
		{Name: "s", Width: 160, Height: 160},
		{Name: "l", Width: 1280, Height: 1280, Quality: 95},
		{Name: "m", Width: 480, Height: 480},
		{Name: "m2", Width: 470, Height: 470},
		{Name: "again", Width: 160, Height: 160},
	}
	thumbs, err := run(t, newEngine(t, opt), samples.Photo(samples.Options{}), presets)
	require.NoError(t, err)
	for i, p := range presets {
		require.Equal(t, p.Name, thumbs[i].Preset)
		require.Equal(t, p.Height, thumbs[i].Height)
		decodedThumb(t, thumbs[i])
	}
	require.Equal(t, thumbs[0].Data, thumbs[4].Data)
	none, err := run(t, newEngine(t, opt), samples.Photo(samples.Options{}), nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

func orientations(t *testing.T, opt thumb.Options) {
	e := newEngine(t, opt)
	for o := range 9 {
		if o == 0 {
			continue
		}
		data := samples.Oriented(o)
		thumbs, err := run(t, e, data, box(500, 64, 20))
		require.NoError(t, err)
		require.Equal(t, image.Pt(128, 96), image.Pt(thumbs[0].Width, thumbs[0].Height))
		for _, th := range thumbs {
			img := decodedThumb(t, th)
			r, b := th.Width-3, th.Height-3
			near(t, img, 2, 2, 0xff0000)
			near(t, img, r, 2, 0x00ff00)
			near(t, img, 2, b, 0x0000ff)
			near(t, img, r, b, 0xffffff)
		}
		// Without the facts of a check the file itself is asked.
		again, err := e.Thumbnails(t.Context(), bytes.NewReader(data), pipeline.Facts{Type: probe.TypeJPEG}, int64(len(data)), box(500, 64, 20))
		require.NoError(t, err)
		require.Equal(t, thumbs, again)
	}
}

// No metadata survives: no place, no camera, no segment that could hold one.
func noMetadata(t *testing.T, opt thumb.Options) {
	data := samples.Photo(samples.Options{Width: 400, Height: 300, GPS: true, Orientation: 1})
	require.Contains(t, string(data), "Exif")
	thumbs, err := run(t, newEngine(t, opt), data, box(1000, 100))
	require.NoError(t, err)
	for _, th := range thumbs {
		require.NotContains(t, string(th.Data), "Exif")
		require.NotContains(t, string(th.Data), "afterput")
		for i := 2; th.Data[i+1] != 0xda; i += 2 + int(th.Data[i+2])<<8 + int(th.Data[i+3]) {
			m := th.Data[i+1]
			require.False(t, m > 0xe0 && m <= 0xef || m == 0xfe, "segment %x", m)
			if m == 0xe0 {
				require.Equal(t, "\x00\x10JFIF", string(th.Data[i+2:i+8]), "no room for a thumbnail of its own")
			}
		}
	}
}

func formats(t *testing.T, opt thumb.Options) {
	e := newEngine(t, opt)
	for _, tc := range []struct {
		name           string
		in             []byte
		corner, middle uint32
	}{
		{"PNG: alpha on white", samples.PNG(200, 200), 0xffffff, 0xdc0028},
		{"APNG", samples.APNG(200, 200, 3), 0xffffff, 0xdc0028},
		{"GIF: the first frame", samples.GIF(64, 48, 5), 0x00a03c, 0x00a03c},
		{"WebP lossless", samples.WebPLossless(64, 48, 0xff3366cc), 0x3366cc, 0x3366cc},
		{"WebP: alpha on white", samples.WebPLossless(64, 48, 0x803366cc), 0x99b2e5, 0x99b2e5},
		{"WebP lossy", samples.WebPLossy(64, 48), 0x808080, 0x808080},
		{"WebP: the first frame", samples.WebPAnimation(64, 48, 3), 0x00a03c, 0x00a03c},
		{"CMYK", samples.CMYKJPEG(64, 48), 0x404040, 0x404040},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			thumbs, err := run(t, e, tc.in, box(500, 40))
			require.NoError(t, err)
			for _, th := range thumbs {
				img := decodedThumb(t, th)
				near(t, img, th.Width-1, th.Height-1, tc.corner)
				near(t, img, th.Width/2, th.Height/2, tc.middle)
			}
		})
	}
}

// A GIF frame that leaves the edge free shows white there.
func frameOffset(t *testing.T, opt thumb.Options) {
	thumbs, err := run(t, newEngine(t, opt), samples.GIF(3, 3, 1), []pipeline.Preset{{Name: "p", Width: 9, Height: 9, Quality: 100}})
	require.NoError(t, err)
	img := decodedThumb(t, thumbs[0])
	r, g, b, _ := img.At(0, 0).RGBA()
	require.Greater(t, min(r, g, b), uint32(0x8000))
}

func refusals(t *testing.T, opt thumb.Options) {
	photo := samples.Photo(samples.Options{Width: 320, Height: 240})
	big := samples.Photo(samples.Options{})
	for _, tc := range []struct {
		name string
		in   []byte
		kind string
		opt  thumb.Options
		code pipeline.Code
	}{
		{"truncated JPEG", samples.TruncatedJPEG(), probe.TypeJPEG, thumb.Options{}, pipeline.CodeCorruptFile},
		{"JPEG without its end", big[:len(big)-1000], probe.TypeJPEG, thumb.Options{MinRows: 1}, pipeline.CodeCorruptFile},
		{"arithmetic coding", bytes.Replace(photo, []byte{0xff, 0xc0}, []byte{0xff, 0xc9}, 1), probe.TypeJPEG, thumb.Options{}, pipeline.CodeTypeNotAllowed},
		{"truncated PNG", samples.PNG(90, 90)[:200], probe.TypePNG, thumb.Options{}, pipeline.CodeCorruptFile},
		{"truncated WebP", samples.WebPLossy(90, 90)[:100], probe.TypeWebP, thumb.Options{}, pipeline.CodeCorruptFile},
		{"header alone", photo[:100], probe.TypeJPEG, thumb.Options{}, pipeline.CodeCorruptFile},
		{"another type than said", photo, probe.TypePNG, thumb.Options{}, pipeline.CodeCorruptFile},
		{"HEIC", samples.HEIC(100, 100), probe.TypeHEIC, thumb.Options{}, pipeline.CodeTypeNotAllowed},
		{"SVG", samples.SVG(), probe.TypeSVG, thumb.Options{}, pipeline.CodeTypeNotAllowed},
		{"nothing", nil, probe.TypeJPEG, thumb.Options{}, pipeline.CodeEmptyFile},
		{"too large", photo, probe.TypeJPEG, thumb.Options{MaxBytes: 1000}, pipeline.CodeTooLarge},
		{"one pixel too many", photo, probe.TypeJPEG, thumb.Options{MaxPixels: 320*240 - 1}, pipeline.CodeTooManyPixels},
		{"PNG bomb", samples.PNGBomb(), probe.TypePNG, thumb.Options{}, pipeline.CodeTooManyPixels},
		{"JPEG bomb", samples.JPEGBomb(), probe.TypeJPEG, thumb.Options{}, pipeline.CodeTooManyPixels},
		{"GIF bomb", samples.GIFBomb(), probe.TypeGIF, thumb.Options{}, pipeline.CodeTooManyPixels},
		{"WebP bomb", samples.WebPBomb(), probe.TypeWebP, thumb.Options{}, pipeline.CodeTooManyPixels},
		{"scans", scans(photo, 200), probe.TypeJPEG, thumb.Options{}, pipeline.CodeCorruptFile},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			// The facts lie about the size: the decoder's word counts.
			facts := pipeline.Facts{Type: tc.kind, Width: 10, Height: 10, Frames: 1}
			tc.opt.Plain = opt.Plain
			thumbs, err := newEngine(t, tc.opt).Thumbnails(t.Context(), bytes.NewReader(tc.in), facts, int64(len(tc.in)), box(100))
			require.Error(t, err)
			require.Nil(t, thumbs)
			require.Equal(t, pipeline.Invalid, pipeline.ClassOf(err))
			require.Equal(t, tc.code, pipeline.CodeOf(err))
		})
	}
}

// scans repeats the scan of a JPEG.
func scans(jpg []byte, n int) []byte {
	at := bytes.Index(jpg, []byte{0xff, 0xda})
	scan := jpg[at : len(jpg)-2]
	out := append([]byte{}, jpg[:at]...)
	for range n {
		out = append(out, scan...)
	}
	return append(out, 0xff, 0xd9)
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	photo := samples.Photo(samples.Options{Width: 320, Height: 240})
	size := int64(len(photo))
	e := newEngine(t, thumb.Options{})
	superseded := &pipeline.Error{Class: pipeline.Superseded, Op: "objects.get"}
	for _, tc := range []struct {
		name string
		src  io.Reader
		want pipeline.Class
	}{
		{"early end", bytes.NewReader(photo[:size-1]), pipeline.Transient},
		{"no end", io.MultiReader(bytes.NewReader(photo), bytes.NewReader(photo)), pipeline.Transient},
		{"network", io.MultiReader(bytes.NewReader(photo[:100]), iotest.ErrReader(errors.New("reset"))), pipeline.Transient},
		{"network at the end", io.MultiReader(bytes.NewReader(photo), iotest.ErrReader(errors.New("reset"))), pipeline.Transient},
		{"store says superseded", iotest.ErrReader(superseded), pipeline.Superseded},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := e.Thumbnails(t.Context(), tc.src, pipeline.Facts{Type: probe.TypeJPEG}, size, box(100))
			require.Equal(t, tc.want, pipeline.ClassOf(err))
			require.Empty(t, pipeline.CodeOf(err))
		})
	}
	_, err := e.Thumbnails(t.Context(), iotest.OneByteReader(bytes.NewReader(photo)), pipeline.Facts{Type: probe.TypeJPEG}, size, box(100))
	require.NoError(t, err, "small reads are fine")
	_, err = e.Thumbnails(t.Context(), bytes.NewReader(photo), pipeline.Facts{Type: probe.TypeJPEG}, size, box(0))
	require.Equal(t, pipeline.Bug, pipeline.ClassOf(err))
}

func TestContext(t *testing.T) {
	t.Parallel()
	photo := samples.Photo(samples.Options{Width: 320, Height: 240})
	ctx, cancel := context.WithCancel(t.Context())
	// The context ends when the last byte has been read: decoding must notice.
	src := io.MultiReader(bytes.NewReader(photo), readerFunc(func([]byte) (int, error) {
		cancel()
		return 0, io.EOF
	}))
	_, err := newEngine(t, thumb.Options{}).Thumbnails(ctx, src, pipeline.Facts{Type: probe.TypeJPEG}, int64(len(photo)), box(100))
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	require.ErrorIs(t, err, context.Canceled)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, opt := range []thumb.Options{{MaxPixels: -1}, {Budget: -1}, {MaxBytes: -1}, {MaxScans: -1}} {
		_, err := thumb.New(opt)
		require.Error(t, err)
	}
}
