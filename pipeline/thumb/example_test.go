package thumb_test

import (
	"bytes"
	"context"
	"fmt"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/thumb"
)

// A phone stored the photo lying on its side; the thumbnails stand upright.
func ExampleEngine_Thumbnails() {
	photo := samples.Photo(samples.Options{Width: 1600, Height: 1200, Orientation: 6, GPS: true})
	facts, _ := probe.Detect(photo, int64(len(photo)))
	engine, err := thumb.New(thumb.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	thumbs, err := engine.Thumbnails(context.Background(), bytes.NewReader(photo), facts, int64(len(photo)), []pipeline.Preset{
		{Name: "list", Width: 320, Height: 320},
		{Name: "page", Width: 1280, Height: 1280},
	})
	fmt.Println(err)
	for _, t := range thumbs {
		fmt.Println(t.Preset, t.Width, "x", t.Height)
	}
	// Output:
	// <nil>
	// list 240 x 320
	// page 960 x 1280
}
