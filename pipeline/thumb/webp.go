package thumb

import (
	"encoding/binary"
	"errors"
	"image"
)

// webpFrame is the first frame of an animated WebP as a still file, because x/image
// decodes no animation.
type webpFrame struct {
	at            image.Point // on the canvas
	width, height int
	still         []byte
}

func (f *webpFrame) bounds() image.Rectangle {
	return image.Rectangle{Max: image.Pt(f.width, f.height)}.Add(f.at)
}

var errFrame = errors.New("webp: the first frame of the animation is broken")

// firstFrame finds the first frame of an animation (RFC 9649, 2.7.1.1); nil for a still.
func firstFrame(data []byte) (*webpFrame, error) {
	const animationFlag = 1 << 1
	kind, body, rest := nextChunk(data[min(12, len(data)):])
	if kind != "VP8X" || len(body) < 10 || body[0]&animationFlag == 0 {
		return nil, nil
	}
	for kind != "" && kind != "ANMF" {
		kind, body, rest = nextChunk(rest)
	}
	if kind != "ANMF" || len(body) < 16 {
		return nil, errFrame
	}
	f := &webpFrame{
		at:     image.Pt(2*int24(body), 2*int24(body[3:])),
		width:  int24(body[6:]) + 1,
		height: int24(body[9:]) + 1,
	}
	var alpha []byte
	for rest = body[16:]; ; {
		kind, body, rest = nextChunk(rest)
		switch kind {
		case "":
			return nil, errFrame
		case "ALPH":
			alpha = body
		case "VP8L":
			f.still = riff(chunk("VP8L", body))
			return f, nil
		case "VP8 ":
			if alpha == nil {
				f.still = riff(chunk("VP8 ", body))
				return f, nil
			}
			const alphaFlag = 1 << 4
			head := append([]byte{alphaFlag, 0, 0, 0}, put24(f.width-1)...)
			head = append(head, put24(f.height-1)...)
			f.still = riff(chunk("VP8X", head), chunk("ALPH", alpha), chunk("VP8 ", body))
			return f, nil
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

func chunk(kind string, body []byte) []byte {
	out := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(body)))
	out = append(out, body...)
	if len(body)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

func riff(chunks ...[]byte) []byte {
	body := []byte("WEBP")
	for _, c := range chunks {
		body = append(body, c...)
	}
	return chunk("RIFF", body)
}

func int24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func put24(v int) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16)} }
