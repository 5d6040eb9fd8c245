package samples

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// small is the harmless JPEG inside the hostile ones.
func small(seed uint64) []byte { return Photo(Options{Width: 320, Height: 240, Seed: seed}) }

// pngChunk lays out one PNG chunk with a valid CRC.
func pngChunk(kind string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, kind...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

func ihdr(w, h uint32) []byte {
	return pngChunk("IHDR", append(u32(w, h), 8, 6, 0, 0, 0)) // 8 bits, RGBA
}

// PNGBomb makes a few bytes that claim 65535 x 65535 pixels, with valid CRCs.
func PNGBomb() []byte {
	out := append([]byte("\x89PNG\r\n\x1a\n"), ihdr(65535, 65535)...)
	out = append(out, pngChunk("IDAT", []byte("\x78\x01\x01\x00\x00\xff\xff\x00\x00\x00\x01"))...)
	return append(out, pngChunk("IEND", nil)...)
}

// JPEGBomb makes a JPEG whose frame header claims 65535 x 65535 pixels.
func JPEGBomb() []byte {
	b := small(1)
	if _, size, ok := bytes.Cut(b, []byte("\xff\xc0\x00\x11\x08")); ok {
		copy(size, "\xff\xff\xff\xff")
	}
	return b
}

// GIFBomb makes 34 bytes that claim a frame of 65535 x 65535 pixels: go.dev/issue/79063.
func GIFBomb() []byte {
	b := []byte("GIF89a\xff\xff\xff\xff\x80\x00\x00")
	b = append(b, 0, 0, 0, 255, 255, 255)
	b = append(b, 0x2c, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0)
	return append(b, 2, 1, 0x05, 0, 0x3b)
}

// WebPBomb makes 40 bytes that decode to 16383 x 16383 pixels.
func WebPBomb() []byte { return WebPLossless(16383, 16383, 0xff336699) }

// APNG makes an animated PNG of small frames.
func APNG(w, h, frames int) []byte {
	still := PNG(w, h)
	const head = 8 + 25 // magic and IHDR
	out := append([]byte{}, still[:head]...)
	out = append(out, pngChunk("acTL", u32(uint32(frames), 0))...)
	control := func(seq int) []byte {
		return pngChunk("fcTL", append(u32(uint32(seq), uint32(w), uint32(h), 0, 0), 0, 1, 0, 10, 0, 0))
	}
	out = append(out, control(0)...)
	rest := still[head:]
	n := binary.BigEndian.Uint32(rest)
	data := rest[8 : 8+n] // the first IDAT
	iend := rest[len(rest)-12:]
	out = append(out, rest[:len(rest)-12]...)
	for i := 1; i < frames; i++ {
		out = append(out, control(2*i-1)...)
		out = append(out, pngChunk("fdAT", append(u32(uint32(2*i)), data...))...)
	}
	return append(out, iend...)
}

// TruncatedJPEG makes a photo that ends in the middle, as after a broken upload. It is
// small enough for a check to see all of it; of a larger one only decoding can tell.
func TruncatedJPEG() []byte {
	b := Photo(Options{Width: 640, Height: 480, Seed: 4})
	return b[:len(b)/2]
}

// ScriptJPEG makes a photo with HTML in its comment.
func ScriptJPEG() []byte {
	return withSegments(small(2), segment{0xfe, []byte("<script>alert(document.cookie)</script>")})
}

// ZIPJPEG makes a file that is a photo from the front and an archive from the back.
func ZIPJPEG() []byte { return append(small(3), ZIP()...) }

// TSPNG makes a picture with a video stream behind it, the way in which video sites
// have used image hosts as free storage.
func TSPNG() []byte { return append(PNG(16, 16), MPEGTS(10)...) }

// Padded makes a valid JPEG of exactly size bytes, which are mostly comments between the
// headers and the scan. Sizes below 64 KiB give the photo as it is.
func Padded(size int) []byte {
	b := small(5)
	at := bytes.Index(b, []byte{0xff, 0xda})
	if size < 64<<10 || at < 0 {
		return b
	}
	out := make([]byte, 0, size)
	out = append(out, b[:at]...)
	for left := size - len(b); left > 0; {
		n := min(left, 65535+2)
		// A segment needs 4 bytes: what is left over must be nothing or as much.
		if over := left - n; over > 0 && over < 4 {
			n -= 4
		}
		out = append(out, segment{0xfe, make([]byte, n-4)}.bytes()...)
		left -= n
	}
	return append(out, b[at:]...)
}
