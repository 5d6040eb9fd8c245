package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
)

// sheetSize is the box of the thumbnails on a sheet, in pixels.
const sheetSize = 640

// sheets writes a picture for each photo and for the zone plate, to be looked at: ours,
// that of vipsthumbnail, and their difference times eight on grey.
func sheets(ctx context.Context, c corpus, o options) error {
	dir := filepath.Join(o.dir, "sheets")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	for _, file := range append([]string{c.zone}, c.photos[:min(len(c.photos), 5)]...) {
		mine, theirs, err := pair(ctx, o, file, sheetSize)
		if err != nil {
			return err
		}
		a, err := jpeg.Decode(bytes.NewReader(mine))
		if err != nil {
			return err
		}
		b, err := jpeg.Decode(bytes.NewReader(theirs))
		if err != nil {
			return err
		}
		if a.Bounds() != b.Bounds() {
			return fmt.Errorf("%s: ours is %v, that of vipsthumbnail is %v", file, a.Bounds().Size(), b.Bounds().Size())
		}
		var out bytes.Buffer
		if err := png.Encode(&out, sheet(a, b)); err != nil {
			return err
		}
		name := filepath.Join(dir, strings.TrimSuffix(filepath.Base(file), ".jpg")+".png")
		if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(os.Stdout, name)
	}
	return nil
}

func sheet(a, b image.Image) image.Image {
	size := a.Bounds().Size()
	out := image.NewRGBA(image.Rect(0, 0, 3*size.X, size.Y))
	draw.Draw(out, image.Rectangle{Max: size}, a, a.Bounds().Min, draw.Src)
	draw.Draw(out, image.Rectangle{Max: size}.Add(image.Pt(size.X, 0)), b, b.Bounds().Min, draw.Src)
	for y := range size.Y {
		for x := range size.X {
			p, q := out.RGBAAt(x, y), out.RGBAAt(size.X+x, y)
			out.SetRGBA(2*size.X+x, y, color.RGBA{R: magnified(p.R, q.R), G: magnified(p.G, q.G), B: magnified(p.B, q.B), A: 255})
		}
	}
	return out
}

func magnified(a, b uint8) uint8 {
	return uint8(min(max(128+8*(int(a)-int(b)), 0), 255))
}
