package thumb_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
)

// flag is a PNG of three upright stripes: red, half transparent green, blue.
func flag(t testing.TB, w, h int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	stripes := []color.NRGBA{{255, 0, 0, 255}, {0, 255, 0, 128}, {0, 0, 255, 255}}
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, stripes[x*3/w])
		}
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	return b.Bytes()
}

func presets(t *testing.T, opt thumb.Options) {
	e := newEngine(t, opt)
	const red, green, blue, mixed = 0xff0000, 0x00ff00, 0x0000ff, 0x7fff7f
	for _, tc := range []struct {
		name          string
		p             pipeline.Preset
		size          image.Point
		left, mid, to uint32
	}{
		{"fit", pipeline.Preset{Width: 90, Height: 90}, image.Pt(90, 30), red, mixed, blue},
		{"fill cuts both sides", pipeline.Preset{Width: 60, Height: 60, Mode: pipeline.Fill}, image.Pt(60, 60), mixed, mixed, mixed},
		{"fill a wider box", pipeline.Preset{Width: 180, Height: 30, Mode: pipeline.Fill}, image.Pt(180, 30), red, mixed, blue},
		{"never larger", pipeline.Preset{Width: 600, Height: 600}, image.Pt(300, 100), red, mixed, blue},
		{"enlarged", pipeline.Preset{Width: 600, Height: 600, Enlarge: true}, image.Pt(600, 200), red, mixed, blue},
		{"fill keeps the shape", pipeline.Preset{Width: 600, Height: 400, Mode: pipeline.Fill}, image.Pt(150, 100), red, mixed, blue},
		{"fill enlarged", pipeline.Preset{Width: 600, Height: 400, Mode: pipeline.Fill, Enlarge: true}, image.Pt(600, 400), red, mixed, blue},
		{"background", pipeline.Preset{Width: 90, Height: 90, Background: "#0000ff"}, image.Pt(90, 30), red, 0x007f7f, blue},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			thumbs, err := run(t, e, flag(t, 300, 100), []pipeline.Preset{tc.p})
			require.NoError(t, err)
			th := thumbs[0]
			require.Equal(t, "image/jpeg", th.Type)
			require.Equal(t, tc.size, image.Pt(th.Width, th.Height))
			img := decodedThumb(t, th)
			near(t, img, 8, th.Height/2, tc.left)
			near(t, img, th.Width/2, th.Height/2, tc.mid)
			near(t, img, th.Width-9, th.Height/2, tc.to)
		})
	}
}

func pngKeepsAlpha(t *testing.T, opt thumb.Options) {
	thumbs, err := run(t, newEngine(t, opt), flag(t, 300, 100), []pipeline.Preset{
		{Name: "png", Width: 30, Height: 30, Format: pipeline.PNG}, {Name: "whole", Width: 300, Height: 300, Format: pipeline.PNG},
	})
	require.NoError(t, err)
	for _, th := range thumbs {
		require.Equal(t, "image/png", th.Type)
		img, err := png.Decode(bytes.NewReader(th.Data))
		require.NoError(t, err)
		require.Equal(t, image.Pt(th.Width, th.Height), img.Bounds().Size())
		c, ok := color.NRGBAModel.Convert(img.At(th.Width/2, th.Height/2)).(color.NRGBA)
		require.True(t, ok)
		require.InDelta(t, 128, c.A, 2)
		require.GreaterOrEqual(t, c.G, uint8(253))
		require.Zero(t, c.R)
	}
	opaque, err := run(t, newEngine(t, opt), samples.Photo(samples.Options{Width: 90, Height: 60}), []pipeline.Preset{
		{Width: 30, Height: 30, Format: pipeline.PNG},
	})
	require.NoError(t, err)
	img, err := png.Decode(bytes.NewReader(opaque[0].Data))
	require.NoError(t, err)
	require.Equal(t, color.RGBAModel, img.ColorModel(), "no alpha where none is")
}

// Upright comes first: the middle is that of the upright image.
func fillOfATurnedPhoto(t *testing.T, opt thumb.Options) {
	e := newEngine(t, opt)
	for o := 1; o <= 8; o++ {
		thumbs, err := run(t, e, samples.Oriented(o), []pipeline.Preset{{Width: 40, Height: 40, Mode: pipeline.Fill}, {Width: 10, Height: 60, Mode: pipeline.Fill}})
		require.NoError(t, err)
		square := decodedThumb(t, thumbs[0])
		near(t, square, 3, 3, 0xff0000)
		near(t, square, 36, 3, 0x00ff00)
		near(t, square, 3, 36, 0x0000ff)
		near(t, square, 36, 36, 0xffffff)
		require.Equal(t, image.Pt(10, 60), image.Pt(thumbs[1].Width, thumbs[1].Height))
	}
}

func TestPresetsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	e := newEngine(t, thumb.Options{})
	for _, p := range []pipeline.Preset{
		{},
		{Width: 1},
		{Width: -1, Height: 1},
		{Width: 1, Height: 1, Quality: 101},
		{Width: 1, Height: 1, Quality: -1},
		{Width: 1, Height: 1, Mode: "crop"},
		{Width: 1, Height: 1, Format: "webp"},
		{Width: 1, Height: 1, Background: "white"},
	} {
		_, err := run(t, e, samples.PNG(5, 5), []pipeline.Preset{p})
		require.Equal(t, pipeline.Bug, pipeline.ClassOf(err), "%+v", p)
	}
}
