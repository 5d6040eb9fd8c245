package thumb

import (
	"cmp"
	"slices"

	"github.com/afterput/afterput/pipeline"
)

// decoded is the index that stands for the decoded image itself.
const decoded = -1

// target is one thumbnail to make.
type target struct {
	preset pipeline.Preset // with its defaults
	// width and height are its size in pixels, upright.
	width, height int
	// view is what it shows of the upright original.
	view view
	// from is the index of the target that it is made of, or decoded.
	from int
}

func (t target) pixels() int64 { return int64(t.width) * int64(t.height) }

// writing is how many bytes its file takes while it is written, with a profile that it
// needs. A file is copied as it grows. That of noise has 1.1 bytes for a pixel as a JPEG of
// quality 80, 2.8 at quality 100, and 4 as a PNG, which is made of pixels of 4 bytes by an
// encoder of a megabyte.
func (t target) writing(profile []byte) int64 {
	if t.preset.Format == pipeline.PNG {
		return 6*int64(len(profile)) + 16*t.pixels() + 1<<20
	}
	perPixel := 4 + max(t.preset.Quality-80, 0)/3
	return int64(len(profile)) + int64(perPixel)*t.pixels()
}

// density is how many pixels it has for one of the original, along the side where that is
// most.
func (t target) density() float64 {
	return max(float64(t.width)/t.view.w, float64(t.height)/t.view.h)
}

// view is a part of an image in its pixels.
type view struct{ x, y, w, h float64 }

func (v view) holds(o view) bool {
	return v.x <= o.x && v.y <= o.y && v.x+v.w >= o.x+o.w && v.y+v.h >= o.y+o.h
}

// plan sizes the thumbnails of an upright image of w x h pixels, and says what each is made
// of.
func plan(w, h int, presets []pipeline.Preset) []target {
	targets := make([]target, 0, len(presets))
	for _, p := range presets {
		targets = append(targets, aim(w, h, p.WithDefaults()))
	}
	cascade(targets)
	return targets
}

func aim(w, h int, p pipeline.Preset) target {
	t := target{preset: p, view: view{w: float64(w), h: float64(h)}, width: p.Width, height: p.Height}
	if p.Mode == pipeline.Fill {
		t.view = centre(w, h, p.Width, p.Height)
		if !p.Enlarge && (p.Width > w || p.Height > h) {
			t.width, t.height = within(p.Width, p.Height, w, h)
		}
		return t
	}
	if p.Enlarge || w > p.Width || h > p.Height {
		t.width, t.height = within(w, h, p.Width, p.Height)
	} else {
		t.width, t.height = w, h
	}
	return t
}

// within gives the size of the shape w x h that touches the sides of a box, at least 1
// pixel a side.
func within(w, h, boxW, boxH int) (int, int) {
	if int64(w)*int64(boxH) > int64(h)*int64(boxW) {
		return boxW, scaled(h, boxW, w)
	}
	return scaled(w, boxH, h), boxH
}

// scaled gives side * num / den, rounded, at least 1.
func scaled(side, num, den int) int {
	return int(max((int64(side)*int64(num)+int64(den)/2)/int64(den), 1))
}

// centre is the largest part of w x h of the shape of a box, in the middle.
func centre(w, h, boxW, boxH int) view {
	v := view{w: float64(w), h: float64(h)}
	if int64(w)*int64(boxH) > int64(h)*int64(boxW) {
		v.w = max(v.h*float64(boxW)/float64(boxH), 1)
	} else {
		v.h = max(v.w*float64(boxH)/float64(boxW), 1)
	}
	v.x, v.y = (float64(w)-v.w)/2, (float64(h)-v.h)/2
	return v
}

// cascade has every target made of the smallest one that shows as much and has at least
// twice its pixels a side, and no more than the original: filtering hardly smaller ones
// twice would blur. Targets that are the same but for their encoding share their pixels.
func cascade(targets []target) {
	order := densest(targets)
	for n, i := range order {
		t := &targets[i]
		t.from = decoded
		for _, j := range slices.Backward(order[:n]) {
			s := targets[j]
			same := s.width == t.width && s.height == t.height && s.view == t.view
			if same || (s.view.holds(t.view) && s.density() >= 2*t.density() && s.density() <= 1) {
				t.from = j
				break
			}
		}
	}
}

// densest gives the indices of targets in the order in which they are made.
func densest(targets []target) []int {
	order := make([]int, len(targets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(targets[b].density(), targets[a].density())
	})
	return order
}

// density is the most pixels that a target needs for one of the original.
func density(targets []target) float64 {
	most := 0.0
	for _, t := range targets {
		most = max(most, t.density())
	}
	return most
}
