package icc_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb/icc"
)

func parse(t testing.TB, o samples.ProfileOptions) icc.Profile {
	t.Helper()
	p, err := icc.Parse(samples.Profile(o))
	require.NoError(t, err)
	return p
}

func transform(t testing.TB, g samples.Gamut) *icc.Transform {
	t.Helper()
	tr := parse(t, samples.ProfileOptions{Gamut: g}).ToSRGB()
	require.NotNil(t, tr)
	return tr
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for g, want := range map[samples.Gamut]icc.Kind{
		samples.SRGB: icc.SRGB, samples.DisplayP3: icc.DisplayP3, samples.AdobeRGB: icc.RGB, samples.Gray: icc.Grayscale,
	} {
		for _, table := range []int{0, 256, 1024, 4096} {
			p := parse(t, samples.ProfileOptions{Gamut: g, Table: table})
			require.Equal(t, want, p.Kind(), "%s by %d entries", want, table)
			require.Equal(t, "afterput samples", p.Description())
			require.Equal(t, want == icc.SRGB, p.ToSRGB() == nil)
		}
	}
}

// tag gives the body of a tag within a profile.
func tag(profile []byte, name string) []byte {
	at := bytes.Index(profile[132:], []byte(name)) + 132
	return profile[binary.BigEndian.Uint32(profile[at+4:]):]
}

// What Parse makes of profiles with one thing changed.
func TestParse(t *testing.T) {
	t.Parallel()
	p3 := samples.Profile(samples.ProfileOptions{Gamut: samples.DisplayP3})
	at := func(sig string) int { return bytes.Index(p3[132:], []byte(sig)) + 132 }
	change := func(offset int, with string) []byte {
		b := bytes.Clone(p3)
		copy(b[offset:], with)
		return b
	}
	absurd := bytes.Clone(p3)
	copy(tag(absurd, "gXYZ")[8:], "\x7f\xff\xff\xff")
	for _, tc := range []struct {
		name    string
		in      []byte
		want    icc.Kind
		corrupt bool
	}{
		{name: "as it is", in: p3, want: icc.DisplayP3},
		{name: "padded", in: append(bytes.Clone(p3), make([]byte, 9)...), want: icc.DisplayP3},
		{name: "CMYK", in: change(16, "CMYK"), want: icc.Other},
		{name: "Lab", in: change(20, "Lab "), want: icc.Other},
		{name: "a device link", in: change(12, "link"), want: icc.Other},
		{name: "with tables", in: change(at("cprt"), "A2B0"), want: icc.Other},
		{name: "empty", corrupt: true},
		{name: "no signature", in: change(36, "none"), corrupt: true},
		{name: "no colorant", in: change(at("gXYZ"), "xxxx"), corrupt: true},
		{name: "no curve", in: change(at("bTRC"), "xxxx"), corrupt: true},
		{name: "a tag that lies outside", in: change(at("gXYZ")+4, "\x7f\xff\xff\xff"), corrupt: true},
		{name: "too many tags", in: change(128, "\x00\x00\x01\x00"), corrupt: true},
		{name: "a curve of another type", in: change(at("para"), "sf32"), corrupt: true},
		{name: "another function", in: change(at("para")+8, "\x00\x05"), corrupt: true},
		{name: "an absurd colorant", in: absurd, corrupt: true},
		{name: "cut", in: p3[:len(p3)-4], corrupt: true},
		{name: "too long", in: append(bytes.Clone(p3), make([]byte, icc.MaxBytes)...), corrupt: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, err := icc.Parse(tc.in)
			if tc.corrupt {
				require.ErrorIs(t, err, icc.ErrCorrupt)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, p.Kind())
		})
	}
}

// rgb converts one pixel.
func rgb(tr *icc.Transform, r, g, b uint8) [3]uint8 {
	pix := []byte{r, g, b}
	tr.RGB(pix, 3)
	return [3]uint8(pix)
}

