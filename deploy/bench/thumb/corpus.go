package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/afterput/afterput/pipeline/probe/samples"
)

// corpus names the files that are measured.
type corpus struct {
	photos      []string // 12 MP, baseline 4:2:0
	phone       string   // 1080 x 1920
	progressive string   // the first photo as a progressive JPEG
	huge        string   // 110 MP
	png         string   // the first photo as PNG
	zone        string   // a zone plate of 4032 x 3024
}

const (
	photoWidth, photoHeight = 4032, 3024
	// photoQuality makes generated photos weigh what those of phones do, about 3 MB.
	photoQuality = 96
)

// prepare makes what is not there yet. libvips makes the forms that Go has no encoder for.
func prepare(ctx context.Context, o options) (corpus, error) {
	dir := filepath.Join(o.dir, "images")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return corpus{}, err
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	c := corpus{phone: at("phone.jpg"), progressive: at("progressive.jpg"), huge: at("huge.jpg"), png: at("photo.png"), zone: at("zone.jpg")}
	var err error
	if c.photos, err = photos(o.photos, at); err != nil {
		return c, err
	}
	first := c.photos[0]
	return c, errors.Join(
		once(c.zone, func() error { return os.WriteFile(c.zone, zonePlate(photoWidth, photoHeight), 0o600) }),
		vipsOnce(ctx, c.phone, "thumbnail", first, c.phone+"[Q=85]", "1080", "--height", "1920", "--crop", "centre"),
		vipsOnce(ctx, c.progressive, "jpegsave", first, c.progressive, "--interlace", "--Q", "95", "--strip", "--subsample-mode", "on"),
		vipsOnce(ctx, c.huge, "arrayjoin", mosaic(c.photos), c.huge+"[Q=92,strip,subsample_mode=on]", "--across", "3"),
		vipsOnce(ctx, c.png, "pngsave", first, c.png, "--strip"),
	)
}

// photos gives the JPEGs of a folder that have 12 MP, or five of our own.
func photos(folder string, at func(string) string) ([]string, error) {
	if folder == "" {
		var files []string
		for seed := range uint64(5) {
			name := at(fmt.Sprintf("photo%d.jpg", seed+1))
			files = append(files, name)
			if err := once(name, func() error {
				return os.WriteFile(name, samples.Photo(samples.Options{Width: photoWidth, Height: photoHeight, Seed: seed, Quality: photoQuality}), 0o600)
			}); err != nil {
				return nil, err
			}
		}
		return files, nil
	}
	all, err := filepath.Glob(filepath.Join(folder, "*.jpg"))
	if err != nil {
		return nil, err
	}
	files := slices.DeleteFunc(all, func(name string) bool { return !plainPhoto(name) })
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no baseline JPEG of 12 to 16 MP", folder)
	}
	return files, nil
}

// plainPhoto tells a baseline JPEG of 12 to 16 MP that stands upright.
func plainPhoto(name string) bool {
	if strings.Contains(name, "exif") || strings.Contains(name, "prog") || strings.Contains(name, "rst") {
		return false
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return false
	}
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(data))
	pixels := cfg.Width * cfg.Height
	return err == nil && pixels >= 12_000_000 && pixels <= 16_000_000 && cfg.Width > cfg.Height
}

// mosaic names nine photos, three by three of which are as many pixels as the largest
// phones give, each with the detail of a photo.
func mosaic(photos []string) string {
	names := make([]string, 9)
	for i := range names {
		names[i] = photos[i%len(photos)]
	}
	return strings.Join(names, " ")
}

func once(name string, make func() error) error {
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	return make()
}

// vipsOnce runs vips under another name first, so that what is there is whole.
func vipsOnce(ctx context.Context, name string, args ...string) error {
	return once(name, func() error {
		part := filepath.Join(filepath.Dir(name), "part-"+filepath.Base(name))
		for i, a := range args {
			if rest, ok := strings.CutPrefix(a, name); ok {
				args[i] = part + rest
			}
		}
		if out, err := exec.CommandContext(ctx, "vips", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("vips %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
		}
		return os.Rename(part, name)
	})
}

// zonePlate is a chirp of rings around the middle whose frequency reaches that of the
// pixels, half a cycle each, at the left and right border: whatever aliases shows as
// rings that are not there.
func zonePlate(w, h int) []byte {
	img := image.NewGray(image.Rect(0, 0, w, h))
	k := math.Pi / float64(w) // phase k r² has the slope 2 k r, which is π at r = w/2
	for y := range h {
		dy := float64(y) - float64(h-1)/2
		for x := range w {
			dx := float64(x) - float64(w-1)/2
			img.Pix[y*img.Stride+x] = uint8(127.5 + 127.5*math.Cos(k*(dx*dx+dy*dy)))
		}
	}
	// YCbCr like a photo: decoders take another path for grey.
	out := image.NewYCbCr(img.Rect, image.YCbCrSubsampleRatio420)
	copy(out.Y, img.Pix)
	for i := range out.Cb {
		out.Cb[i], out.Cr[i] = 128, 128
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, out, &jpeg.Options{Quality: 95}) // fails for sides above 65535 only
	return b.Bytes()
}
