package thumb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"
)

// webpFrame is the first frame of an animated WebP as a still file, because x/image
// decodes no animation.
type webpFrame struct {
	at            image.Point // on the canvas
	width, height int
	parts         [][]byte // of the file; their bodies are those of the animation
}

// still reads the frame as a file of its own.
func (f *webpFrame) still() io.Reader {
	parts := make([]io.Reader, len(f.parts))
	for i, p := range f.parts {
		parts[i] = bytes.NewReader(p)
	}
	return io.MultiReader(parts...)
}

func (f *webpFrame) bounds() image.Rectangle {
	return image.Rectangle{Max: image.Pt(f.width, f.height)}.Add(f.at)
}

var (
	errFrame = errors.New("webp: the first frame of the animation is broken")
	errImage = errors.New("webp: there is no whole image")
)

// firstFrame finds the first frame of an animation (RFC 9649, 2.7.1.1); nil for a still.
// lossless is how many bytes of VP8L there are in the one or the other.
func firstFrame(data []byte) (f *webpFrame, lossless int, err error) {
	const animationFlag = 1 << 1
	kind, body, rest := nextChunk(data[min(12, len(data)):])
	if kind != "VP8X" || len(body) < 10 || body[0]&animationFlag == 0 {
		lossless, err = losslessBytes(data)
		return nil, lossless, err
	}
	for kind != "" && kind != "ANMF" {
		kind, body, rest = nextChunk(rest)
	}
	if kind != "ANMF" || len(body) < 16 {
		return nil, 0, errFrame
	}
	f = &webpFrame{
		at:     image.Pt(2*int24(body), 2*int24(body[3:])),
		width:  int24(body[6:]) + 1,
		height: int24(body[9:]) + 1,
	}
	var alpha []byte
	for rest = body[16:]; ; {
		kind, body, rest = nextChunk(rest)
		switch kind {
		case "":
			return nil, 0, errFrame
		case "ALPH":
			alpha = body
		case "VP8L":
			f.parts = riff(chunk{"VP8L", body})
			return f, len(body), nil
		case "VP8 ":
			if alpha == nil {
				f.parts = riff(chunk{"VP8 ", body})
				return f, 0, nil
			}
			const alphaFlag = 1 << 4
			head := append([]byte{alphaFlag, 0, 0, 0}, put24(f.width-1)...)
			head = append(head, put24(f.height-1)...)
			f.parts = riff(chunk{"VP8X", head}, chunk{"ALPH", alpha}, chunk{"VP8 ", body})
			return f, len(alpha), nil
		}
	}
}

// losslessBytes counts those of a still. Its image must be whole: x/image would allocate what
// a chunk claims to hold.
func losslessBytes(data []byte) (n int, err error) {
	for rest := data[min(12, len(data)):]; ; {
		var kind string
		var body []byte
		switch kind, body, rest = nextChunk(rest); kind {
		case "":
			return 0, errImage
		case "ALPH":
			n += len(body)
		case "VP8L":
			return n + len(body), nil
		case "VP8 ":
			return n, nil
		}
	}
}

// nextChunk splits the first RIFF chunk off; kind is "" where b holds none that is whole.
func nextChunk(b []byte) (kind string, body, rest []byte) {
	if len(b) < 8 {
		return "", nil, nil
	}
	n := int64(binary.LittleEndian.Uint32(b[4:]))
	if n > int64(len(b)-8) {
		return "", nil, nil
	}
	end := min(8+n+n&1, int64(len(b)))
	return string(b[:4]), b[8 : 8+n], b[end:]
}

// chunk is one of a RIFF file.
type chunk struct {
	kind string
	body []byte
}

// riff gives the parts of a WebP file of chunks, whose bodies it does not copy.
func riff(chunks ...chunk) [][]byte {
	head := func(kind string, size int) []byte {
		return binary.LittleEndian.AppendUint32([]byte(kind), uint32(size)) //nolint:gosec // of what was in a file
	}
	size := len("WEBP")
	parts := [][]byte{nil}
	for _, c := range chunks {
		padding := make([]byte, len(c.body)%2)
		size += 8 + len(c.body) + len(padding)
		parts = append(parts, head(c.kind, len(c.body)), c.body, padding)
	}
	parts[0] = append(head("RIFF", size), "WEBP"...)
	return parts
}

// treesWebP is the most that x/image takes for the Huffman codes of a lossless image of
// w x h pixels in size bytes. It keeps up to 2,600 groups of five codes, no more than there
// are tiles of 4 x 4 pixels, and each takes 20 bits of the file. A code has a table of 536
// bytes, and 16 bytes for each of its symbols, of which a group has up to 3,136 and whose
// lengths take half a bit each.
func treesWebP(w, h, size int) int64 {
	groups := int64(min(2600, ((w+3)/4)*((h+3)/4), size*8/20))
	return groups*5*536 + min(groups*3136*16, int64(size)*256)
}

func int24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func put24(v int) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16)} }
