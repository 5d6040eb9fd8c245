package probe_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
)

// with puts a marker segment behind the SOI of a JPEG.
func with(jpeg []byte, marker byte, body string) []byte {
	n := len(body) + 2
	out := append([]byte{}, jpeg[:2]...)
	out = append(out, 0xff, marker, byte(n>>8), byte(n))
	return append(append(out, body...), jpeg[2:]...)
}

// gifComment puts a comment extension in front of the trailer.
func gifComment(gif []byte, text string) []byte {
	out := append([]byte{}, gif[:len(gif)-1]...)
	out = append(out, 0x21, 0xfe)
	for len(text) > 0 {
		n := min(len(text), 255)
		out = append(append(out, byte(n)), text[:n]...)
		text = text[n:]
	}
	return append(out, 0, 0x3b)
}

// pngText puts a tEXt chunk behind IHDR, without a valid CRC.
func pngText(png []byte, text string) []byte {
	const head = 8 + 25
	out := append([]byte{}, png[:head]...)
	out = append(out, 0, 0, byte(len(text)>>8), byte(len(text)))
	out = append(out, "tEXt"+text+"\x00\x00\x00\x00"...)
	return append(out, png[head:]...)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func noise(n int, seed uint64) []byte {
	rnd := rand.New(rand.NewPCG(seed, seed))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func TestForeign(t *testing.T) {
	t.Parallel()
	jpg := samples.Photo(samples.Options{Width: 64, Height: 64})
	png, gif, webp := samples.PNG(20, 20), samples.GIF(20, 20, 2), samples.WebPLossless(20, 20, 0)
	padding := make([]byte, 3000)
	for _, tc := range []struct {
		name string
		in   []byte
		want string
	}{
		{"JPEG comment with script", with(jpg, 0xfe, "hello <SCRIPT src=//x>"), probe.TypeHTML},
		{"JPEG comment with PHP", with(jpg, 0xfe, "<?php system($_GET[0]);"), probe.TypePHP},
		{"JPEG EXIF with SVG", with(jpg, 0xe1, "Exif\x00\x00....<svg onload=alert(1)>"), probe.TypeSVG},
		{"JPEG comment with PDF", with(jpg, 0xfe, "%PDF-1.4\n1 0 obj"), probe.TypePDF},
		{"JPEG and ZIP", join(jpg, samples.ZIP()), probe.TypeZIP},
		{"JPEG, padding and ZIP", join(jpg, padding, samples.ZIP()), probe.TypeZIP},
		{"JPEG, noise and ZIP", join(jpg, noise(5000, 1), samples.ZIP()), probe.TypeZIP},
		{"JPEG and PDF", join(jpg, samples.PDF()), probe.TypePDF},
		{"JPEG and HTML", join(jpg, []byte("\n\n<html><body>")), probe.TypeHTML},
		{"JPEG and PE", join(jpg, samples.PE()), probe.TypePE},
		{"JPEG and TS", join(jpg, samples.MPEGTS(3)), probe.TypeMPEGTS},
		{"JPEG, junk and PHP", join(jpg, []byte("junk<?php eval($x);")), probe.TypePHP},
		{"small JPEG and large ZIP", join(jpg, samples.ZIP(), noise(100_000, 2)), probe.TypeZIP},
		{"PNG text", pngText(png, "Comment\x00<html><body>"), probe.TypeHTML},
		{"PNG and TS", samples.TSPNG(), probe.TypeMPEGTS},
		{"PNG and ZIP", join(png, samples.ZIP()), probe.TypeZIP},
		{"GIF comment", gifComment(gif, "<svg/onload=alert(1)>"), probe.TypeSVG},
		{"GIF comment across blocks", gifComment(gif, string(bytes.Repeat([]byte{'a'}, 252))+"<script>alert(1)"), probe.TypeHTML},
		{"GIF and ZIP", join(gif, samples.ZIP()), probe.TypeZIP},
		{"WebP and HTML", join(webp, []byte("<script>1</script>")), probe.TypeHTML},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, detect(t, tc.in).Foreign)
		})
	}
}

// What phones and editors write is not foreign.
func TestForeignSparesPhotos(t *testing.T) {
	t.Parallel()
	jpg := samples.Photo(samples.Options{Width: 64, Height: 64, GPS: true})
	xmp := "http://ns.adobe.com/xap/1.0/\x00<?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>" +
		"<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">" +
		"<rdf:Description xmlns:dc=\"http://purl.org/dc/elements/1.1/\"/></rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>"
	for _, tc := range []struct {
		name string
		in   []byte
	}{
		{"XMP", with(jpg, 0xe1, xmp)},
		{"EXIF thumbnail", with(jpg, 0xe1, "Exif\x00\x00"+string(jpg))},
		{"chance needle in binary", with(jpg, 0xe1, "Exif\x00\x00\x01\x02<svg \x00\x81\xff\xfe<svgZ")},
		{"MPF: a second JPEG behind the first", join(jpg, jpg)},
		{"MPF with padding", join(jpg, make([]byte, 500), jpg)},
		{"motion photo", join(jpg, samples.MP4(1920, 1080), noise(4000, 3))},
		{"Samsung trailer", join(jpg, []byte("\x00\x00\x01\x0a\x0e\x00\x00\x00Image_UTC_Data1756710000000SEFH\x6b\x00\x00\x00SEFT"))},
		{"zeros behind", join(jpg, make([]byte, 70_000))},
		{"words behind", join(jpg, []byte("MZ PK %PDF < script G"))},
		{"PNG with XMP", pngText(samples.PNG(9, 9), "XML:com.adobe.xmp\x00"+xmp)},
		{"GIF with XMP", gifComment(samples.GIF(9, 9, 1), xmp)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, detect(t, tc.in).Foreign)
		})
	}
}

// 64 MiB of noise, as maker notes and thumbnails, must not fire once.
func TestForeignSparesNoise(t *testing.T) {
	t.Parallel()
	jpg := samples.Photo(samples.Options{Width: 16, Height: 16})
	for seed := range uint64(64) {
		in := append(append([]byte{}, jpg...), noise(1<<20, seed)...)
		facts, _ := probe.Detect(in, int64(len(in)))
		require.Empty(t, facts.Foreign, "seed %d", seed)
	}
}
