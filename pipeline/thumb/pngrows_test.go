package thumb_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
	"github.com/afterput/afterput/pipeline/thumb/resample"
)

// checkers is squares of 32 pixels of one colour each.
func checkers(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			rnd := rand.New(rand.NewPCG(uint64(x/32), uint64(y/32)))
			c := func() uint8 { return uint8(60 + rnd.IntN(130)) }
			img.SetRGBA(x, y, color.RGBA{c(), c(), c(), 255})
		}
	}
	return img
}

func encodedPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	return b.Bytes()
}

// as converts checkers to another kind of image, which image/png writes as another kind of
// file.
func as(model color.Model, src image.Image) image.Image {
	r := src.Bounds()
	var dst interface {
		image.Image
		Set(x, y int, c color.Color)
	}
	switch model {
	case color.GrayModel:
		dst = image.NewGray(r)
	case color.Gray16Model:
		dst = image.NewGray16(r)
	case color.RGBA64Model:
		dst = image.NewRGBA64(r)
	case color.NRGBAModel:
		dst = image.NewNRGBA(r)
	default:
		var p color.Palette
		for y := 0; y < r.Dy(); y += 32 {
			for x := 0; x < r.Dx(); x += 32 {
				p = append(p, src.At(x, y))
			}
		}
		dst = image.NewPaletted(r, p)
	}
	for y := range r.Dy() {
		for x := range r.Dx() {
			dst.Set(x, y, src.At(x, y))
		}
	}
	if m, ok := dst.(*image.NRGBA); ok {
		m.Pix[3] = 254 // or image/png leaves the channel away
	}
	return dst
}

// A PNG that is longer than a filter can be is no broken one.
func TestLongPNG(t *testing.T) {
	t.Parallel()
	long := encodedPNG(t, image.NewGray(image.Rect(0, 0, resample.MaxSamples+1, 1)))
	thumbs, err := run(t, newEngine(t, thumb.Options{}), long, box(50))
	require.NoError(t, err)
	require.Equal(t, image.Pt(50, 1), image.Pt(thumbs[0].Width, thumbs[0].Height))
}

// requireOnly asserts that one PNG took a path, and nothing another.
func requireOnly(t *testing.T, e *thumb.Engine, name string) {
	t.Helper()
	taken := e.Paths()
	require.Len(t, taken, 1)
	for path, n := range taken {
		require.Equal(t, name+" "+probe.TypePNG, path.Name+" "+path.Type)
		require.EqualValues(t, 1, n)
	}
}

func TestEveryPNG(t *testing.T) {
	t.Parallel()
	presets := []pipeline.Preset{
		{Name: "large", Width: 101, Height: 103, Quality: 100},
		{Name: "half", Width: 47, Height: 47, Quality: 100},
		{Name: "small", Width: 21, Height: 30, Quality: 100},
		{Name: "fill", Width: 30, Height: 20, Mode: pipeline.Fill, Quality: 100},
		{Name: "as it is", Width: 400, Height: 400, Quality: 100},
		{Name: "enlarged", Width: 391, Height: 391, Enlarge: true, Quality: 100},
	}
	for name, model := range map[string]color.Model{
		"grey": color.GrayModel, "16 bits of grey": color.Gray16Model, "RGB": color.RGBAModel,
		"16 bits of RGB": color.RGBA64Model, "alpha": color.NRGBAModel, "a palette": nil,
	} {
		for _, size := range []image.Point{{X: 264, Y: 200}, {X: 233, Y: 307}, {X: 65, Y: 33}} {
			t.Run(name+size.String(), func(t *testing.T) {
				t.Parallel()
				var img image.Image = checkers(size.X, size.Y)
				if model != color.RGBAModel {
					img = as(model, img)
				}
				data := encodedPNG(t, img)
				both(t, data, pipeline.Facts{Type: probe.TypePNG}, presets, 4)
				e := newEngine(t, thumb.Options{})
				_, err := run(t, e, data, presets)
				require.NoError(t, err)
				path := thumb.PathFast
				if name == "alpha" {
					path = thumb.PathStandard
				}
				requireOnly(t, e, path)
			})
		}
	}
}

func TestPNGLooksLikeTheOriginal(t *testing.T) {
	t.Parallel()
	data := samples.PhotoPNG(samples.Options{Width: 421, Height: 280, Seed: 1})
	original, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	seen := as(color.NRGBAModel, original)
	alpha := encodedPNG(t, seen)
	for _, side := range []int{421, 270, 192, 96, 37} {
		var want [][3]float64
		for _, in := range [][]byte{data, alpha} {
			for _, opt := range []thumb.Options{{}, {Plain: true}} {
				made, err := run(t, newEngine(t, opt), in, []pipeline.Preset{{Width: side, Height: side, Quality: 95}})
				require.NoError(t, err)
				if want == nil {
					want = reference(original, made[0].Width, made[0].Height)
				}
				require.Less(t, difference(decodedThumb(t, made[0]), want), 3.0, "side %d", side)
			}
		}
	}
}

