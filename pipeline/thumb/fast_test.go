package thumb_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
	"github.com/afterput/afterput/pipeline/thumb/jpeg/jpegtest"
)

// patches is a JPEG of squares of 32 pixels of one colour each, or oblongs where chroma is
// sampled less. No component but the first goes far from the middle: so no conversion clips.
func patches(w, h int, factors []jpegtest.Factors, o jpegtest.Options) []byte {
	m := jpegtest.New(w, h, factors, 1)
	for i := range m.Components {
		c := &m.Components[i]
		spread := 160
		if i > 0 {
			spread = 60
		}
		for b := range c.Blocks {
			x, y := b%c.Across*8/c.H/32, b/c.Across*8/c.V/32
			rnd := rand.New(rand.NewPCG(uint64(x<<8|y), uint64(i)))
			level := rnd.IntN(spread) - spread/2
			c.Blocks[b] = [64]int16{int16(level * 8 / int(m.Quant[c.Quant][0]))}
		}
	}
	return jpegtest.Encode(m, o)
}

var (
	full, twice = jpegtest.Factors{H: 1, V: 1}, jpegtest.Factors{H: 2, V: 2}
	wide, tall  = jpegtest.Factors{H: 2, V: 1}, jpegtest.Factors{H: 1, V: 2}
	four        = jpegtest.Factors{H: 4, V: 1}
)

// meanDifference is that of all channels of two images of one size, 0..255.
func meanDifference(t testing.TB, a, b image.Image) float64 {
	t.Helper()
	require.Equal(t, a.Bounds(), b.Bounds())
	sum, n := 0.0, 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			ar, ag, ab, _ := a.At(x, y).RGBA()
			br, bg, bb, _ := b.At(x, y).RGBA()
			for _, d := range [][2]uint32{{ar, br}, {ag, bg}, {ab, bb}} {
				sum += math.Abs(float64(d[0]) - float64(d[1]))
				n++
			}
		}
	}
	return sum / 257 / float64(n)
}

// both runs an image through both ways and holds the results against each other.
func both(t *testing.T, data []byte, facts pipeline.Facts, presets []pipeline.Preset, most float64) {
	t.Helper()
	var got [2][]pipeline.Thumbnail
	for i, opt := range []thumb.Options{{}, {Plain: true}} {
		var err error
		got[i], err = newEngine(t, opt).Thumbnails(t.Context(), bytes.NewReader(data), facts, int64(len(data)), presets)
		require.NoError(t, err)
	}
	for i, a := range got[0] {
		b := got[1][i]
		require.Equal(t, [2]int{a.Width, a.Height}, [2]int{b.Width, b.Height})
		d := meanDifference(t, decodedThumb(t, a), decodedThumb(t, b))
		require.Less(t, d, most, "%s: %d x %d", a.Preset, a.Width, a.Height)
	}
}

func TestEverySampling(t *testing.T) {
	t.Parallel()
	presets := []pipeline.Preset{
		{Name: "large", Width: 101, Height: 103, Quality: 100},
		{Name: "half", Width: 47, Height: 47, Quality: 100},
		{Name: "small", Width: 21, Height: 30, Quality: 100},
		{Name: "fill", Width: 30, Height: 20, Mode: pipeline.Fill, Quality: 100},
		{Name: "as it is", Width: 400, Height: 400, Quality: 100},
		{Name: "enlarged", Width: 391, Height: 391, Enlarge: true, Quality: 100},
	}
	for _, tc := range []struct {
		name    string
		factors []jpegtest.Factors
		o       jpegtest.Options
	}{
		{"grey", []jpegtest.Factors{full}, jpegtest.Options{}},
		{"4:4:4", []jpegtest.Factors{full, full, full}, jpegtest.Options{}},
		{"4:2:2", []jpegtest.Factors{wide, full, full}, jpegtest.Options{}},
		{"4:2:0", []jpegtest.Factors{twice, full, full}, jpegtest.Options{Progressive: true}},
		{"4:4:0", []jpegtest.Factors{tall, full, full}, jpegtest.Options{}},
		{"4:1:1", []jpegtest.Factors{four, full, full}, jpegtest.Options{Restart: 3}},
		{"RGB", []jpegtest.Factors{full, full, full}, jpegtest.Options{Adobe: true}},
		{"CMYK", []jpegtest.Factors{full, full, full, full}, jpegtest.Options{Adobe: true}},
		{"YCCK", []jpegtest.Factors{full, full, full, full}, jpegtest.Options{Adobe: true, Transform: 2}},
	} {
		for _, size := range []image.Point{{X: 264, Y: 200}, {X: 233, Y: 307}} {
			t.Run(fmt.Sprint(tc.name, size), func(t *testing.T) {
				t.Parallel()
				data := patches(size.X, size.Y, tc.factors, tc.o)
				both(t, data, pipeline.Facts{Type: probe.TypeJPEG}, presets, 4)
			})
		}
	}
}

