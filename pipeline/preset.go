package pipeline

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"io"
)

// Mode says how an image fills the box of a preset.
type Mode string

// The modes; the empty one is Fit.
const (
	// Fit shows the whole image within the box.
	Fit Mode = "fit"
	// Fill covers the box and cuts off what stands out, the same on both sides.
	Fill Mode = "fill"
)

// Format is the file format of a thumbnail.
type Format string

// The formats; the empty one is JPEG.
const (
	JPEG Format = "jpeg"
	PNG  Format = "png"
)

// Type is the MIME type of the format.
func (f Format) Type() string { return "image/" + string(cmp.Or(f, JPEG)) }

// Extension is what the name of a thumbnail ends with.
func (f Format) Extension() string {
	if f == PNG {
		return ".png"
	}
	return ".jpg"
}

// The defaults of a Preset.
const (
	DefaultQuality    = 80
	DefaultBackground = "#ffffff"
)

// Preset is a named thumbnail size.
type Preset struct {
	// Name is part of the thumbnail's key: thumbs/{name}/{key}.jpg.
	Name string
	// Width and Height are the box in pixels.
	Width, Height int
	// Mode defaults to Fit.
	Mode Mode
	// Enlarge lets a thumbnail have more pixels than the original. Without it, Fit gives
	// the original size of one that is smaller than the box, and Fill the largest part of
	// it that has the shape of the box.
	Enlarge bool
	// Background is the colour under the transparent pixels of a JPEG, #rrggbb; a PNG
	// keeps them. Defaults to DefaultBackground.
	Background string
	// Quality is the JPEG quality 1..100; 0 means DefaultQuality.
	Quality int
	// Format defaults to JPEG.
	Format Format
}

// WithDefaults fills in what is empty.
func (p Preset) WithDefaults() Preset {
	p.Mode, p.Format = cmp.Or(p.Mode, Fit), cmp.Or(p.Format, JPEG)
	p.Background, p.Quality = cmp.Or(p.Background, DefaultBackground), cmp.Or(p.Quality, DefaultQuality)
	return p
}

// Spec says in one line everything that shapes the preset's thumbnails. A thumbnail that
// was made by another spec is stale.
func (p Preset) Spec() string {
	p = p.WithDefaults()
	s := fmt.Sprintf("%s %dx%d %s", p.Mode, p.Width, p.Height, p.Format)
	if p.Format == JPEG {
		s += fmt.Sprintf(" q%d on %s", p.Quality, p.Background)
	}
	if p.Enlarge {
		s += " enlarge"
	}
	return s
}

// Colour reads #rrggbb.
func Colour(s string) (rgb [3]byte, err error) {
	if len(s) != 7 || s[0] != '#' {
		return rgb, fmt.Errorf("the colour %q is not of the form #rrggbb", s)
	}
	_, err = hex.Decode(rgb[:], []byte(s[1:]))
	return rgb, err
}

// Thumbnail is one encoded thumbnail.
type Thumbnail struct {
	Preset string
	// Type is the MIME type of Data.
	Type string
	// Width and Height are pixels.
	Width, Height int
	Data          []byte
}

// Thumbnailer makes thumbnails: decode, orient, resize, encode. One decode serves all
// presets. Errors are of class Invalid with code CORRUPT_FILE for bytes that cannot be
// decoded, TOO_MANY_PIXELS for an image over the budget; Transient where reading src failed.
type Thumbnailer interface {
	Thumbnails(ctx context.Context, src io.Reader, facts Facts, size int64, presets []Preset) ([]Thumbnail, error)
}