// A PNG can be stored turned too (eXIf).
func TestPNGOrientations(t *testing.T) {
	t.Parallel()
	data := encodedPNG(t, checkers(233, 151))
	for o := 1; o <= 8; o++ {
		both(t, data, pipeline.Facts{Type: probe.TypePNG, Orientation: o}, []pipeline.Preset{
			{Name: "odd", Width: 61, Height: 61, Quality: 100}, {Name: "whole", Width: 300, Height: 300, Quality: 100},
		}, 3)
	}
}

func TestPNGColours(t *testing.T) {
	t.Parallel()
	red := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := 0; i < len(red.Pix); i += 4 {
		copy(red.Pix[i:], []byte{255, 0, 0, 255})
	}
	faint := as(color.NRGBAModel, red)
	grey := image.NewGray(red.Rect)
	for i := range grey.Pix {
		grey.Pix[i] = 100
	}
	for _, opt := range []thumb.Options{{}, {Plain: true}} {
		for _, tc := range []struct {
			name   string
			img    image.Image
			gamut  samples.Gamut
			colour uint32
		}{
			{"P3 red", red, samples.DisplayP3, 0xff0000},
			{"P3 red with alpha", faint, samples.DisplayP3, 0xff0000},
			{"grey of a profile for RGB", grey, samples.DisplayP3, 0x646464},
			{"grey of gamma 2.2", grey, samples.Gray, 0x656565},
			{"red of a profile for grey", red, samples.Gray, 0xff0000},
		} {
			thumbs, err := run(t, newEngine(t, opt), profiled(tc.gamut, encodedPNG(t, tc.img)), box(20))
			require.NoError(t, err)
			r, g, b, _ := decodedThumb(t, thumbs[0]).At(9, 9).RGBA()
			for i, v := range []uint32{r, g, b} {
				require.InDelta(t, tc.colour>>(16-8*i)&255, v>>8, 4, "%s: %x %x %x", tc.name, r>>8, g>>8, b>>8)
			}
		}
	}
}

// interlacedPNG is grey noise in the seven passes of Adam7 (8.2), which image/png does not
// write.
func interlacedPNG(t *testing.T, w, h int) []byte {
	t.Helper()
	var body bytes.Buffer
	z := zlib.NewWriter(&body)
	noise := rand.NewChaCha8([32]byte{2})
	for _, p := range []struct{ x, y, dx, dy int }{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
		for y := p.y; y < h; y += p.dy {
			row := make([]byte, 1+(w-p.x+p.dx-1)/p.dx)
			_, _ = noise.Read(row[1:])
			_, err := z.Write(row)
			require.NoError(t, err)
		}
	}
	require.NoError(t, z.Close())
	size := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(w)), uint32(h))
	out := []byte("\x89PNG\r\n\x1a\n")
	for _, c := range []struct {
		kind string
		body []byte
	}{{"IHDR", append(size, 8, 0, 0, 0, 1)}, {"IDAT", body.Bytes()}, {"IEND", nil}} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(c.body)))
		from := len(out)
		out = append(append(out, c.kind...), c.body...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[from:]))
	}
	return out
}

func TestInterlacedPNG(t *testing.T) {
	t.Parallel()
	// Of one pixel the first of the seven passes is all.
	data := encodedPNG(t, checkers(1, 1))
	data[28] = 1
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	e := newEngine(t, thumb.Options{})
	made, err := run(t, e, data, box(10))
	require.NoError(t, err)
	r, g, b, _ := checkers(1, 1).At(0, 0).RGBA()
	near(t, decodedThumb(t, made[0]), 0, 0, r>>8<<16|g>>8<<8|b>>8)
	requireOnly(t, e, thumb.PathStandard)
}

func TestCorruptPNG(t *testing.T) {
	t.Parallel()
	data := samples.PhotoPNG(samples.Options{Width: 300, Height: 200})
	late := bytes.Clone(data)
	late[len(late)/2] ^= 1
	for _, in := range [][]byte{data[:len(data)/2], data[:len(data)-12], late} {
		_, err := run(t, newEngine(t, thumb.Options{}), in, box(30))
		require.Equal(t, pipeline.CodeCorruptFile, pipeline.CodeOf(err))
	}
}

// A large PNG never exists in memory, whatever it holds.
func TestPNGFlows(t *testing.T) { //nolint:paralleltest // it counts what the whole process allocates
	const w, h = 1800, 1200
	white := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range white.Pix {
		white.Pix[i] = 255
	}
	opaque := encodedPNG(t, white)
	white.Pix[3] = 0
	e := newEngine(t, thumb.Options{})
	for _, in := range [][]byte{opaque, encodedPNG(t, white)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := run(t, e, in, box(120, 30))
		require.NoError(t, err)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(w*h/2), "bytes for %d pixels", w*h)
	}
	require.Equal(t, map[thumb.Path]uint64{
		{Name: thumb.PathFast, Type: probe.TypePNG, Shrink: 10}: 1, {Name: thumb.PathStandard, Type: probe.TypePNG, Shrink: 1}: 1,
	}, e.Paths())
}

func BenchmarkPNG(b *testing.B) {
	for name, opt := range map[string]thumb.Options{"fast": {}, "imaging": {Plain: true}} {
		b.Run(name, func(b *testing.B) {
			e := newEngine(b, opt)
			data := samples.PhotoPNG(samples.Options{Width: 4032, Height: 3024})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := run(b, e, data, box(160, 480, 1280)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
