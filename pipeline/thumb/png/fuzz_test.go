package png_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	stdpng "image/png"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb/png"
)

// mostPixels keeps a fuzzer from images that only take long.
const mostPixels = 1 << 16

// FuzzDecode holds the decoder against image/png: what that takes must give the same pixels,
// and what only we take must be whole but for what lies behind the last row.
func FuzzDecode(f *testing.F) {
	for i, kind := range every() {
		kind.width, kind.height, kind.seed, kind.level = 5+i%7, 3+i%5, uint64(i), []int{0, 6, -2}[i%3]
		f.Add(kind.bytes())
	}
	f.Add(samples.PNG(9, 7))
	f.Add(samples.APNG(8, 8, 2))
	f.Add(samples.WithProfile(samples.PNG(3, 3), samples.Profile(samples.ProfileOptions{})))
	f.Add(samples.PNGBomb())
	f.Fuzz(func(t *testing.T, data []byte) {
		// image/png allocates what any IHDR says, wherever it stands.
		for rest := data; ; {
			_, body, found := bytes.Cut(rest, []byte("IHDR"))
			if !found {
				break
			}
			if len(body) > 12 && (body[12] != 0 || uint64(binary.BigEndian.Uint32(body))*uint64(binary.BigEndian.Uint32(body[4:])) > mostPixels) {
				return
			}
			rest = body
		}
		differential(t, data)
	})
}

// FuzzInflate fuzzes the compressed stream, behind a header and a CRC that are right.
func FuzzInflate(f *testing.F) {
	kind := file{width: 70, height: 50, kind: 0, depth: 8, parts: 100}
	for seed := range uint64(4) {
		kind.seed = seed
		for _, level := range []int{0, 1, 6, -2} {
			f.Add(deflate(kind.rows(), level))
		}
	}
	f.Add(deflate(make([]byte, 71*50), 9))
	f.Fuzz(func(t *testing.T, stream []byte) { differential(t, kind.with(stream)) })
}

func differential(t *testing.T, data []byte) {
	t.Helper()
	h, pix, err := decode(t, data)
	img, stdErr := stdpng.Decode(bytes.NewReader(data))
	switch {
	case stdErr == nil:
		require.NoError(t, err)
		same(t, h, pix, img)
	case err == nil:
		// The same rows in a stream that ends well.
		img, stdErr = stdpng.Decode(bytes.NewReader(mended(t, data, h)))
		require.NoError(t, stdErr)
		same(t, h, pix, img)
	}
}

// mended compresses the rows of a file anew.
func mended(t *testing.T, data []byte, h png.Header) []byte {
	t.Helper()
	out, stream := []byte(signature), []byte{}
	ended := false
	for pos := len(signature); pos < len(data); {
		n := int(binary.BigEndian.Uint32(data[pos:]))
		switch kind := string(data[pos+4 : pos+8]); {
		case kind == "IDAT" && !ended:
			stream = append(stream, data[pos+8:pos+8+n]...)
		case kind == "IEND":
			pos, n = len(data), -12
		case len(stream) == 0:
			out = append(out, data[pos:pos+12+n]...)
		default:
			ended = true
		}
		pos += 12 + n
	}
	bits := int(data[24]) * samplesOf[int(data[25])]
	rows := make([]byte, h.Height*(1+(h.Width*bits+7)/8))
	// compress/flate reads as many bits as an end of block takes before it looks at a code,
	// which a stream that ends with the last row need not have.
	z, err := zlib.NewReader(bytes.NewReader(append(stream, 0, 0)))
	require.NoError(t, err)
	_, err = io.ReadFull(z, rows)
	require.NoError(t, err)
	out = append(out, chunk("IDAT", deflate(rows, 1))...)
	return append(out, chunk("IEND", nil)...)
}