func TestP3RedStaysRed(t *testing.T) {
	t.Parallel()
	tr := transform(t, samples.DisplayP3)
	require.Equal(t, [3]uint8{255, 0, 0}, rgb(tr, 255, 0, 0))
	require.Equal(t, [3]uint8{0, 255, 0}, rgb(tr, 0, 255, 0))
	require.Equal(t, [3]uint8{0, 0, 255}, rgb(tr, 0, 0, 255))
	for v := range 256 {
		got := rgb(tr, uint8(v), uint8(v), uint8(v))
		for _, c := range got {
			require.InDelta(t, v, int(c), 1, "grey %d becomes %v", v, got)
		}
	}
	// sRGB red as Display P3 has it.
	require.Equal(t, [3]uint8{255, 0, 0}, rgb(tr, 234, 51, 35))
	y, cb, cr := color.RGBToYCbCr(255, 0, 0)
	ys := []byte{y, y, y, y}
	cbs, crs := []byte{cb}, []byte{cr}
	tr.YCbCr(icc.Planes{Y: ys, Cb: cbs, Cr: crs, YStride: 2, CStride: 1, Width: 2, Height: 2, HFactor: 2, VFactor: 2})
	r, g, b := color.YCbCrToRGB(ys[3], cbs[0], crs[0])
	require.InDeltaSlice(t, []int{255, 0, 0}, []int{int(r), int(g), int(b)}, 1)
}

// reference converts by the formulas, without rounding; the matrices are those of D65.
func reference(g samples.Gamut, in [3]float64) (out [3]float64) {
	m := [3][3]float64{
		{1.2249401, -0.2249404, 0}, {-0.0420569, 1.0420571, 0}, {-0.0196376, -0.0786361, 1.0982735},
	}
	decode := func(v float64) float64 {
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	if g == samples.AdobeRGB {
		m = [3][3]float64{{1.3983557, -0.3983557, 0}, {0, 1, 0}, {0, -0.0429290, 1.0429290}}
		decode = func(v float64) float64 { return math.Pow(v, 563.0/256) }
	}
	var light [3]float64
	for i, v := range in {
		light[i] = decode(min(max(v/255, 0), 1))
	}
	for i, row := range m {
		v := min(max(row[0]*light[0]+row[1]*light[1]+row[2]*light[2], 0), 1)
		if v <= 0.0031308 {
			out[i] = 255 * 12.92 * v
		} else {
			out[i] = 255 * (1.055*math.Pow(v, 1/2.4) - 0.055)
		}
	}
	return out
}

func TestAgainstFormulas(t *testing.T) {
	t.Parallel()
	for _, g := range []samples.Gamut{samples.DisplayP3, samples.AdobeRGB} {
		tr := transform(t, g)
		var worst float64
		for r := 0; r < 256; r += 3 {
			for gr := 0; gr < 256; gr += 3 {
				for b := 0; b < 256; b += 3 {
					want := reference(g, [3]float64{float64(r), float64(gr), float64(b)})
					for i, v := range rgb(tr, uint8(r), uint8(gr), uint8(b)) {
						worst = max(worst, math.Abs(float64(v)-want[i]))
					}
				}
			}
		}
		// Half a level is what any rounding costs.
		require.Less(t, worst, 1.0, "gamut %d", g)
		t.Logf("gamut %d: at most %.2f levels off", g, worst)
	}
}

// The curve and the primaries of sRGB through the tables, which is what a profile just too far
// off to be taken for sRGB goes through.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	data := samples.Profile(samples.ProfileOptions{})
	red := tag(data, "rXYZ")
	red[11] += 4 // about 0.004 more X
	red[10]++
	p, err := icc.Parse(data)
	require.NoError(t, err)
	require.Equal(t, icc.RGB, p.Kind())
	tr := p.ToSRGB()
	for v := range 256 {
		got := rgb(tr, 0, uint8(v), 0)
		require.InDelta(t, v, int(got[1]), 1)
		require.LessOrEqual(t, got[0], uint8(1))
	}
}

func TestGray(t *testing.T) {
	t.Parallel()
	tr := transform(t, samples.Gray)
	pix := make([]byte, 256)
	for i := range pix {
		pix[i] = byte(i)
	}
	tr.Gray(pix)
	for v, got := range pix {
		light := math.Pow(float64(v)/255, 563.0/256)
		want := 255 * 12.92 * light
		if light > 0.0031308 {
			want = 255 * (1.055*math.Pow(light, 1/2.4) - 0.055)
		}
		require.InDelta(t, want, float64(got), 1, "level %d", v)
	}
	require.EqualValues(t, 0, pix[0])
	require.EqualValues(t, 255, pix[255])
}

// Every sampling and odd sizes: nothing outside of the planes is touched, and each sample is
// what its own colour comes to.
func TestYCbCr(t *testing.T) {
	t.Parallel()
	tr := transform(t, samples.DisplayP3)
	for _, factors := range [][2]int{{1, 1}, {2, 1}, {1, 2}, {2, 2}} {
		for _, size := range [][2]int{{1, 1}, {2, 2}, {3, 5}, {16, 7}, {33, 8}} {
			t.Run(fmt.Sprint(factors, size), func(t *testing.T) {
				t.Parallel()
				testPlanes(t, tr, factors[0], factors[1], size[0], size[1])
			})
		}
	}
}

