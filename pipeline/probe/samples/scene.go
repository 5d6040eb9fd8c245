package samples

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
)

// yuv is a colour in the space in which we paint.
type yuv struct{ y, cb, cr float64 }

func rgb(hex uint32) yuv {
	y, cb, cr := color.RGBToYCbCr(byte(hex>>16), byte(hex>>8), byte(hex))
	return yuv{float64(y), float64(cb), float64(cr)}
}

func mix(a, b yuv, t float64) yuv {
	return yuv{a.y + (b.y-a.y)*t, a.cb + (b.cb-a.cb)*t, a.cr + (b.cr-a.cr)*t}
}

// palette is the light of a scene: the sky from top to horizon, the sun, the farthest
// and the nearest mountains.
type palette struct{ top, middle, horizon, sun, far, near uint32 }

var palettes = []palette{
	{0x2b4a7f, 0xb86f7c, 0xffc477, 0xfff0c8, 0x8d6a80, 0x1d2433}, // sunset
	{0x2f78c4, 0x86bce8, 0xe3f0f6, 0xfffbe8, 0x8fadc2, 0x23402c}, // noon
	{0x5a6f9e, 0xc9a7b8, 0xf9dccb, 0xfff4e6, 0xa593ad, 0x2c3340}, // dawn
	{0x152447, 0x3c5486, 0x9fa8c4, 0xf4f2e2, 0x4f5f86, 0x0f1624}, // blue hour
	{0x4a90a4, 0xa6cfc9, 0xf5e9c9, 0xfff7dc, 0x86a99f, 0x203a33}, // spring
	{0x6b3f5c, 0xd9765b, 0xffb45e, 0xffe9b0, 0x93585c, 0x2a1a22}, // autumn
}

const (
	tileBits  = 8
	tileSize  = 1 << tileBits
	tileMask  = tileSize - 1
	layers    = 4
	pineLayer = layers - 1
)

// scene is everything that the rows need, computed once.
type scene struct {
	w, h    int
	ridges  [layers][]int // the first row of a layer, per column
	horizon int
	grain   []int8 // fine noise, tiled
	rough   []int8 // coarser noise, tiled
	clouds  field
	colors  palette
	sunX    float64
	sunY    float64
	sunR    float64
}

// paint makes the upright picture.
func paint(w, h int, seed uint64) *image.YCbCr {
	s := newScene(w, h, seed)
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	sky := make([]yuv, w)
	for y := range h {
		s.skyRow(sky, y)
		s.lumaRow(img.Y[y*img.YStride:][:w], sky, y)
		if y%2 == 0 {
			c := y / 2 * img.CStride
			s.chromaRow(img.Cb[c:][:(w+1)/2], img.Cr[c:][:(w+1)/2], sky, y)
		}
	}
	return img
}

func newScene(w, h int, seed uint64) *scene {
	rnd := rand.New(rand.NewPCG(seed, 0x5eed))
	s := &scene{
		w: w, h: h,
		colors:  palettes[int(seed%uint64(len(palettes)))],
		grain:   tile(rnd, 9, 0),
		rough:   tile(rnd, 26, 2),
		clouds:  newField(rnd),
		horizon: int(float64(h) * (0.50 + 0.10*rnd.Float64())),
	}
	unit := float64(min(w, h))
	s.sunX = float64(w) * (0.2 + 0.6*rnd.Float64())
	s.sunY = float64(s.horizon) - float64(h)*(0.06+0.20*rnd.Float64())
	s.sunR = unit * (0.035 + 0.02*rnd.Float64())
	for k := range layers {
		depth := float64(k) / (layers - 1)
		base := float64(s.horizon) + float64(h)*0.36*depth*depth
		s.ridges[k] = ridge(rnd, w, base, unit*(0.16-0.10*depth), unit*(0.55-0.25*depth))
	}
	pines(rnd, s.ridges[pineLayer], unit)
	return s
}

// ridge is a line of mountains: octaves of value noise around base, in rows.
func ridge(rnd *rand.Rand, w int, base, height, period float64) []int {
	line := make([]float64, w)
	for range 6 {
		knots := make([]float64, int(float64(w)/period)+3)
		for i := range knots {
			knots[i] = rnd.Float64() - 0.5
		}
		for x := range line {
			at := float64(x) / period
			i := int(at)
			line[x] += height * lerp(knots[i], knots[i+1], smooth(at-float64(i)))
		}
		height, period = height*0.48, max(period*0.45, 2)
	}
	rows := make([]int, w)
	for x, v := range line {
		rows[x] = int(base + v)
	}
	return rows
}

