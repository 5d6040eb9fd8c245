package jpeg

import (
	"bytes"
	"fmt"
	"image"
	stdjpeg "image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// picture makes planes of a sampling with stride to spare, whose samples at returns.
func picture(width, height int, s Sampling, at func(plane, x, y int) byte) Picture {
	p := Picture{Width: width, Height: height, Sampling: s}
	for i, plane := range []*Samples{&p.Y, &p.Cb, &p.Cr} {
		w, h := width, height
		if s == Sampling420 && i > 0 {
			w, h = (w+1)/2, (h+1)/2
		}
		if s == SamplingGray && i > 0 {
			break
		}
		plane.Stride = w + 3
		plane.Pix = make([]byte, (h-1)*plane.Stride+w)
		for y := range h {
			for x := range w {
				plane.Pix[y*plane.Stride+x] = at(i, x, y)
			}
		}
	}
	return p
}

func noisy(plane, x, y int) byte {
	r := rand.New(rand.NewPCG(uint64(plane), uint64(x)<<32|uint64(y)))
	return byte(r.Uint32())
}

// scene is smooth with some edges and some grain, as photos are.
func scene(plane, x, y int) byte {
	v := 120 + 70*math.Sin(float64(x)/23+float64(plane)) + 40*math.Cos(float64(x+2*y)/31)
	if (x/40+y/56)%3 == 0 {
		v -= 60
	}
	return byte(min(max(v+float64(noisy(plane, x, y)%16), 0), 255))
}

// decoded is what the standard library reads out of a file, plane by plane.
func decoded(t testing.TB, file []byte, want Picture) []Samples {
	t.Helper()
	img, err := stdjpeg.Decode(bytes.NewReader(file))
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, want.Width, want.Height), img.Bounds())
	switch img := img.(type) {
	case *image.Gray:
		require.Equal(t, SamplingGray, want.Sampling)
		return []Samples{{img.Pix, img.Stride}}
	case *image.YCbCr:
		ratio := map[Sampling]image.YCbCrSubsampleRatio{
			Sampling420: image.YCbCrSubsampleRatio420, Sampling444: image.YCbCrSubsampleRatio444,
		}[want.Sampling]
		require.Equal(t, ratio, img.SubsampleRatio)
		return []Samples{{img.Y, img.YStride}, {img.Cb, img.CStride}, {img.Cr, img.CStride}}
	}
	require.Fail(t, "another kind of image", "%T", img)
	return nil
}

