package png_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	stdpng "image/png"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/thumb/png"
)

const signature = "\x89PNG\r\n\x1a\n"

// file is a PNG to be written, of any kind that there is.
type file struct {
	width, height int
	depth, kind   int
	interlaced    byte
	palette, trns []byte
	filters       []byte // of the rows, over and over; random ones where it is nil
	level         int    // of compress/flate
	parts         int    // the length of an IDAT chunk, 0 for one chunk
	seed          uint64
}

var samplesOf = map[int]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}

func (f file) rowBytes() int { return (f.width*f.depth*samplesOf[f.kind] + 7) / 8 }

// rows are filter types and filtered bytes. Any bytes are a valid row, so they need no
// filtering; they are smooth enough to be compressed, and repeat what was far above.
func (f file) rows() []byte {
	rnd := rand.New(rand.NewPCG(f.seed, 7))
	var out []byte
	size := f.rowBytes()
	for y := range f.height {
		filter := byte(rnd.IntN(5))
		if f.filters != nil {
			filter = f.filters[y%len(f.filters)]
		}
		out = append(out, filter)
		if y > 3 && rnd.IntN(4) == 0 {
			from := len(out) - (1+rnd.IntN(3))*(size+1)
			out = append(out, out[from:from+size]...)
			continue
		}
		for range size {
			v := byte(rnd.IntN(256))
			if rnd.IntN(3) > 0 {
				v %= 5
			}
			out = append(out, v)
		}
	}
	return out
}

func chunk(kind string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, kind...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

func (f file) header() []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(f.width))
	b = binary.BigEndian.AppendUint32(b, uint32(f.height))
	return chunk("IHDR", append(b, byte(f.depth), byte(f.kind), 0, 0, f.interlaced))
}

func deflate(data []byte, level int) []byte {
	var b bytes.Buffer
	z, _ := zlib.NewWriterLevel(&b, level)
	_, _ = z.Write(data)
	_ = z.Close()
	return b.Bytes()
}

// with puts compressed rows into the file.
func (f file) with(compressed []byte) []byte {
	out := append([]byte(signature), f.header()...)
	if f.palette != nil {
		out = append(out, chunk("PLTE", f.palette)...)
	}
	if f.trns != nil {
		out = append(out, chunk("tRNS", f.trns)...)
	}
	for len(compressed) > 0 {
		n := len(compressed)
		if f.parts > 0 {
			n = min(n, f.parts)
		}
		out = append(out, chunk("IDAT", compressed[:n])...)
		compressed = compressed[n:]
	}
	return append(out, chunk("IEND", nil)...)
}

func (f file) bytes() []byte { return f.with(deflate(f.rows(), f.level)) }

// decode gives the header and all rows, one behind the other.
func decode(t testing.TB, data []byte) (png.Header, []byte, error) {
	t.Helper()
	h, err := png.ReadHeader(data)
	if err != nil {
		return h, nil, err
	}
	var d png.Decoder
	pix, err := rowsOf(t, &d, data, h)
	return h, pix, err
}

func rowsOf(t testing.TB, d *png.Decoder, data []byte, h png.Header) ([]byte, error) {
	t.Helper()
	var pix []byte
	err := d.Decode(t.Context(), data, h, func(y int, row []byte) error {
		if y*h.Width*h.Channels != len(pix) || len(row) != h.Width*h.Channels {
			t.Fatalf("row %d of %d bytes behind %d", y, len(row), len(pix))
		}
		pix = append(pix, row...)
		return nil
	})
	return pix, err
}

// same fails unless the rows are the pixels that image/png decoded.
func same(t testing.TB, h png.Header, pix []byte, img image.Image) {
	t.Helper()
	require.Equal(t, image.Rect(0, 0, h.Width, h.Height), img.Bounds())
	require.Len(t, pix, h.Width*h.Height*h.Channels)
	for y := range h.Height {
		for x := range h.Width {
			p := pix[(y*h.Width+x)*h.Channels:][:h.Channels]
			got := color.NRGBA{R: p[0], G: p[0], B: p[0], A: 255}
			if h.Channels > 2 {
				got.G, got.B = p[1], p[2]
			}
			if h.Alpha() {
				got.A = p[h.Channels-1]
			}
			if want := straight(img.At(x, y)); got != want {
				t.Fatalf("pixel %d, %d: got %v, want %v", x, y, got, want)
			}
		}
	}
}

// straight is the colour as the file has it, without a way over premultiplied values.
func straight(c color.Color) color.NRGBA {
	switch c := c.(type) {
	case color.NRGBA:
		return c
	case color.NRGBA64:
		return color.NRGBA{R: uint8(c.R >> 8), G: uint8(c.G >> 8), B: uint8(c.B >> 8), A: uint8(c.A >> 8)}
	case color.Gray16:
		return color.NRGBA{R: uint8(c.Y >> 8), G: uint8(c.Y >> 8), B: uint8(c.Y >> 8), A: 255}
	}
	r, g, b, a := c.RGBA() // opaque
	return color.NRGBA{R: uint8(r >> 8), G: uint8(g >> 8), B: uint8(b >> 8), A: uint8(a >> 8)}
}

func compare(t testing.TB, data []byte) {
	t.Helper()
	img, err := stdpng.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	h, pix, err := decode(t, data)
	require.NoError(t, err)
	same(t, h, pix, img)
}
