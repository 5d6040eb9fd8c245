package thumb

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/probe"
)

// The defaults of PosterOptions.
const (
	DefaultVideoBytes  = 100_000_000
	DefaultPosterLimit = 30 * time.Second
)

// PosterOptions configure Posters.
type PosterOptions struct {
	// FFmpeg is the program. Empty: no posters are made, and Why says the reason.
	FFmpeg string
	// Why is the reason for which there is no FFmpeg.
	Why string
	// Dir is where a video lies while a frame is taken from it; empty means the system's
	// folder for temporary files.
	Dir string
	// MaxBytes is the largest video that is read, in bytes. Defaults to 100 MB.
	MaxBytes int64
	// MaxPixels is the most pixels that a frame may have. Defaults to 50 million.
	MaxPixels int64
	// Memory is the address space of ffmpeg in bytes, which only Linux enforces. Defaults to
	// 2 GiB.
	Memory int64
	// Within is how long ffmpeg may take, on the clock and of the processor. Defaults to 30 s.
	Within time.Duration
}

// Posters makes thumbnails of videos out of one frame, which ffmpeg takes from a copy on
// disk, one video at a time; everything else is left to another Thumbnailer, and so is the
// frame. ffmpeg runs as a child process without an environment, network protocols, playlists
// and references to other files, of the container that the check found, under limits of
// memory, time and output. It is safe for concurrent use.
type Posters struct {
	opt  PosterOptions
	next pipeline.Thumbnailer
	turn chan struct{}
}

var (
	_ pipeline.Thumbnailer = (*Posters)(nil)
	_ pipeline.Selective   = (*Posters)(nil)
)

// NewPosters puts posters in front of next, which sees images only.
func NewPosters(opt PosterOptions, next pipeline.Thumbnailer) (*Posters, error) {
	if opt.MaxBytes < 0 || opt.MaxPixels < 0 || opt.Memory < 0 || opt.Within < 0 {
		return nil, errors.New("thumb: limits cannot be negative")
	}
	opt.MaxBytes = cmp.Or(opt.MaxBytes, DefaultVideoBytes)
	opt.MaxPixels = cmp.Or(opt.MaxPixels, DefaultMaxPixels)
	opt.Memory = cmp.Or(opt.Memory, DefaultMemory)
	opt.Within = cmp.Or(opt.Within, DefaultPosterLimit)
	return &Posters{opt: opt, next: next, turn: make(chan struct{}, 1)}, nil
}

// demuxers are ffmpeg's names of the containers that the check tells.
var demuxers = map[string]string{
	probe.TypeMP4: "mov", probe.TypeQuickTime: "mov", probe.Type3GP: "mov",
	probe.TypeWebM: "matroska", probe.TypeMatroska: "matroska", probe.TypeMPEGTS: "mpegts",
}

// Skips tells why there are no thumbnails of a type; "" where there may be.
func (o PosterOptions) Skips(kind string) string {
	switch {
	case !isVideo(kind):
		return pipeline.SkipsAllButImages(kind)
	case o.FFmpeg == "":
		return o.Why
	case demuxers[kind] == "":
		return "no poster is made of " + kind
	}
	return ""
}

// Skips tells why there are no thumbnails of a type; "" where there may be.
func (p *Posters) Skips(kind string) string {
	if s, ok := p.next.(pipeline.Selective); ok && !isVideo(kind) {
		return s.Skips(kind)
	}
	return p.opt.Skips(kind)
}

func isVideo(kind string) bool { return strings.HasPrefix(kind, "video/") }

// Thumbnails does what [Engine.Thumbnails] does. A video of which there is no frame, for
// whatever reason that lies in the video, is an error of class Invalid with the code
// TYPE_NOT_ALLOWED: it is no worse than one without a poster.
func (p *Posters) Thumbnails(
	ctx context.Context, src io.Reader, facts pipeline.Facts, size int64, presets []pipeline.Preset,
) ([]pipeline.Thumbnail, error) {
	if !isVideo(facts.Type) {
		return p.next.Thumbnails(ctx, src, facts, size, presets)
	}
	if why := p.Skips(facts.Type); why != "" {
		return nil, noPoster(errors.New(why))
	}
	if size > p.opt.MaxBytes {
		return nil, noPoster(fmt.Errorf("the video has %d bytes, the limit is %d", size, p.opt.MaxBytes))
	}
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return nil, transient("thumb.wait", ctx.Err())
	}
	frame, err := p.frame(ctx, src, facts.Type, size, side(presets))
	if err != nil {
		return nil, err
	}
	made, err := p.next.Thumbnails(ctx, bytes.NewReader(frame), pipeline.Facts{Type: probe.TypeJPEG}, int64(len(frame)), presets)
	if pipeline.ClassOf(err) == pipeline.Invalid {
		return nil, noPoster(fmt.Errorf("the frame: %w", err))
	}
	return made, err
}

func noPoster(err error) error { return invalid("thumb.poster", pipeline.CodeTypeNotAllowed, err) }

// side is how large a frame has to be for all presets, in pixels a side.
func side(presets []pipeline.Preset) int {
	const least, most = 320, 8192
	want := least
	for _, p := range presets {
		want = max(want, p.Width, p.Height)
	}
	return min(2*want, most) // twice, so that a filter has something to do, and for fill
}

// frame copies a video to disk and takes one frame from it: that of the first second, since
// many begin in black, or else the first one.
func (p *Posters) frame(ctx context.Context, src io.Reader, kind string, size int64, side int) ([]byte, error) {
	dir, err := os.MkdirTemp(p.opt.Dir, "afterput-video-")
	if err != nil {
		return nil, transient("thumb.spool", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "video")
	if err := spool(ctx, file, src, size); err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, p.opt.Within)
	defer cancel()
	for _, at := range []string{"1", "0"} {
		frame, err := p.ffmpeg(within, file, demuxers[kind], at, side)
		switch {
		case ctx.Err() != nil:
			return nil, transient("thumb.poster", ctx.Err())
		case within.Err() != nil:
			return nil, noPoster(fmt.Errorf("ffmpeg did not end within %s", p.opt.Within))
		case err != nil:
			return nil, err
		case len(frame) > 0:
			return frame, nil
		}
	}
	return nil, noPoster(errors.New("the video has no frame"))
}

// spool writes exactly size bytes to a file that only we can read.
func spool(ctx context.Context, file string, src io.Reader, size int64) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return transient("thumb.spool", err)
	}
	in := ctxReader{ctx: ctx, r: src}
	n, err := io.Copy(diskWriter{f}, io.LimitReader(in, size+1))
	if cerr := f.Close(); err == nil && cerr != nil {
		err = diskError{cerr}
	}
	switch disk, full := errors.AsType[diskError](err); {
	case full:
		return transient("thumb.spool", disk.error)
	case err != nil:
		return readError(fmt.Errorf("after %d of %d bytes: %w", n, size, err))
	case n != size:
		return readError(fmt.Errorf("%d bytes were announced, and %d or more came", size, n))
	}
	return nil
}

// diskWriter tells errors of our disk from those of the store.
type diskWriter struct{ f *os.File }

type diskError struct{ error }

func (w diskWriter) Write(b []byte) (int, error) {
	n, err := w.f.Write(b)
	if err != nil {
		return n, diskError{err}
	}
	return n, nil
}