// holds checks each block of a file against what quantisation may cost: a coefficient is off by
// half a step at most, and as the transform keeps energy, so is the sum of squares. Half a level
// more per sample pays for the roundings of both transforms.
func holds(t testing.TB, e *Encoder, p Picture, file []byte) {
	t.Helper()
	got := decoded(t, file, p)
	components, err := p.components(nil)
	require.NoError(t, err)
	for i, c := range components {
		limit := 0.0
		for _, step := range e.quant[c.table].steps {
			limit += (float64(step)/2 + 1) * (float64(step)/2 + 1)
		}
		for top := 0; top < c.height; top += 8 {
			for left := 0; left < c.width; left += 8 {
				energy := 0.0
				for y := top; y < min(top+8, c.height); y++ {
					for x := left; x < min(left+8, c.width); x++ {
						d := float64(c.Pix[y*c.Stride+x]) - float64(got[i].Pix[y*got[i].Stride+x])
						energy += d * d
					}
				}
				require.LessOrEqual(t, energy, limit, "plane %d, block at %d, %d", i, left, top)
			}
		}
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	var e Encoder
	for _, s := range []Sampling{Sampling420, Sampling444, SamplingGray} {
		for _, quality := range []int{1, 10, 49, 50, 80, 95, 100} {
			for name, at := range map[string]func(plane, x, y int) byte{"noise": noisy, "scene": scene} {
				p := picture(70, 45, s, at)
				file, err := e.Encode(nil, p, EncodeOptions{Quality: quality})
				require.NoError(t, err, "%s %d %d", name, s, quality)
				holds(t, &e, p, file)
			}
		}
	}
}

// Every way in which a picture can end within a block.
func TestEncodeSmallSizes(t *testing.T) {
	t.Parallel()
	var e Encoder
	for _, s := range []Sampling{Sampling420, Sampling444, SamplingGray} {
		for width := 1; width <= 18; width++ {
			for height := 1; height <= 18; height++ {
				p := picture(width, height, s, scene)
				file, err := e.Encode(nil, p, EncodeOptions{Quality: 100})
				require.NoError(t, err)
				holds(t, &e, p, file)
			}
		}
	}
}

// Beyond its border a picture goes on with its last samples: it codes as the picture that has them.
func TestEncodeRepeatsLastSamples(t *testing.T) {
	t.Parallel()
	for _, s := range []Sampling{Sampling420, Sampling444, SamplingGray} {
		const width, height, whole = 19, 13, 32
		cut := picture(width, height, s, noisy)
		padded := picture(whole, whole, s, func(plane, x, y int) byte {
			w, h := width, height
			if plane > 0 && s == Sampling420 {
				w, h = (w+1)/2, (h+1)/2
			}
			return noisy(plane, min(x, w-1), min(y, h-1))
		})
		if s != Sampling420 { // whole MCUs, but not more of them
			padded.Width, padded.Height = 24, 16
		} else {
			padded.Height = 16
		}
		var e Encoder
		got, err := e.Encode(nil, cut, EncodeOptions{})
		require.NoError(t, err)
		want, err := e.Encode(nil, padded, EncodeOptions{})
		require.NoError(t, err)
		require.Equal(t, entropyCoded(want), entropyCoded(got))
	}
}

// entropyCoded is what follows the header of the scan.
func entropyCoded(file []byte) []byte {
	return file[bytes.Index(file, []byte{0xff, markerSOS}):]
}

// The standard library has the same tables, so the same quality means the same quantisation,
// about as many bytes and no worse a picture.
func TestEncodeAgainstStandardLibrary(t *testing.T) {
	t.Parallel()
	p := picture(320, 240, Sampling420, scene)
	img := &image.YCbCr{
		Y: p.Y.Pix, Cb: p.Cb.Pix, Cr: p.Cr.Pix, YStride: p.Y.Stride, CStride: p.Cb.Stride,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, p.Width, p.Height),
	}
	var e Encoder
	for _, quality := range []int{1, 30, 50, 75, 80, 90, 100} {
		var theirs bytes.Buffer
		require.NoError(t, stdjpeg.Encode(&theirs, img, &stdjpeg.Options{Quality: quality}))
		ours, err := e.Encode(nil, p, EncodeOptions{Quality: quality})
		require.NoError(t, err)
		require.Equal(t, dqt(theirs.Bytes()), dqt(ours), "quality %d", quality)
		require.InDelta(t, theirs.Len(), len(ours), float64(theirs.Len())/50, "quality %d", quality)
		require.Greater(t, psnr(t, p, ours), psnr(t, p, theirs.Bytes())-0.05, "quality %d", quality)
	}
}

// dqt returns the quantisation steps of a file, luma then chroma.
func dqt(file []byte) []byte {
	var steps []byte
	walk := segments{data: file, pos: 2}
	for {
		marker, payload, _ := walk.next()
		if marker == markerSOS || marker == 0 {
			return steps
		}
		if marker == markerDQT {
			for ; len(payload) >= 65; payload = payload[65:] {
				steps = append(steps, payload[1:65]...)
			}
		}
	}
}

func psnr(t *testing.T, p Picture, file []byte) float64 {
	t.Helper()
	components, err := p.components(nil)
	require.NoError(t, err)
	sum, count := 0.0, 0
	for i, got := range decoded(t, file, p) {
		c := components[i]
		for y := range c.height {
			for x := range c.width {
				d := float64(c.Pix[y*c.Stride+x]) - float64(got.Pix[y*got.Stride+x])
				sum += d * d
				count++
			}
		}
	}
	return 10 * math.Log10(255*255/(sum/float64(count)))
}

