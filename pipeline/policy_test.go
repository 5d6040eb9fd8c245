package pipeline_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

func testPolicy() pipeline.Policy {
	return pipeline.Policy{
		Types:         []string{"image/jpeg", "image/png", "video/mp4"},
		MaxImageBytes: 20 << 20, MaxVideoBytes: 100 << 20, MaxPixels: 50_000_000, MaxFrames: 100,
	}
}

func TestPolicyJudge(t *testing.T) {
	t.Parallel()
	type facts = pipeline.Facts
	jpeg := facts{Type: "image/jpeg", Width: 1080, Height: 1920, Frames: 1}
	mp4 := facts{Type: "video/mp4"}
	with := func(f facts, change func(*facts)) facts { change(&f); return f }
	for _, tt := range []struct {
		name, key string
		size      int64
		facts     facts
		change    func(*pipeline.Policy)
		want      pipeline.Code
	}{
		{name: "photo", key: "a.jpg", size: 1, facts: jpeg},
		{name: "photo at its limit", key: "a.JPEG", size: 20 << 20, facts: jpeg},
		{name: "video over the limit of images", key: "a.mp4", size: 100 << 20, facts: mp4},
		{name: "no extension", key: "users/o1/a", size: 1, facts: jpeg},
		{name: "unknown extension", key: "a.dat", size: 1, facts: jpeg},
		{name: "JPEG named .png", key: "a.png", size: 1, facts: jpeg},
		{name: "empty", key: "a.jpg", facts: facts{Type: "application/octet-stream"}, want: pipeline.CodeEmptyFile},
		{name: "HTML", key: "a.jpg", size: 9, facts: facts{Type: "text/html"}, want: pipeline.CodeTypeNotAllowed},
		{name: "SVG", key: "a.jpg", size: 9, facts: facts{Type: "image/svg+xml"}, want: pipeline.CodeTypeNotAllowed},
		{name: "script", key: "a.jpg", size: 9, facts: facts{Type: "text/plain"}, want: pipeline.CodeTypeNotAllowed},
		{name: "nothing allowed", key: "a.jpg", size: 9, facts: jpeg, change: func(p *pipeline.Policy) { p.Types = nil }, want: pipeline.CodeTypeNotAllowed},
		{name: "image of 30 MB", key: "a.jpg", size: 30_000_000, facts: jpeg, want: pipeline.CodeTooLarge},
		{name: "one byte too large", key: "a.jpg", size: 20<<20 + 1, facts: jpeg, want: pipeline.CodeTooLarge},
		{name: "video too large", key: "a.mp4", size: 100<<20 + 1, facts: mp4, want: pipeline.CodeTooLarge},
		{name: "65535 x 65535", key: "a.jpg", size: 9, facts: facts{Type: "image/png", Width: 65535, Height: 65535}, want: pipeline.CodeTooManyPixels},
		{name: "product beyond 32 bits", key: "a.jpg", size: 9, facts: facts{Type: "image/png", Width: 1<<31 - 1, Height: 1<<31 - 1}, want: pipeline.CodeTooManyPixels},
		{name: "no size in the header", key: "a.jpg", size: 9, facts: facts{Type: "image/jpeg"}, want: pipeline.CodeCorruptFile},
		{name: "frames", key: "a.png", size: 9, facts: with(jpeg, func(f *facts) { f.Frames = 101 }), want: pipeline.CodeTooManyFrames},
		{name: "truncated", key: "a.jpg", size: 9, facts: with(jpeg, func(f *facts) { f.Truncated = true }), want: pipeline.CodeCorruptFile},
		{name: "polyglot", key: "a.jpg", size: 9, facts: with(jpeg, func(f *facts) { f.Foreign = "text/html" }), want: pipeline.CodePolyglot},
		{name: "polyglot allowed", key: "a.jpg", size: 9, facts: with(jpeg, func(f *facts) { f.Foreign = "text/html" }), change: func(p *pipeline.Policy) { p.AllowForeign = true }},
		{name: "video named .jpg", key: "a.jpg", size: 9, facts: mp4, want: pipeline.CodeExtensionMismatch},
		{name: "image named .mov", key: "a.MOV", size: 9, facts: jpeg, want: pipeline.CodeExtensionMismatch},
		{name: "image named .html", key: "a.html", size: 9, facts: jpeg, want: pipeline.CodeExtensionMismatch},
		{name: "any extension", key: "a.html", size: 9, facts: jpeg, change: func(p *pipeline.Policy) { p.AnyExtension = true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := testPolicy()
			if tt.change != nil {
				tt.change(&p)
			}
			code, detail := p.Judge(tt.key, tt.size, tt.facts)
			require.Equal(t, tt.want, code)
			require.Equal(t, code == "", detail == "", "a code has its reason in words")
		})
	}
}
