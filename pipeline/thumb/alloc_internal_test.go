package thumb

import (
	"bytes"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb/jpeg/jpegtest"
)

// TestCostCoversAllocations: all that is allocated for the first image of an Engine is no
// more than what the budget counted. It does not run beside other tests, whose allocations
// would count.
//
//nolint:paralleltest // see above
func TestCostCoversAllocations(t *testing.T) {
	colour := []jpegtest.Factors{{H: 2, V: 2}, {H: 1, V: 1}, {H: 1, V: 1}}
	large := jpegtest.New(1000, 700, colour, 1)
	ink := jpegtest.New(300, 200, []jpegtest.Factors{{H: 1, V: 1}, {H: 1, V: 1}, {H: 1, V: 1}, {H: 1, V: 1}}, 1)
	three := jpegtest.New(700, 500, []jpegtest.Factors{{H: 1, V: 1}, {H: 1, V: 1}, {H: 1, V: 1}}, 1)
	noisy := noisyJPEG(t, 400, 300)
	photo := samples.Photo(samples.Options{Width: 640, Height: 480})
	other := bytes.ReplaceAll(samples.Profile(samples.ProfileOptions{}), []byte("rXYZ"), []byte("A2B0"))
	other = append(other, noise(500, 500, true).Pix...)
	for _, tc := range []struct {
		name    string
		data    []byte
		presets []pipeline.Preset
		plain   bool
	}{
		{"baseline", samples.Photo(samples.Options{Width: 1600, Height: 1200}), fits(160, 400, 800), false},
		{"turned", samples.Photo(samples.Options{Width: 1080, Height: 1920, Orientation: 6}), fits(160, 400, 800), false},
		{"one small", samples.Photo(samples.Options{Width: 1600, Height: 1200}), fits(320), false},
		{"progressive", jpegtest.Encode(large, jpegtest.Options{Progressive: true}), fits(320, 100), false},
		{"progressive, whole", jpegtest.Encode(large, jpegtest.Options{Progressive: true}), fits(1000), false},
		{"several scans", jpegtest.Encode(large, jpegtest.Options{Script: jpegtest.Separate(large)}), fits(320), false},
		{"CMYK", jpegtest.Encode(ink, jpegtest.Options{Adobe: true}), fits(300, 290, 50), false},
		{"enlarged", samples.Photo(samples.Options{Width: 64, Height: 48}), []pipeline.Preset{{Width: 2000, Height: 2000, Enlarge: true}}, false},
		{"noise", noisy, with(pipeline.Preset{Quality: 100}, 400), false},
		{"noise as PNG", noisy, with(pipeline.Preset{Format: pipeline.PNG}, 400, 350), false},
		{"cut off", photo[:len(photo)*9/10], fits(50), false},
		{"a profile that stays", samples.WithProfile(photo, other), fits(160, 50), false},
		{"a profile that stays, as PNG", samples.WithProfile(photo, other), with(pipeline.Preset{Format: pipeline.PNG}, 160, 50), false},
		{"standard: a profile that stays", samples.WithProfile(photo, other), fits(160, 50), true},
		{"standard: JPEG", samples.Photo(samples.Options{Width: 1080, Height: 1920}), fits(160, 480, 1280), true},
		{"standard: progressive", jpegtest.Encode(large, jpegtest.Options{Progressive: true}), fits(320), true},
		{"standard: RGB", jpegtest.Encode(three, jpegtest.Options{Adobe: true}), fits(50), true},
		{"standard: noise with alpha", noisyPNG(t, 400, 300), with(pipeline.Preset{Format: pipeline.PNG}, 350, 300, 250), false},
		{"standard: long and thin", longPNG(t, 150_000), fits(50), false},
		{"standard: interlaced GIF", interlacedGIF(t, 1200, 1000), fits(50), false},
		{"standard: WebP of many codes", manyTrees(), fits(50), false},
		{"standard: WebP of a large frame", spacious(t, samples.WebPLossy(320, 200), 3<<20), fits(50), false},
		{"standard: WebP", samples.WebPLossless(900, 600, 0x803366cc), fits(320, 100), true},
		{"standard: PNG", samples.PNG(900, 600), fits(320, 100), true},
		{"standard: GIF", samples.GIF(900, 600, 3), fits(320, 100), true},
	} {
		e, err := New(Options{Plain: tc.plain})
		require.NoError(t, err)
		facts, _ := probe.Detect(tc.data, int64(len(tc.data)))
		p, err := e.inspect(tc.data, facts)
		require.NoError(t, err)
		with := e.renderers[slices.IndexFunc(e.renderers, func(r renderer) bool { return r.takes(p) })]
		cost := with.cost(p, plan(p.uprightWidth(), p.uprightHeight(), tc.presets))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = e.Thumbnails(t.Context(), bytes.NewReader(tc.data), facts, int64(len(tc.data)), tc.presets)
		runtime.ReadMemStats(&after)
		require.NoError(t, err)
		took := int64(after.TotalAlloc-before.TotalAlloc) - int64(len(tc.data))
		t.Logf("%s: %d of %d kB", tc.name, took>>10, cost>>10)
		require.Less(t, took, cost, tc.name)
		require.Less(t, cost, 8*took+4*fixedCost, "%s: nor is far more counted", tc.name)
	}
}

func fits(sides ...int) []pipeline.Preset { return with(pipeline.Preset{}, sides...) }

func with(p pipeline.Preset, sides ...int) []pipeline.Preset {
	var out []pipeline.Preset
	for _, s := range sides {
		p.Width, p.Height = s, s
		out = append(out, p)
	}
	return out
}
