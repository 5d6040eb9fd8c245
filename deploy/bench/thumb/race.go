package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// race is one target for speed: ours against another, on the same files.
type race struct {
	id, what string
	files    []string
	sizes    []int
	other    contender
	// must and goal are the ratios of CPU; mustRSS and goalRSS are MiB of peak resident
	// memory of our process. 0 is no target.
	must, goal       float64
	mustRSS, goalRSS float64
	// warmOnly leaves the start of the processes out of the judgement.
	warmOnly bool
	// share is the part of the repeats that a slow one gets.
	share int
}

func (r race) chosen(only string) bool { return strings.HasPrefix(r.id, only) }

// races are the targets E1 to E8.
func races(c corpus, o options) []race {
	three := []int{160, 480, 1280}
	first := c.photos[:1]
	return []race{
		{id: "E1", what: "12 MP -> 160, 480, 1280 / sharp per size", files: c.photos, sizes: three, other: sharp("perSize"), must: 0.55, goal: 0.35},
		{id: "E2", what: "12 MP -> 160, 480, 1280 / sharp tuned", files: c.photos, sizes: three, other: sharp("tuned"), must: 0.90, goal: 0.65},
		{id: "E4", what: "12 MP -> 320 / sharp", files: first, sizes: []int{320}, other: sharp("perSize"), must: 0.42, goal: 0.33},
		{id: "E5", what: "12 MP progressive -> 320 / sharp", files: []string{c.progressive}, sizes: []int{320}, other: sharp("perSize"), must: 0.08, goal: 0.06},
		{id: "E6", what: "110 MP -> 160, 480, 1280 / sharp tuned", files: []string{c.huge}, sizes: three, other: sharp("tuned"), must: 0.65, goal: 0.50, mustRSS: 64, goalRSS: 36, share: 4},
		{id: "E7", what: "1080 x 1920 -> 160, 480, 1280 / sharp per size", files: []string{c.phone}, sizes: three, other: sharp("perSize"), must: 0.95, goal: 0.65, warmOnly: true},
		{id: "E8", what: "12 MP PNG -> 160, 480, 1280 / sharp tuned", files: []string{c.png}, sizes: three, other: sharp("tuned"), must: 2.2, goal: 1.2, mustRSS: 64, share: 4},
	}
}

// outcome is a race with its medians: milliseconds of CPU per image, MiB of memory.
type outcome struct {
	race
	ours, theirs       figures
	wholeRatio, ratio  float64
	lowRatio, topRatio float64
}

type figures struct{ whole, warm, rss float64 }

func (r race) run(ctx context.Context, o options) (outcome, error) {
	repeat := o.repeat
	if r.share > 1 {
		repeat = max(repeat/r.share, 3)
	}
	var mine, other []sample
	var whole, warm []float64
	for round := range o.rounds {
		file := r.files[round%len(r.files)]
		pair := [2]sample{}
		for turn := range 2 {
			// Who begins takes turns as well.
			i := (turn + round) % 2
			s, err := [2]contender{ours, r.other}[i].measure(ctx, o, file, r.sizes, repeat)
			if err != nil {
				return outcome{}, err
			}
			pair[i] = s
		}
		mine, other = append(mine, pair[0]), append(other, pair[1])
		whole = append(whole, float64(pair[0].whole)/float64(pair[1].whole))
		warm = append(warm, float64(pair[0].warm)/float64(pair[1].warm))
	}
	return outcome{
		race: r, ours: summary(mine), theirs: summary(other), wholeRatio: median(whole), ratio: median(warm),
		lowRatio: slices.Min(warm), topRatio: slices.Max(warm),
	}, nil
}

func summary(samples []sample) figures {
	return figures{
		whole: medianOf(samples, func(s sample) float64 { return s.whole.Seconds() * 1e3 }),
		warm:  medianOf(samples, func(s sample) float64 { return s.warm.Seconds() * 1e3 }),
		rss:   medianOf(samples, func(s sample) float64 { return float64(s.rss) / (1 << 20) }),
	}
}

func medianOf(samples []sample, of func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	return median(values)
}

// median of at least one value; of an even number, the mean of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.SortedFunc(slices.Values(values), cmp.Compare)
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// met judges by the worse of the two ratios.
func (o outcome) met(ratio, rss float64) bool {
	worse := max(o.ratio, o.wholeRatio)
	if o.warmOnly {
		worse = o.ratio
	}
	return worse <= ratio && (rss == 0 || o.ours.rss <= rss)
}
