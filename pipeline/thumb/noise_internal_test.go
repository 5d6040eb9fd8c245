package thumb

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// noise is what compresses worst.
func noise(w, h int, alpha bool) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = byte(rnd.Uint32())
		if i%4 == 3 && !alpha {
			m.Pix[i] = 255
		}
	}
	return m
}

func noisyJPEG(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, noise(w, h, false), &jpeg.Options{Quality: 100}))
	return b.Bytes()
}

func noisyPNG(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, noise(w, h, true)))
	return b.Bytes()
}

// longPNG is two rows with an alpha channel.
func longPNG(t *testing.T, w int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, w, 2))))
	return b.Bytes()
}

// interlacedGIF is one with its rows in disorder: image/gif writes none, but the flag is a
// bit of the frame's descriptor (GIF89a, 20).
func interlacedGIF(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, gif.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), &gif.Options{NumColors: 2}))
	data := b.Bytes()
	const screen, descriptor = 13, 0x2c
	at := screen + bytes.IndexByte(data[screen:], descriptor)
	data[at+9] |= 1 << 6
	return data
}

// lsb writes bits as VP8L reads them: the least significant first.
type lsb struct {
	out []byte
	n   int
}

func (w *lsb) put(v, bits int) {
	for i := range bits {
		if w.n%8 == 0 {
			w.out = append(w.out, 0)
		}
		w.out[w.n/8] |= byte(v >> i & 1 << (w.n % 8))
		w.n++
	}
}

// code writes a prefix code of 1<<length symbols of one length, 5 or 8, in an alphabet (RFC
// 9649, 3.7.2): a length takes one bit.
func (w *lsb) code(length, alphabet int) {
	w.put(0, 1)
	w.put(12-4, 4)
	for _, of := range []int{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8} {
		used := 0
		if of == 0 || of == length {
			used = 1
		}
		w.put(used, 3)
	}
	w.put(0, 1) // all lengths follow
	for symbol := range alphabet {
		set := 0
		if symbol < 1<<length {
			set = 1
		}
		w.put(set, 1)
	}
}

// lone writes a code of the symbol 0 alone.
func (w *lsb) lone() { w.put(1, 4) }

// manyTrees is a small lossless WebP with 512 groups of five full codes.
func manyTrees() []byte {
	const side, tiles, groups = 92, 23, 512
	w := &lsb{}
	w.put(0x2f, 8)
	w.put(side-1, 14)
	w.put(side-1, 14)
	w.put(0, 1+3) // alpha, version
	w.put(0, 1+1) // transform, colour cache
	w.put(1, 1)   // which group a tile of 4 x 4 has is said by an image
	w.put(0, 3)
	w.put(0, 1) // that has no colour cache
	w.code(8, 256+24)
	w.put(0b11, 2) // red is 0 or 1
	w.put(0, 1+1)
	w.put(1, 8)
	w.lone()
	w.lone()
	w.lone()
	for i := range tiles * tiles {
		for bit := range 8 {
			w.put(i>>(7-bit), 1)
		}
		w.put(i%groups>>8, 1)
	}
	for range groups {
		for _, alphabet := range []int{256 + 24, 256, 256, 256} {
			w.code(8, alphabet)
		}
		w.code(5, 40)
	}
	pixels := make([]byte, 4*side*side)
	return bytes.Join(riff(chunk{"VP8L", append(w.out, pixels...)}), nil)
}

// spacious is an animation of a lossy WebP whose frame has bytes that nobody needs.
func spacious(t *testing.T, lossy []byte, more int) []byte {
	t.Helper()
	kind, body, _ := nextChunk(lossy[12:])
	require.Equal(t, "VP8 ", kind)
	size := binary.LittleEndian.Uint32(body[6:]) // 14 bits of each side and two of a scale
	canvas := append(put24(int(size&0x3fff)-1), put24(int(size>>16&0x3fff)-1)...)
	frame := bytes.Join(riff(chunk{"VP8 ", append(bytes.Clone(body), make([]byte, more)...)}), nil)[12:]
	head := append(append(make([]byte, 6), canvas...), 0, 0, 0, 0)
	const animated = 1 << 1
	return bytes.Join(riff(
		chunk{"VP8X", append([]byte{animated, 0, 0, 0}, canvas...)},
		chunk{"ANMF", append(head, frame...)},
	), nil)
}