func TestEncodeHeader(t *testing.T) {
	t.Parallel()
	profile := make([]byte, 2*maxICCPart+5)
	for i := range profile {
		profile[i] = byte(i * i >> 3)
	}
	for _, c := range []struct {
		name     string
		sampling Sampling
		icc      []byte
		model    Model
		factors  []int
	}{
		{"4:2:0", Sampling420, nil, ModelYCbCr, []int{2, 1, 1}},
		{"4:4:4 with a profile", Sampling444, profile[:1000], ModelYCbCr, []int{1, 1, 1}},
		{"grey with a profile in three parts", SamplingGray, profile, ModelGray, []int{1}},
		{"a profile of one whole part", Sampling420, profile[:maxICCPart], ModelYCbCr, []int{2, 1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := picture(33, 17, c.sampling, scene)
			file, err := new(Encoder).Encode([]byte("before"), p, EncodeOptions{ICC: c.icc})
			require.NoError(t, err)
			require.Equal(t, "before", string(file[:6]), "the file is appended")
			h, err := ReadHeader(file[6:])
			require.NoError(t, err)
			require.NoError(t, h.Supported())
			require.Equal(t, []int{33, 17, 8, 1}, []int{h.Width, h.Height, h.Precision, h.Scans})
			require.Equal(t, c.model, h.Model)
			require.True(t, h.Complete)
			require.Equal(t, c.icc, h.ICC)
			for i, factor := range c.factors {
				require.Equal(t, [2]int{factor, factor}, [2]int{h.Components[i].H, h.Components[i].V})
			}
			require.Contains(t, string(file[6:26]), "JFIF\x00\x01\x01")
		})
	}
}

func TestEncodeDefaultQuality(t *testing.T) {
	t.Parallel()
	p := picture(40, 30, Sampling420, scene)
	var e Encoder
	unnamed, err := e.Encode(nil, p, EncodeOptions{})
	require.NoError(t, err)
	named, err := e.Encode(nil, p, EncodeOptions{Quality: DefaultQuality})
	require.NoError(t, err)
	require.Equal(t, named, unnamed)
	other, err := e.Encode(nil, p, EncodeOptions{Quality: 60})
	require.NoError(t, err)
	require.Less(t, len(other), len(unnamed))
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	good := func() Picture { return picture(20, 10, Sampling420, scene) }
	for _, c := range []struct {
		name   string
		change func(p *Picture, opt *EncodeOptions)
	}{
		{"no columns", func(p *Picture, _ *EncodeOptions) { p.Width = 0 }},
		{"no rows", func(p *Picture, _ *EncodeOptions) { p.Height = -1 }},
		{"too wide for its header", func(p *Picture, _ *EncodeOptions) { p.Width = 65536 }},
		{"too high for its header", func(p *Picture, _ *EncodeOptions) { p.Height = 65536 }},
		{"an unknown sampling", func(p *Picture, _ *EncodeOptions) { p.Sampling = 9 }},
		{"too little luma", func(p *Picture, _ *EncodeOptions) { p.Y.Pix = p.Y.Pix[1:] }},
		{"no chroma", func(p *Picture, _ *EncodeOptions) { p.Cr = Samples{} }},
		{"a short stride", func(p *Picture, _ *EncodeOptions) { p.Cb.Stride = 9 }},
		{"an endless stride", func(p *Picture, _ *EncodeOptions) { p.Height, p.Cb.Stride = 5, 1<<62 }},
		{"a negative stride", func(p *Picture, _ *EncodeOptions) { p.Cb.Stride = -50 }},
		{"half the chroma that 4:4:4 has", func(p *Picture, _ *EncodeOptions) { p.Sampling = Sampling444 }},
		{"quality below 1", func(_ *Picture, opt *EncodeOptions) { opt.Quality = -1 }},
		{"quality above 100", func(_ *Picture, opt *EncodeOptions) { opt.Quality = 101 }},
		{"a huge profile", func(_ *Picture, opt *EncodeOptions) { opt.ICC = make([]byte, MaxICC+1) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, opt := good(), EncodeOptions{}
			c.change(&p, &opt)
			out, err := new(Encoder).Encode([]byte("x"), p, opt)
			require.ErrorIs(t, err, ErrPicture)
			require.Equal(t, "x", string(out))
		})
	}
}

func TestEncodeAllocatesNothing(t *testing.T) {
	p := picture(200, 150, Sampling420, scene)
	var e Encoder
	file := make([]byte, 0, 1<<20)
	allocs := testing.AllocsPerRun(20, func() {
		if _, err := e.Encode(file, p, EncodeOptions{}); err != nil {
			panic(err)
		}
	})
	require.Zero(t, allocs)
}

func ExampleEncoder() {
	gray := make([]byte, 16*16)
	var e Encoder
	file, err := e.Encode(nil, Picture{
		Width: 16, Height: 16, Sampling: SamplingGray, Y: Samples{Pix: gray, Stride: 16},
	}, EncodeOptions{Quality: 80})
	if err != nil {
		panic(err)
	}
	config, err := stdjpeg.DecodeConfig(bytes.NewReader(file))
	fmt.Println(config.Width, config.Height, err)
	// Output: 16 16 <nil>
}
