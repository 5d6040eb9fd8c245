package wire

import (
	"fmt"
	"os"
	"runtime"

	"github.com/afterput/afterput/pipeline/thumb"
)

// ThumbChild is the hidden command of this binary that makes the thumbnails of one image.
const ThumbChild = "thumb-child"

// isolated makes thumbnails in children of this very binary. A child may take twice what
// decoding the largest image that is allowed takes, and what all images together may.
func (a *App) isolated(opt thumb.Options) (*thumb.Isolated, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("thumbnails: %w", err)
	}
	if runtime.GOOS == "linux" {
		exe = "/proc/self/exe" // also after an upgrade has replaced the file
	}
	const bytesPerPixel = 16 // of the worst: 8 decoded, and as much again while it is shrunk
	most := max(opt.Budget, opt.MaxPixels*bytesPerPixel)
	iso, err := thumb.NewIsolated(thumb.IsolatedOptions{
		Command: []string{exe, ThumbChild}, Engine: opt, Memory: 2*most + 512<<20,
	})
	if err != nil {
		return nil, fmt.Errorf("thumbnails: %w", err)
	}
	return iso, nil
}
