package thumb

import (
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		w, h int
		p    pipeline.Preset
		size image.Point
		view view
	}{
		{"fit", 400, 300, pipeline.Preset{Width: 100, Height: 100}, image.Pt(100, 75), view{0, 0, 400, 300}},
		{"fit: as it is", 40, 30, pipeline.Preset{Width: 100, Height: 100}, image.Pt(40, 30), view{0, 0, 40, 30}},
		{"fit: enlarged", 40, 30, pipeline.Preset{Width: 100, Height: 100, Enlarge: true}, image.Pt(100, 75), view{0, 0, 40, 30}},
		{"fill a square", 400, 300, pipeline.Preset{Width: 100, Height: 100, Mode: pipeline.Fill}, image.Pt(100, 100), view{50, 0, 300, 300}},
		{"fill a wide box", 300, 400, pipeline.Preset{Width: 100, Height: 50, Mode: pipeline.Fill}, image.Pt(100, 50), view{0, 125, 300, 150}},
		{"fill: the shape of the box", 40, 30, pipeline.Preset{Width: 100, Height: 50, Mode: pipeline.Fill}, image.Pt(40, 20), view{0, 5, 40, 20}},
		{"fill: one side is enough", 400, 30, pipeline.Preset{Width: 100, Height: 50, Mode: pipeline.Fill}, image.Pt(60, 30), view{170, 0, 60, 30}},
		{"fill: enlarged", 40, 30, pipeline.Preset{Width: 100, Height: 50, Mode: pipeline.Fill, Enlarge: true}, image.Pt(100, 50), view{0, 5, 40, 20}},
		{"fill: a line", 5000, 1, pipeline.Preset{Width: 50, Height: 100, Mode: pipeline.Fill}, image.Pt(1, 1), view{2499.5, 0, 1, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := plan(tc.w, tc.h, []pipeline.Preset{tc.p})[0]
			require.Equal(t, tc.size, image.Pt(got.width, got.height))
			require.Equal(t, tc.view, got.view)
			require.Equal(t, decoded, got.from)
		})
	}
}

func TestCascade(t *testing.T) {
	t.Parallel()
	square := func(side int) pipeline.Preset {
		return pipeline.Preset{Width: side, Height: side, Mode: pipeline.Fill}
	}
	fit := func(side int) pipeline.Preset { return pipeline.Preset{Width: side, Height: side} }
	for _, tc := range []struct {
		name    string
		presets []pipeline.Preset
		from    []int
	}{
		{"each of the next larger one", []pipeline.Preset{fit(160), fit(1280), fit(480)}, []int{2, decoded, 1}},
		{"not of one that is hardly larger", []pipeline.Preset{fit(1280), fit(480), fit(470)}, []int{decoded, 0, 0}},
		{"hardly smaller than the largest", []pipeline.Preset{fit(1280), fit(1000), fit(400)}, []int{decoded, decoded, 1}},
		{"the same twice", []pipeline.Preset{fit(160), fit(160)}, []int{decoded, 0}},
		{"a square of a whole", []pipeline.Preset{fit(1280), square(320)}, []int{decoded, 0}},
		{"no whole of a square", []pipeline.Preset{square(1280), fit(320)}, []int{decoded, decoded}},
		{"a square of a square", []pipeline.Preset{square(320), square(100)}, []int{decoded, 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var from []int
			for _, got := range plan(4032, 3024, tc.presets) {
				from = append(from, got.from)
			}
			require.Equal(t, tc.from, from)
		})
	}
}
