package thumb

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/draw"
	"image/png"
)

// encodePNG writes a PNG, with a colour profile where there is one.
func encodePNG(img image.Image, profile []byte) ([]byte, error) {
	if m, ok := img.(*image.YCbCr); ok {
		rgba := image.NewRGBA(m.Rect) // for which image/png has a fast path
		draw.Draw(rgba, rgba.Rect, m, image.Point{}, draw.Src)
		img = rgba
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil || profile == nil {
		return b.Bytes(), err
	}
	chunk, err := iccp(profile)
	// The profile comes behind the header, which always has the same length.
	const header = 8 + 12 + 13
	return bytes.Join([][]byte{b.Bytes()[:header], chunk, b.Bytes()[header:]}, nil), err
}

// iccp makes the chunk that holds a profile (PNG 3rd edition, 11.3.2.3).
func iccp(profile []byte) ([]byte, error) {
	var body bytes.Buffer
	body.WriteString("iCCPicc\x00\x00")
	z := zlib.NewWriter(&body)
	if _, err := z.Write(profile); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	chunk := binary.BigEndian.AppendUint32(nil, uint32(body.Len()-4)) //nolint:gosec // a few megabytes at most
	chunk = append(chunk, body.Bytes()...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(body.Bytes())), nil
}

// withProfile puts a profile into a JPEG that has none: in as many APP2 segments as it needs,
// behind SOI (ICC.1:2022, B.4).
func withProfile(jpg, profile []byte) []byte {
	const most = 0xffff - 2 - 14
	parts := (len(profile) + most - 1) / most
	if parts > 255 {
		return jpg
	}
	out := make([]byte, 0, len(jpg)+len(profile)+parts*(0xffff-most+2))
	out = append(out, jpg[:2]...)
	for n := range parts {
		part := profile[n*most : min((n+1)*most, len(profile))]
		out = append(out, 0xff, 0xe2)
		out = binary.BigEndian.AppendUint16(out, uint16(len(part)+16)) //nolint:gosec // fits by its bound
		out = append(out, "ICC_PROFILE\x00"...)
		out = append(out, byte(n+1), byte(parts)) //nolint:gosec // at most 255
		out = append(out, part...)
	}
	return append(out, jpg[2:]...)
}
