package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// quality is one target for what the thumbnails look like or weigh.
type quality struct {
	id  string
	run func(context.Context) ([]qualityRow, error)
}

func (q quality) chosen(only string) bool { return strings.HasPrefix(q.id, only) }

type qualityRow struct {
	id, what, ours, theirs, must string
	met                          bool
}

// qualities are the targets Q1 to Q3.
func qualities(c corpus, o options) []quality {
	return []quality{
		{id: "Q1", run: func(ctx context.Context) ([]qualityRow, error) { return likeness(ctx, c, o) }},
		{id: "Q2", run: func(ctx context.Context) ([]qualityRow, error) { return rings(ctx, c, o) }},
		{id: "M1", run: func(ctx context.Context) ([]qualityRow, error) { return uncollected(ctx, c, o) }},
	}
}

// likeness compares each thumbnail with the full-size reference, and its bytes with those
// of vipsthumbnail: Q1 and Q3.
func likeness(ctx context.Context, c corpus, o options) ([]qualityRow, error) {
	var rows []qualityRow
	for _, size := range []int{160, 480, 1280} {
		worst, worstOurs, worstTheirs, worstName := 1.0, 0.0, 0.0, ""
		var bytesOurs, bytesTheirs int
		for _, file := range c.photos {
			mine, theirs, err := pair(ctx, o, file, size)
			if err != nil {
				return nil, err
			}
			a, b, err := similarity(file, mine, theirs)
			if err != nil {
				return nil, err
			}
			if a-b < worst {
				worst, worstOurs, worstTheirs, worstName = a-b, a, b, filepath.Base(file)
			}
			bytesOurs, bytesTheirs = bytesOurs+len(mine), bytesTheirs+len(theirs)
		}
		ratio := float64(bytesOurs) / float64(bytesTheirs)
		rows = append(rows,
			qualityRow{
				id: "Q1", what: fmt.Sprintf("SSIM of luma at %d, worst photo (%s) / vipsthumbnail", size, worstName),
				ours: fmt.Sprintf("%.4f", worstOurs), theirs: fmt.Sprintf("%.4f", worstTheirs), must: ">= theirs - 0.001", met: worst >= -0.001,
			},
			qualityRow{
				id: "Q3", what: fmt.Sprintf("bytes at %d, quality 80 / vipsthumbnail", size),
				ours: strconv.Itoa(bytesOurs), theirs: fmt.Sprintf("%d, ratio %.3f", bytesTheirs, ratio), must: "<= 1.04", met: ratio <= 1.04,
			})
	}
	return rows, nil
}

// pair makes a thumbnail on both sides.
func pair(ctx context.Context, o options, file string, size int) (mine, theirs []byte, err error) {
	if mine, err = made(ctx, o, ours, file, size); err != nil {
		return nil, nil, err
	}
	out, err := filepath.Abs(filepath.Join(o.dir, "out", "vips.jpg"))
	if err != nil {
		return nil, nil, err
	}
	box := fmt.Sprintf("%dx%d", size, size)
	if text, err := exec.CommandContext(ctx, "vipsthumbnail", file, "-s", box, "-o", out+"[Q=80,strip]").CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("vipsthumbnail: %w: %s", err, bytes.TrimSpace(text))
	}
	theirs, err = os.ReadFile(out)
	return mine, theirs, err
}

// made lets a contender make one thumbnail.
func made(ctx context.Context, o options, c contender, file string, size int) ([]byte, error) {
	if _, err := c.measure(ctx, o, file, []int{size}, 1); err != nil {
		return nil, err
	}
	return os.ReadFile(c.made(c.out(o), file, size))
}

// similarity gives the SSIM of thumbnails against the reference of their own size.
func similarity(file string, thumbs ...[]byte) (mine, theirs float64, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, 0, err
	}
	source, err := luma(data)
	if err != nil {
		return 0, 0, err
	}
	var found [2]float64
	for i, thumb := range thumbs {
		p, err := luma(thumb)
		if err != nil {
			return 0, 0, err
		}
		found[i] = ssim(p, lanczos(source, p.w, p.h))
	}
	return found[0], found[1], nil
}

// rings compares the zone plate with the reference: Q2.
func rings(ctx context.Context, c corpus, o options) ([]qualityRow, error) {
	mine, vips, err := pair(ctx, o, c.zone, 1280)
	if err != nil {
		return nil, err
	}
	other, err := made(ctx, o, sharp("perSize"), c.zone, 1280)
	if err != nil {
		return nil, err
	}
	a, b, err := similarity(c.zone, mine, other)
	if err != nil {
		return nil, err
	}
	_, v, err := similarity(c.zone, mine, vips)
	if err != nil {
		return nil, err
	}
	return []qualityRow{{
		id: "Q2", what: "zone plate 4032 x 3024 at 1280, SSIM / sharp",
		ours: fmt.Sprintf("%.3f", a), theirs: fmt.Sprintf("%.3f (vipsthumbnail %.3f)", b, v), must: ">= sharp's", met: a >= b,
	}}, nil
}

// luma decodes the brightness of a JPEG, untouched by any conversion of colours.
func luma(data []byte) (plane, error) {
	img, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return plane{}, err
	}
	size := img.Bounds().Size()
	p := plane{w: size.X, h: size.Y, pix: make([]float64, size.X*size.Y)}
	for y := range p.h {
		for x := range p.w {
			var v uint8
			switch m := img.(type) {
			case *image.YCbCr:
				v = m.Y[y*m.YStride+x]
			case *image.Gray:
				v = m.Pix[y*m.Stride+x]
			default:
				v = color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y
			}
			p.pix[y*p.w+x] = float64(v)
		}
	}
	return p, nil
}
