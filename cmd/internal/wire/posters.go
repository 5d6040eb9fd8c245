package wire

import (
	"fmt"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/thumb"
)

// posterOptions say how thumbnails of videos are made, or why they are not.
func (a *App) posterOptions() thumb.PosterOptions {
	c, most := a.Config, a.widest()
	opt := thumb.PosterOptions{MaxBytes: int64(most.MaxVideoBytes), MaxPixels: most.MaxPixels}
	if c.Thumbnails.Video == "off" {
		opt.Why = "thumbnails of videos are off"
		return opt
	}
	opt.FFmpeg, opt.Why = thumb.FindFFmpeg(c.Thumbnails.FFmpeg)
	return opt
}

// posters puts thumbnails of videos in front of an engine for images.
func (a *App) posters(engine pipeline.Thumbnailer) (*thumb.Posters, error) {
	p, err := thumb.NewPosters(a.posterOptions(), engine)
	if err != nil {
		return nil, fmt.Errorf("thumbnails: %w", err)
	}
	return p, nil
}