// Both sides of a thumbnail odd is where mirrored chroma could slip by a pixel.
func TestOddOrientations(t *testing.T) {
	t.Parallel()
	presets := []pipeline.Preset{
		{Name: "odd", Width: 77, Height: 77, Quality: 100},
		{Name: "odder", Width: 37, Height: 37, Quality: 100},
		{Name: "fill", Width: 51, Height: 33, Mode: pipeline.Fill, Quality: 100},
	}
	for o := 1; o <= 8; o++ {
		t.Run(fmt.Sprint(o), func(t *testing.T) {
			t.Parallel()
			data := patches(77*3, 51*3, []jpegtest.Factors{full, full, full}, jpegtest.Options{})
			both(t, data, pipeline.Facts{Type: probe.TypeJPEG, Orientation: o}, presets, 4)
		})
	}
}

// What is missing of a truncated file is grey, and too much of it makes the file corrupt.
func TestTruncated(t *testing.T) {
	t.Parallel()
	photo := samples.Photo(samples.Options{Width: 640, Height: 480, Seed: 2})
	e := newEngine(t, thumb.Options{})
	whole, err := run(t, e, photo, box(160))
	require.NoError(t, err)
	some, err := run(t, e, photo[:len(photo)*19/20], box(160))
	require.NoError(t, err)
	img := decodedThumb(t, some[0])
	near(t, img, 20, 119, 0x808080)
	near(t, img, 150, 119, 0x808080)
	top := image.Rect(0, 0, 160, 100)
	require.Less(t, meanDifference(t, cut(decodedThumb(t, whole[0]), top), cut(img, top)), 1.0)

	_, err = run(t, e, photo[:len(photo)/2], box(160))
	require.Equal(t, pipeline.CodeCorruptFile, pipeline.CodeOf(err))
	_, err = run(t, newEngine(t, thumb.Options{MinRows: 0.2}), photo[:len(photo)/2], box(160))
	require.NoError(t, err)
}

func cut(img image.Image, r image.Rectangle) image.Image {
	out := image.NewRGBA(r)
	for y := range r.Dy() {
		for x := range r.Dx() {
			out.Set(x, y, img.At(x, y))
		}
	}
	return out
}

func TestPaths(t *testing.T) {
	t.Parallel()
	photo, cmyk := samples.Photo(samples.Options{Width: 40, Height: 30}), samples.CMYKJPEG(12, 12)
	for _, tc := range []struct {
		opt  thumb.Options
		want map[thumb.Path]uint64
	}{
		{thumb.Options{}, map[thumb.Path]uint64{{"fast", "image/jpeg", 2}: 1, {"fast", "image/jpeg", 1}: 1, {"standard", "image/gif", 1}: 1}},
		{thumb.Options{Plain: true}, map[thumb.Path]uint64{{"standard", "image/jpeg", 1}: 2, {"standard", "image/gif", 1}: 1}},
	} {
		e := newEngine(t, tc.opt)
		for _, data := range [][]byte{photo, cmyk, samples.GIF(5, 5, 1)} {
			_, err := run(t, e, data, box(10))
			require.NoError(t, err)
		}
		require.Equal(t, tc.want, e.Paths())
	}
}

// Scratch goes from image to image: whatever came before, the same file gives the same
// thumbnails.
func TestScratchIsClean(t *testing.T) {
	t.Parallel()
	e := newEngine(t, thumb.Options{})
	files := [][]byte{
		samples.Photo(samples.Options{Width: 400, Height: 300}), samples.Oriented(6), samples.CMYKJPEG(64, 48),
		patches(65, 33, []jpegtest.Factors{full}, jpegtest.Options{Progressive: true}),
		patches(99, 133, []jpegtest.Factors{wide, full, full}, jpegtest.Options{}),
		samples.PNG(80, 80), samples.WebPLossy(64, 64),
	}
	presets := append(box(130, 64, 33, 10), pipeline.Preset{Width: 20, Height: 20, Mode: pipeline.Fill, Format: pipeline.PNG})
	want := make([][]pipeline.Thumbnail, len(files))
	for i, f := range files {
		var err error
		want[i], err = run(t, newEngine(t, thumb.Options{}), f, presets)
		require.NoError(t, err)
	}
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			for i := range files {
				n := (i + worker) % len(files)
				got, err := run(t, e, files[n], presets)
				require.NoError(t, err)
				require.Equal(t, want[n], got, "file %d", n)
			}
		})
	}
	wg.Wait()
}

