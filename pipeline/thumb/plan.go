package thumb

import (
	"cmp"
	"slices"

	"github.com/afterput/afterput/pipeline"
)

// target is one thumbnail to make: its size in pixels after orientation.
type target struct {
	preset        string
	width, height int
	quality       int
}

func (t target) pixels() int64 { return int64(t.width) * int64(t.height) }

// plan sizes the thumbnails of p.
func plan(p picture, presets []pipeline.Preset, quality int) []target {
	w, h := p.width, p.height
	if p.turned() {
		w, h = h, w
	}
	targets := make([]target, 0, len(presets))
	for _, preset := range presets {
		t := target{preset: preset.Name, quality: quality}
		if preset.Quality > 0 {
			t.quality = min(preset.Quality, 100)
		}
		t.width, t.height = fit(w, h, preset.Width, preset.Height)
		targets = append(targets, t)
	}
	return targets
}

// fit gives the largest size of the shape w x h within a box, at least 1 pixel a side and
// never larger than w x h.
func fit(w, h, boxW, boxH int) (int, int) {
	if w <= boxW && h <= boxH {
		return w, h
	}
	if int64(w)*int64(boxH) > int64(h)*int64(boxW) {
		return boxW, scaled(h, boxW, w)
	}
	return scaled(w, boxH, h), boxH
}

// scaled gives side * num / den, rounded, at least 1.
func scaled(side, num, den int) int {
	return int(max((int64(side)*int64(num)+int64(den)/2)/int64(den), 1))
}

// largestFirst gives the indices of targets in the order in which they are made.
func largestFirst(targets []target) []int {
	order := make([]int, len(targets))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(targets[b].pixels(), targets[a].pixels())
	})
	return order
}

// shrinkFactor is the whole number by which the decoded image can be averaged down at
// once, leaving at least 1.5 pixels for each of the largest target. A box filter is as good
// as any there, since the Lanczos filter follows, and it is what DCT scaling does. Its sums
// have 32 bits, which squares of up to 2 x 1024 samples a side fit into.
func shrinkFactor(p picture, targets []target) int {
	factor := 1024
	for _, t := range targets {
		w, h := t.width, t.height
		if p.turned() {
			w, h = h, w
		}
		factor = min(factor, 2*p.width/(3*w), 2*p.height/(3*h))
	}
	return max(factor, 1)
}
