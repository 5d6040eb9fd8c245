package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/afterput/afterput/cmd/internal/cli/printer"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/thumb"
)

const thumbSchema = "afterput.thumb.v1"

// thumbFlags are the flags of thumb as they were given.
type thumbFlags struct {
	sizes              []string
	out                string
	repeat             int
	engine             string
	mode, format       string
	quality, maxPixels int
}

func (a *app) thumbCmd() *cobra.Command {
	var f thumbFlags
	cmd := &cobra.Command{
		Use: "thumb FILE..", GroupID: "look", Short: "Make thumbnails of local files, and measure it", Args: cobra.MinimumNArgs(1),
		Long: `Runs the engine of the workers on local files, one after the other. With --out the
thumbnails lie in DIR/{size}/{file}.jpg, as they would in a bucket.

Each repeat reads the file and does all the work; nothing but the engine's pools is left
of the one before. The thumbnails of the last one are decoded and measured. CPU is that
of the whole process, by the median; PEAK is the most memory that the process had.`,
		Example: "  afterput thumb photo.jpg --out thumbs\n  afterput thumb *.jpg --sizes 160,480,1280 --repeat 20 -o json\n" +
			"  afterput thumb photo.jpg --sizes 400x300 --mode fill --engine imaging",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.printer()
			if err != nil {
				return err
			}
			bench, err := f.bench()
			if err != nil {
				return err
			}
			if err := bench.apart(args); err != nil {
				return err
			}
			return a.thumb(cmd.Context(), p, bench, args)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&f.sizes, "sizes", []string{"160", "480", "1280"}, "boxes in pixels: 160, or 400x300")
	flags.StringVar(&f.out, "out", "", "folder for the thumbnails (default none are kept)")
	flags.IntVar(&f.repeat, "repeat", 1, "do everything so many times")
	flags.StringVar(&f.engine, "engine", "fast", "fast or imaging")
	flags.StringVar(&f.mode, "mode", "fit", "fit or fill")
	flags.StringVar(&f.format, "format", "jpeg", "jpeg or png")
	flags.IntVar(&f.quality, "quality", pipeline.DefaultQuality, "JPEG quality, 1 to 100")
	flags.IntVar(&f.maxPixels, "max-pixels", 200_000_000, "refuse images of more pixels")
	for flag, values := range map[string][]string{"engine": {"fast", "imaging"}, "mode": {"fit", "fill"}, "format": {"jpeg", "png"}} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	return cmd
}

// bench reads the flags.
func (f thumbFlags) bench() (*thumbBench, error) {
	for _, one := range []struct{ flag, value, either, or string }{
		{"engine", f.engine, "fast", "imaging"}, {"mode", f.mode, "fit", "fill"}, {"format", f.format, "jpeg", "png"},
	} {
		if one.value != one.either && one.value != one.or {
			return nil, failf(exitUsage, "usage", "", "--%s %q: want %s or %s", one.flag, one.value, one.either, one.or)
		}
	}
	if f.repeat < 1 || f.quality < 1 || f.quality > 100 || f.maxPixels < 1 {
		return nil, failf(exitUsage, "usage", "", "--repeat and --max-pixels want 1 or more, --quality 1 to 100")
	}
	b := &thumbBench{out: f.out, repeat: f.repeat}
	for _, size := range f.sizes {
		w, h, err := boxOf(size)
		if err != nil {
			return nil, failf(exitUsage, "usage", "", "--sizes %q: want 160 or 400x300", size)
		}
		b.presets = append(b.presets, pipeline.Preset{
			Name: size, Width: w, Height: h, Mode: pipeline.Mode(f.mode), Format: pipeline.Format(f.format), Quality: f.quality,
		})
	}
	var err error
	const maxFile = 1 << 30
	b.engine, err = thumb.New(thumb.Options{MaxPixels: int64(f.maxPixels), MaxBytes: maxFile, Plain: f.engine == "imaging"})
	return b, err
}

// boxOf reads 160 or 400x300.
func boxOf(size string) (w, h int, err error) {
	first, second, both := strings.Cut(size, "x")
	if !both {
		second = first
	}
	if w, err = strconv.Atoi(first); err == nil {
		h, err = strconv.Atoi(second)
	}
	if err == nil && (w < 1 || h < 1 || w > 65535 || h > 65535) {
		err = strconv.ErrRange
	}
	return w, h, err
}

func (a *app) thumb(ctx context.Context, p *printer.Printer, b *thumbBench, files []string) error {
	s, err := p.Stream(thumbSchema, thumbColumns())
	if err != nil {
		return err
	}
	bar := a.thumbBar(len(files) * b.repeat)
	failed := 0
	for _, file := range files {
		row, err := b.file(ctx, file, bar)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed++
			row.Error = err.Error()
		}
		if err := s.Row(row.cells(p.Machine())...); err != nil {
			return err
		}
	}
	bar("")
	total := map[string]any{"files": len(files), "failed": failed, "repeat": b.repeat, "peakBytes": peakMemory(), "go": runtime.Version()}
	if err := s.Close(total); err != nil {
		return err
	}
	if failed > 0 {
		return failf(exitPartial, "partial", "", "%d of %d files have no thumbnails", failed, len(files))
	}
	return nil
}

// thumbBar gives what shows the progress on a terminal: called before each repeat with the
// file, and with nothing at the end.
func (a *app) thumbBar(total int) func(file string) {
	if a.quiet || !isTerminal(a.stderr) {
		return func(string) {}
	}
	const width = 24
	n := 0
	return func(file string) {
		if file == "" {
			a.ask("%-78s\r", "")
			return
		}
		bar := strings.Repeat("#", n*width/total)
		a.ask("[%-*s] %d/%d %-40.40s\r", width, bar, n, total, printer.Escape(filepath.Base(file)))
		n++
	}
}

func thumbColumns() []printer.Column {
	return []printer.Column{
		{Key: "file"},
		{Key: "type"},
		{Key: "width", Right: true},
		{Key: "height", Right: true},
		{Key: "path"},
		{Key: "scale"},
		{Key: "cpuMs", Title: "CPU ms", Right: true},
		{Key: "wallMs", Title: "WALL ms", Right: true},
		{Key: "peakBytes", Title: "PEAK", Right: true},
		{Key: "allocations", Title: "ALLOCS", Right: true},
		{Key: "thumbnails"},
		{Key: "error"},
	}
}

// cells gives the row of a file; for people with units.
func (r thumbRow) cells(machine bool) []any {
	if machine {
		return []any{r.File, r.Type, r.Width, r.Height, r.Path, r.Scale, r.CPU, r.Wall, r.Peak, r.Allocations, r.Thumbnails, r.Error}
	}
	made := make([]string, 0, len(r.Thumbnails))
	for _, t := range r.Thumbnails {
		made = append(made, fmt.Sprintf("%dx%d %.1fkB", t.Width, t.Height, float64(t.Bytes)/1000))
	}
	return []any{
		r.File, r.Type, r.Width, r.Height, r.Path, r.Scale, fmt.Sprintf("%.1f", r.CPU), fmt.Sprintf("%.1f", r.Wall),
		fmt.Sprintf("%.1fMB", float64(r.Peak)/1e6), fmt.Sprintf("%.0f", r.Allocations), strings.Join(made, ", "), r.Error,
	}
}

// peakMemory is the most memory that the process had, in bytes; 0 where the system does not
// tell.
func peakMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(rest)
	kB, err := strconv.ParseInt(cmp.Or(append(fields, "0")[0], "0"), 10, 64)
	if err != nil {
		return 0
	}
	return kB << 10
}