// The next image like the one before costs the bytes of its thumbnails and little else. It
// does not run beside other tests, whose allocations would count.
//
//nolint:paralleltest // see above
func TestSteadyState(t *testing.T) {
	if raced {
		t.Skip("the race detector empties pools at random")
	}
	e := newEngine(t, thumb.Options{})
	data := samples.Photo(samples.Options{Width: 1600, Height: 1200, Orientation: 6})
	n := testing.AllocsPerRun(10, func() {
		_, err := run(t, e, data, box(160, 400, 800))
		require.NoError(t, err)
	})
	t.Logf("%.0f allocations", n)
	require.Less(t, n, 60.0)
}

func profiled(gamut samples.Gamut, f []byte) []byte {
	return samples.WithProfile(f, samples.Profile(samples.ProfileOptions{Gamut: gamut}))
}

// plain is a JPEG of one colour.
func plainColour(t testing.TB, c [3]byte) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for i := 0; i < len(img.Pix); i += 4 {
		copy(img.Pix[i:], []byte{c[0], c[1], c[2], 255})
	}
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, img, &jpeg.Options{Quality: 100}))
	return b.Bytes()
}

// Colours of a wide gamut come out as sRGB shows them, and those that it does not have are
// clipped: the red of P3 stays red.
func colours(t *testing.T, opt thumb.Options) {
	grey := patches(64, 48, []jpegtest.Factors{full}, jpegtest.Options{})
	for _, tc := range []struct {
		name string
		in   []byte
		want uint32
	}{
		{"P3 red", profiled(samples.DisplayP3, plainColour(t, [3]byte{255, 0, 0})), 0xff0000},
		{"P3 brown", profiled(samples.DisplayP3, plainColour(t, [3]byte{150, 100, 60})), 0x9c6334},
		{"sRGB brown", profiled(samples.SRGB, plainColour(t, [3]byte{150, 100, 60})), 0x96643c},
		{"Adobe RGB green", profiled(samples.AdobeRGB, plainColour(t, [3]byte{100, 150, 100})), 0x429761},
		{"a profile for other colours", profiled(samples.Gray, plainColour(t, [3]byte{150, 100, 60})), 0x96643c},
		{"rubbish", samples.WithProfile(plainColour(t, [3]byte{150, 100, 60}), []byte("rubbish")), 0x96643c},
	} {
		thumbs, err := run(t, newEngine(t, opt), tc.in, box(1000, 20))
		require.NoError(t, err, tc.name)
		for _, th := range thumbs {
			img := decodedThumb(t, th)
			r, g, b, _ := img.At(5, 5).RGBA()
			for i, v := range []uint32{r, g, b} {
				require.InDelta(t, tc.want>>(16-8*i)&255, v>>8, 4, "%s: %x %x %x", tc.name, r>>8, g>>8, b>>8)
			}
			require.NotContains(t, string(th.Data), "ICC_PROFILE")
		}
	}
	_, err := run(t, newEngine(t, opt), profiled(samples.Gray, grey), box(20))
	require.NoError(t, err)
	ink := samples.CMYKJPEG(64, 48)
	want, err := run(t, newEngine(t, opt), ink, box(20))
	require.NoError(t, err)
	got, err := run(t, newEngine(t, opt), profiled(samples.AdobeRGB, ink), box(20))
	require.NoError(t, err)
	require.Equal(t, want, got, "inks have no profile of RGB")
}

// A profile that only a colour engine could convert goes along, in every format.
func otherProfile(t *testing.T, opt thumb.Options) {
	other := samples.Profile(samples.ProfileOptions{})
	other = bytes.ReplaceAll(other, []byte("rXYZ"), []byte("A2B0")) // a look-up table comes before colorants
	other = append(other, make([]byte, 70_000)...)                  // more than a segment holds
	photo := samples.WithProfile(samples.Photo(samples.Options{Width: 200, Height: 100}), other)
	thumbs, err := run(t, newEngine(t, opt), photo, []pipeline.Preset{{Width: 50, Height: 50}, {Width: 40, Height: 40, Format: pipeline.PNG}})
	require.NoError(t, err)
	require.Equal(t, 2, bytes.Count(thumbs[0].Data, []byte("ICC_PROFILE\x00")))
	decodedThumb(t, thumbs[0])
	require.Equal(t, 1, bytes.Count(thumbs[1].Data, []byte("iCCPicc\x00")))
	_, err = png.Decode(bytes.NewReader(thumbs[1].Data))
	require.NoError(t, err)
}
