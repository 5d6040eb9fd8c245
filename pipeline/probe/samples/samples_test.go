package samples_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"

	"github.com/afterput/afterput/pipeline/probe/samples"
)

func TestPhoto(t *testing.T) {
	t.Parallel()
	for _, o := range []samples.Options{
		{},
		{Width: 1, Height: 1},
		{Width: 3, Height: 2000, Seed: 9},
		{Width: 641, Height: 479, Orientation: 6, Quality: 40},
		{Width: 480, Height: 640, Orientation: 3, GPS: true, Quality: 100},
		{Width: -5, Height: 7, Seed: 1 << 63, Orientation: 99, Quality: -1},
	} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			t.Parallel()
			data := samples.Photo(o)
			require.Equal(t, data, samples.Photo(o), "the same options, the same bytes")
			img, err := jpeg.Decode(bytes.NewReader(data))
			require.NoError(t, err)
			if o.Width > 0 {
				require.Equal(t, image.Pt(o.Width, o.Height), img.Bounds().Size())
			}
			// The GPS directory is the only place with a latitude reference.
			require.Equal(t, o.GPS, bytes.Contains(data, []byte("\x01\x00\x02\x00\x02\x00\x00\x00N\x00")))
			require.Contains(t, string(data[:200]), "afterput samples")
		})
	}
}

// A photo must cost the bytes of a photo: 1 to 3 bits per pixel at quality 85.
func TestPhotoCompressesLikeOne(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		bits := float64(8*len(samples.Photo(samples.Options{Width: 540, Height: 960, Seed: seed}))) / (540 * 960)
		require.InDelta(t, 1.6, bits, 1.2, "seed %d", seed)
	}
}

func TestOriented(t *testing.T) {
	t.Parallel()
	img, err := jpeg.Decode(bytes.NewReader(samples.Oriented(1)))
	require.NoError(t, err)
	require.Equal(t, image.Pt(128, 96), img.Bounds().Size())
	// Orientation 6: the top of the scene is the right side of what is stored.
	img, err = jpeg.Decode(bytes.NewReader(samples.Oriented(6)))
	require.NoError(t, err)
	require.Equal(t, image.Pt(96, 128), img.Bounds().Size())
	r, g, b, _ := color.RGBAModel.Convert(img.At(4, 4)).RGBA()
	require.True(t, r < 0x4000 && g > 0xc000 && b < 0x4000, "green, the top right, lies at the top left: %x %x %x", r, g, b)
}

// Everything that claims to be an image is one for the real decoders.
func TestDecode(t *testing.T) {
	t.Parallel()
	decode := func(data []byte, f func(r *bytes.Reader) (image.Image, error)) image.Image {
		img, err := f(bytes.NewReader(data))
		require.NoError(t, err)
		return img
	}
	img := decode(samples.PNG(20, 10), func(r *bytes.Reader) (image.Image, error) { return png.Decode(r) })
	require.Equal(t, color.NRGBA{}, img.At(0, 0))
	decode(samples.APNG(8, 8, 30), func(r *bytes.Reader) (image.Image, error) { return png.Decode(r) })
	img = decode(samples.CMYKJPEG(33, 17), func(r *bytes.Reader) (image.Image, error) { return jpeg.Decode(r) })
	require.IsType(t, &image.CMYK{}, img)
	img = decode(samples.WebPLossy(65, 49), func(r *bytes.Reader) (image.Image, error) { return webp.Decode(r) })
	require.Equal(t, image.Pt(65, 49), img.Bounds().Size())
	img = decode(samples.WebPLossy(1000, 1000), func(r *bytes.Reader) (image.Image, error) { return webp.Decode(r) })
	require.Equal(t, image.Pt(1000, 1000), img.Bounds().Size())
	img = decode(samples.WebPLossless(300, 7, 0x80112233), func(r *bytes.Reader) (image.Image, error) { return webp.Decode(r) })
	require.Equal(t, color.NRGBA{R: 0x11, G: 0x22, B: 0x33, A: 0x80}, img.At(299, 6))
	img = decode(samples.BMP(5, 7), func(r *bytes.Reader) (image.Image, error) { return bmp.Decode(r) })
	require.Equal(t, image.Pt(5, 7), img.Bounds().Size())
	decode(samples.Padded(1_000_000), func(r *bytes.Reader) (image.Image, error) { return jpeg.Decode(r) })

	anim, err := gif.DecodeAll(bytes.NewReader(samples.GIF(60, 40, 5)))
	require.NoError(t, err)
	require.Len(t, anim.Image, 5)
}

func TestPaddedIsExact(t *testing.T) {
	t.Parallel()
	for size := 200_000; size < 200_010; size++ {
		require.Len(t, samples.Padded(size), size)
	}
	base := len(samples.Padded(0))
	for _, over := range []int{65537, 65538, 65539, 65540, 65541, 2*65537 + 1} {
		require.Len(t, samples.Padded(base+over), base+over)
	}
}

func TestCatalogNamesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, list := range [][]samples.File{samples.Ordinary(), samples.Other(), samples.Hostile()} {
		for _, f := range list {
			require.False(t, seen[f.Name], f.Name)
			require.LessOrEqual(t, len(f.Data), 2<<20, f.Name)
			seen[f.Name] = true
		}
	}
}

func BenchmarkPhoto(b *testing.B) {
	for _, o := range []samples.Options{{}, {Width: 4032, Height: 3024}} {
		b.Run(fmt.Sprintf("%dx%d", o.Width, o.Height), func(b *testing.B) {
			for b.Loop() {
				samples.Photo(o)
			}
		})
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	for _, g := range []samples.Gamut{samples.SRGB, samples.DisplayP3, samples.AdobeRGB, samples.Gray} {
		p := samples.Profile(samples.ProfileOptions{Gamut: g})
		require.Equal(t, "acsp", string(p[36:40]))
		require.EqualValues(t, len(p), binary.BigEndian.Uint32(p))
		photo := samples.Options{Width: 16, Height: 16}
		plain := samples.Photo(photo)
		photo.Profile = p
		with := samples.Photo(photo)
		require.True(t, bytes.Contains(with, append([]byte("ICC_PROFILE\x00\x01\x01"), p...)))
		require.Less(t, len(plain), len(with))
		_, err := jpeg.Decode(bytes.NewReader(with))
		require.NoError(t, err)
		img, err := png.Decode(bytes.NewReader(samples.WithProfile(samples.PNG(5, 5), p)))
		require.NoError(t, err)
		require.Equal(t, 5, img.Bounds().Dx())
	}
	long := make([]byte, 70_000)
	_, err := jpeg.Decode(bytes.NewReader(samples.WithProfile(samples.CMYKJPEG(8, 8), long)))
	require.NoError(t, err)
	require.Equal(t, []byte("GIF"), samples.WithProfile([]byte("GIF"), long))
}
