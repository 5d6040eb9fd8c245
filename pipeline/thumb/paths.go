package thumb

import (
	"maps"
	"sync"
)

// The paths that an image can take.
const (
	// PathFast decodes a JPEG at the scale that its thumbnails need, in planes, and averages
	// the rows of a PNG as they come.
	PathFast = "fast"
	// PathStandard resizes with imaging what is decoded, by the standard library but for PNGs
	// that are not interlaced.
	PathStandard = "standard"
)

// Path is a way that images took, and what they were.
type Path struct {
	// Name is PathFast or PathStandard.
	Name string
	// Type is the MIME type of the file.
	Type string
	// Shrink is by how much the decoder made each side smaller: 1, 2, 4 or 8 for JPEGs, any
	// whole number for PNGs.
	Shrink int
}

// paths counts. The zero value is ready.
type paths struct {
	mu     sync.Mutex
	counts map[Path]uint64
}

func (p *paths) count(path Path) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.counts == nil {
		p.counts = make(map[Path]uint64)
	}
	p.counts[path]++
}

// Paths tells how many images took which path since the Engine was made.
func (e *Engine) Paths() map[Path]uint64 {
	e.paths.mu.Lock()
	defer e.paths.mu.Unlock()
	return maps.Clone(e.paths.counts)
}
