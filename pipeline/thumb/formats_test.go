package thumb_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
)

// Both ways of rendering, for types that have more than one.
var ways = []thumb.Options{{}, {Plain: true}}

// asPNG makes one thumbnail that keeps alpha.
func asPNG(t *testing.T, opt thumb.Options, data []byte) image.Image {
	t.Helper()
	made, err := run(t, newEngine(t, opt), data, []pipeline.Preset{{Name: "p", Width: 100, Height: 100, Format: pipeline.PNG}})
	require.NoError(t, err)
	img, err := png.Decode(bytes.NewReader(made[0].Data))
	require.NoError(t, err)
	return img
}

// The first frame of a GIF stands where it says; what it leaves free and its transparent
// pixels show nothing, whatever the background colour and the disposal of later frames are,
// as browsers have it.
func TestGIFFirstFrame(t *testing.T) {
	t.Parallel()
	palette := color.Palette{color.RGBA{}, color.RGBA{R: 200, A: 255}, color.RGBA{B: 200, A: 255}}
	first := image.NewPaletted(image.Rect(10, 20, 40, 40), palette)
	for y := 20; y < 40; y++ {
		for x := 25; x < 40; x++ {
			first.SetColorIndex(x, y, 1) // the right half
		}
	}
	second := image.NewPaletted(image.Rect(0, 0, 60, 50), palette)
	for i := range second.Pix {
		second.Pix[i] = 2
	}
	for _, disposal := range []byte{gif.DisposalNone, gif.DisposalBackground, gif.DisposalPrevious} {
		var b bytes.Buffer
		require.NoError(t, gif.EncodeAll(&b, &gif.GIF{
			Image: []*image.Paletted{first, second}, Delay: []int{1, 1}, Disposal: []byte{disposal, disposal}, BackgroundIndex: 2,
			Config: image.Config{Width: 60, Height: 50, ColorModel: palette},
		}))
		img := asPNG(t, thumb.Options{}, b.Bytes())
		require.Equal(t, image.Pt(60, 50), img.Bounds().Size())
		for p, want := range map[image.Point]color.NRGBA{
			{X: 2, Y: 2}: {}, {X: 12, Y: 30}: {}, {X: 30, Y: 30}: {R: 200, A: 255}, {X: 50, Y: 30}: {}, {X: 30, Y: 45}: {},
		} {
			require.Equal(t, want, color.NRGBAModel.Convert(img.At(p.X, p.Y)), "%v, disposal %d", p, disposal)
		}
		made, err := run(t, newEngine(t, thumb.Options{}), b.Bytes(), []pipeline.Preset{{Name: "p", Width: 60, Height: 50, Background: "#00ff00"}})
		require.NoError(t, err)
		near(t, decodedThumb(t, made[0]), 5, 5, 0x00ff00)
		near(t, decodedThumb(t, made[0]), 32, 30, 0xc80000)
	}
}

func pngPart(kind string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, kind...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// Of an animated PNG the default image counts, whether it is the first frame (fcTL before
// IDAT) or no frame at all (PNG 3rd edition, 4.9).
func TestAPNG(t *testing.T) {
	t.Parallel()
	plain := image.NewNRGBA(image.Rect(0, 0, 20, 10))
	for i := 0; i < len(plain.Pix); i += 4 {
		copy(plain.Pix[i:], []byte{200, 0, 0, 255})
	}
	still := encodedPNG(t, plain)
	for i := 0; i < len(plain.Pix); i += 4 {
		copy(plain.Pix[i:], []byte{0, 0, 200, 255})
	}
	other := encodedPNG(t, plain)
	_, blue, _ := bytes.Cut(other, []byte("IDAT"))
	blue = blue[:binary.BigEndian.Uint32(other[33:])]
	be := binary.BigEndian
	control := func(seq uint32) []byte {
		b := be.AppendUint32(be.AppendUint32(be.AppendUint32(nil, seq), 20), 10)
		return pngPart("fcTL", append(b, make([]byte, 14)...))
	}
	header, end := still[:33], still[len(still)-12:]
	idat := still[33 : len(still)-12]
	for name, data := range map[string][]byte{
		"the first frame": bytes.Join([][]byte{
			header, pngPart("acTL", []byte{0, 0, 0, 2, 0, 0, 0, 0}), control(0), idat,
			control(1), pngPart("fdAT", append([]byte{0, 0, 0, 2}, blue...)), end,
		}, nil),
		"no frame": bytes.Join([][]byte{
			header, pngPart("acTL", []byte{0, 0, 0, 1, 0, 0, 0, 0}), idat,
			control(0), pngPart("fdAT", append([]byte{0, 0, 0, 1}, blue...)), end,
		}, nil),
	} {
		for _, opt := range ways {
			r, g, b, _ := asPNG(t, opt, data).At(9, 5).RGBA()
			require.InDeltaSlice(t, []uint32{200, 0, 0}, []uint32{r >> 8, g >> 8, b >> 8}, 3, name)
		}
	}
}

// What shows through stays so in a PNG.
func TestAlphaIsKept(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"PNG": samples.PNG(64, 48), "WebP": samples.WebPLossless(64, 48, 0x803366cc),
	} {
		for _, opt := range ways {
			img := asPNG(t, opt, data)
			_, _, _, corner := img.At(0, 0).RGBA()
			if name == "PNG" {
				require.Zero(t, corner)
				_, _, _, middle := img.At(32, 24).RGBA()
				require.EqualValues(t, 0xffff, middle)
				continue
			}
			require.Equal(t, color.NRGBA{R: 0x33, G: 0x66, B: 0xcc, A: 0x80}, color.NRGBAModel.Convert(img.At(5, 5)))
		}
	}
}