// pines plants trees on a ridge.
func pines(rnd *rand.Rand, rows []int, unit float64) {
	for x := 0.0; x < float64(len(rows)); x += unit * (0.006 + 0.03*rnd.Float64()) {
		tall := unit * (0.02 + 0.05*rnd.Float64())
		wide := tall * 0.22
		root := rows[int(x)]
		for dx := -wide; dx <= wide; dx++ {
			i := int(x + dx)
			if i < 0 || i >= len(rows) {
				continue
			}
			t := 1 - math.Abs(dx)/max(wide, 1)
			// Branches: the outline goes up in steps.
			t += 0.06 * math.Sin(t*40)
			rows[i] = min(rows[i], root-int(tall*t))
		}
	}
}

// skyRow computes the sky of row y: gradient, glow of the sun, clouds.
func (s *scene) skyRow(row []yuv, y int) {
	if y > s.lowestSky() {
		return
	}
	t := min(float64(y)/float64(max(s.horizon, 1)), 1)
	base := mix(rgb(s.colors.top), rgb(s.colors.middle), min(t*1.6, 1))
	if t > 0.4 {
		base = mix(base, rgb(s.colors.horizon), smooth((t-0.4)/0.6))
	}
	sun, cloud := rgb(s.colors.sun), rgb(s.colors.horizon)
	cloud.y = min(cloud.y+20, 250)
	unit := float64(min(s.w, s.h))
	dy := float64(y) - s.sunY
	density := 0.0
	for x := range row {
		// Clouds are smooth: one sample for four pixels is enough.
		if x&3 == 0 {
			density = s.clouds.at(float64(x)/unit*3, float64(y)/unit*9)
		}
		c := base
		if density > 0.52 {
			c = mix(c, cloud, min((density-0.52)*2.2, 0.75)*(0.35+0.65*t))
		}
		dx := float64(x) - s.sunX
		d2 := (dx*dx + dy*dy) / (s.sunR * s.sunR)
		switch {
		case d2 < 1:
			c = mix(c, sun, min((1-d2)*8, 1)*0.95)
		case d2 < 200:
			c = mix(c, sun, 0.55/(1+d2*0.35)*(1-d2/200))
		}
		row[x] = c
	}
}

func (s *scene) lowestSky() int { return s.h*9/10 + 1 }

// ground gives the colour of layer k in row y, without texture.
func (s *scene) ground(k, y int) yuv {
	depth := float64(k) / (layers - 1)
	c := mix(rgb(s.colors.far), rgb(s.colors.near), math.Sqrt(depth))
	// Haze gathers at the feet of the far mountains, light on the near meadow.
	foot := float64(y-s.horizon) / float64(max(s.h-s.horizon, 1))
	haze := max(0, 0.5-depth) * smooth(min(max(foot*2.4+0.3, 0), 1))
	return mix(c, rgb(s.colors.horizon), haze)
}

// layer gives the nearest layer at x, y, or -1 for sky.
func (s *scene) layer(x, y int) int {
	for k := layers - 1; k >= 0; k-- {
		if y >= s.ridges[k][x] {
			return k
		}
	}
	return -1
}

func (s *scene) lumaRow(row []byte, sky []yuv, y int) {
	var tones [layers]float64
	for k := range tones {
		tones[k] = s.ground(k, y).y
	}
	grain := s.grain[y&tileMask<<tileBits:][:tileSize]
	rough := s.rough[y*3/2&tileMask<<tileBits:][:tileSize]
	skyEnd := s.lowestSky()
	for x := range row {
		k := s.layer(x, y)
		// Two tiles with unequal steps hide the repetition.
		g := float64(grain[(x+y*7)&tileMask])
		if k < 0 {
			if y <= skyEnd {
				row[x] = clamp8(sky[x].y + g*0.5)
			}
			continue
		}
		texture := float64(rough[(x+y>>2)&tileMask]) * (0.10 + 0.18*float64(k))
		row[x] = clamp8(tones[k] + texture + g)
	}
}

func (s *scene) chromaRow(cb, cr []byte, sky []yuv, y int) {
	var tones [layers]yuv
	for k := range tones {
		tones[k] = s.ground(k, y)
	}
	rough := s.rough[y&tileMask<<tileBits:][:tileSize]
	for i := range cb {
		x := 2 * i
		c := sky[x]
		if k := s.layer(x, y); k >= 0 {
			c = tones[k]
			c.cb += float64(rough[x&tileMask]) * 0.06
			c.cr -= float64(rough[(x+97)&tileMask]) * 0.05
		}
		cb[i], cr[i] = clamp8(c.cb), clamp8(c.cr)
	}
}

func clamp8(v float64) byte { return byte(min(max(v+0.5, 0), 255)) }