func testPlanes(t *testing.T, tr *icc.Transform, hf, vf, w, h int) {
	t.Helper()
	cw, ch := (w+hf-1)/hf, (h+vf-1)/vf
	rnd := rand.New(rand.NewPCG(1, uint64(w)))
	const pad = 5
	plane := func(w, h int) []byte {
		b := make([]byte, (w+pad)*h)
		for i := range b {
			b[i] = byte(60 + rnd.IntN(130)) // mid colours
		}
		return b
	}
	p := icc.Planes{
		Y: plane(w, h), Cb: plane(cw, ch), Cr: plane(cw, ch), YStride: w + pad, CStride: cw + pad,
		Width: w, Height: h, HFactor: hf, VFactor: vf,
	}
	was := p
	was.Y, was.Cb, was.Cr = bytes.Clone(p.Y), bytes.Clone(p.Cb), bytes.Clone(p.Cr)
	tr.YCbCr(p)
	for cy := range ch {
		require.Equal(t, was.Cb[cy*p.CStride+cw:(cy+1)*p.CStride], p.Cb[cy*p.CStride+cw:(cy+1)*p.CStride])
		for cx := range cw {
			c := cy*p.CStride + cx
			b, r := float64(was.Cb[c])-128, float64(was.Cr[c])-128
			var sum [3]float64
			n := 0.0
			for y := cy * vf; y < min((cy+1)*vf, h); y++ {
				for x := cx * hf; x < min((cx+1)*hf, w); x++ {
					l := float64(was.Y[y*p.YStride+x])
					got := reference(samples.DisplayP3, [3]float64{l + 1.402*r, l - 0.344136*b - 0.714136*r, l + 1.772*b})
					require.InDelta(t, 0.299*got[0]+0.587*got[1]+0.114*got[2], float64(p.Y[y*p.YStride+x]), 2)
					for i := range sum {
						sum[i] += got[i]
					}
					n++
				}
			}
			require.InDelta(t, 128+(-0.168736*sum[0]-0.331264*sum[1]+0.5*sum[2])/n, float64(p.Cb[c]), 2)
			require.InDelta(t, 128+(0.5*sum[0]-0.418688*sum[1]-0.081312*sum[2])/n, float64(p.Cr[c]), 2)
		}
	}
	for y := range h {
		require.Equal(t, was.Y[y*p.YStride+w:(y+1)*p.YStride], p.Y[y*p.YStride+w:(y+1)*p.YStride])
	}
}

func FuzzParse(f *testing.F) {
	for _, g := range []samples.Gamut{samples.SRGB, samples.DisplayP3, samples.AdobeRGB, samples.Gray} {
		for _, table := range []int{0, 2, 17} {
			f.Add(samples.Profile(samples.ProfileOptions{Gamut: g, Table: table}))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := icc.Parse(data)
		if err != nil {
			require.ErrorIs(t, err, icc.ErrCorrupt)
			return
		}
		tr := p.ToSRGB()
		require.Equal(t, p.Kind() == icc.SRGB || p.Kind() == icc.Other, tr == nil)
		if tr == nil {
			return
		}
		for _, v := range []byte{0, 1, 127, 128, 255} {
			tr.YCbCr(icc.Planes{
				Y: []byte{v, 255 - v}, Cb: []byte{v}, Cr: []byte{255 - v},
				YStride: 2, CStride: 1, Width: 2, Height: 1, HFactor: 2, VFactor: 1,
			})
		}
	})
}

func BenchmarkYCbCr(b *testing.B) {
	tr := transform(b, samples.DisplayP3)
	const w, h = 1280, 960
	p := icc.Planes{
		Y: make([]byte, w*h), Cb: make([]byte, w*h/4), Cr: make([]byte, w*h/4),
		YStride: w, CStride: w / 2, Width: w, Height: h, HFactor: 2, VFactor: 2,
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range p.Y {
		p.Y[i] = byte(i/w/8) + byte(rnd.IntN(16))
	}
	for i := range p.Cb {
		p.Cb[i], p.Cr[i] = byte(100+rnd.IntN(40)), byte(110+rnd.IntN(40))
	}
	b.ReportAllocs()
	for b.Loop() {
		tr.YCbCr(p)
	}
}

func BenchmarkToSRGB(b *testing.B) {
	data := samples.Profile(samples.ProfileOptions{Gamut: samples.DisplayP3})
	for b.Loop() {
		p, _ := icc.Parse(data)
		p.ToSRGB()
	}
}
