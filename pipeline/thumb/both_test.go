package thumb_test

import (
	"testing"

	"github.com/afterput/afterput/pipeline/thumb"
)

// TestBoth holds both ways of making thumbnails to the same.
func TestBoth(t *testing.T) {
	t.Parallel()
	for way, opt := range map[string]thumb.Options{"fast": {}, "plain": {Plain: true}} {
		for name, test := range map[string]func(*testing.T, thumb.Options){
			"Sizes":                 sizes,
			"PresetsKeepTheirOrder": presetsKeepTheirOrder,
			"Orientations":          orientations,
			"NoMetadata":            noMetadata,
			"Formats":               formats,
			"FrameOffset":           frameOffset,
			"Errors":                refusals,
			"LooksLikeTheOriginal":  looksLikeTheOriginal,
			"Presets":               presets,
			"PNGKeepsAlpha":         pngKeepsAlpha,
			"FillOfATurnedPhoto":    fillOfATurnedPhoto,
			"Colours":               colours,
			"OtherProfile":          otherProfile,
			"Stowaways":             stowaways,
		} {
			t.Run(way+"/"+name, func(t *testing.T) {
				t.Parallel()
				test(t, opt)
			})
		}
	}
}
