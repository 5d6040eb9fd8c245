package cli

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
	"github.com/afterput/afterput/pipeline/thumb"
)

// thumbBench makes the thumbnails of files, again and again.
type thumbBench struct {
	engine  *thumb.Engine
	presets []pipeline.Preset
	out     string
	repeat  int
}

// thumbRow is what one file came to.
type thumbRow struct {
	File          string
	Type          string
	Width, Height int // as stored
	Path          string
	Scale         string  // 1/2
	CPU, Wall     float64 // milliseconds, the medians
	Peak          int64   // bytes
	// Allocations is how many objects an image takes from the heap, files read included,
	// the median.
	Allocations float64
	Thumbnails  []thumbOut
	Error       string
}

type thumbOut struct {
	Size   string `json:"size"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Bytes  int    `json:"bytes"`
	File   string `json:"file,omitempty"`
}

// apart sees that no file's thumbnails would replace those of another one.
func (b *thumbBench) apart(files []string) error {
	if b.out == "" {
		return nil
	}
	seen := map[string]string{}
	for _, name := range files {
		base := filepath.Base(name)
		if other, ok := seen[base]; ok {
			return failf(exitUsage, "usage", "", "with --out, the thumbnails of %s would replace those of %s", name, other)
		}
		seen[base] = name
	}
	return nil
}

// file does everything for one file, with a call of tell before each repeat.
func (b *thumbBench) file(ctx context.Context, name string, tell func(string)) (thumbRow, error) {
	row := thumbRow{File: name}
	before := b.engine.Paths()
	var cpu, wall, mallocs []float64
	var made []pipeline.Thumbnail
	for range b.repeat {
		tell(name)
		objects := allocated()
		start, spent := time.Now(), cpuTime()
		var err error
		var facts pipeline.Facts
		made, facts, err = b.once(ctx, name)
		row.Type, row.Width, row.Height = facts.Type, facts.Width, facts.Height
		if err != nil {
			return row, err
		}
		cpu = append(cpu, milliseconds(cpuTime()-spent))
		wall = append(wall, milliseconds(time.Since(start)))
		mallocs = append(mallocs, float64(allocated()-objects))
	}
	row.CPU, row.Wall, row.Peak = median(cpu), median(wall), peakMemory()
	row.Allocations = median(mallocs)
	for path, n := range b.engine.Paths() {
		if n > before[path] {
			row.Path, row.Scale = path.Name, fmt.Sprintf("1/%d", path.Shrink)
		}
	}
	for i, t := range made {
		if err := judgeThumb(t); err != nil {
			return row, err
		}
		out := thumbOut{Size: b.presets[i].Name, Width: t.Width, Height: t.Height, Bytes: len(t.Data)}
		if b.out != "" {
			out.File = filepath.Join(b.out, out.Size, filepath.Base(name)+b.presets[i].Format.Extension())
			if err := keep(out.File, t.Data); err != nil {
				return row, err
			}
		}
		row.Thumbnails = append(row.Thumbnails, out)
	}
	return row, nil
}

// once does what a worker does with an object: the head tells the facts, then it is read.
func (b *thumbBench) once(ctx context.Context, name string) ([]pipeline.Thumbnail, pipeline.Facts, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, pipeline.Facts{}, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, pipeline.Facts{}, err
	}
	head := make([]byte, min(info.Size(), pipeline.ProbeBytes))
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, pipeline.Facts{}, err
	}
	facts, _ := probe.Detect(head, info.Size())
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, facts, err
	}
	made, err := b.engine.Thumbnails(ctx, f, facts, info.Size(), b.presets)
	return made, facts, err
}

// judgeThumb sees that a thumbnail decodes to its size.
func judgeThumb(t pipeline.Thumbnail) error {
	decode := jpeg.Decode
	if t.Type == pipeline.PNG.Type() {
		decode = png.Decode
	}
	img, err := decode(bytes.NewReader(t.Data))
	if err != nil {
		return fmt.Errorf("the thumbnail %s: %w", t.Preset, err)
	}
	if got := img.Bounds().Size(); got != image.Pt(t.Width, t.Height) {
		return fmt.Errorf("the thumbnail %s is %v instead of %d x %d", t.Preset, got, t.Width, t.Height)
	}
	return nil
}

func keep(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

// allocated counts the objects of the heap since the process began.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median(list []float64) float64 {
	slices.Sort(list)
	n := len(list)
	return (list[(n-1)/2] + list[n/2]) / 2
}
