package thumb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/afterput/afterput/pipeline"
)

// The defaults of Options.
const (
	DefaultMaxPixels = 50_000_000
	DefaultBudget    = 512 << 20
	DefaultMaxBytes  = 64 << 20
	DefaultMaxScans  = 100
	DefaultMinRows   = 0.75
)

// Options are the limits of an Engine. The zero value of each field is its default.
type Options struct {
	// MaxPixels is the most pixels, width x height, that an image may have. More is an
	// error with the code TOO_MANY_PIXELS. Defaults to 50 million.
	MaxPixels int64
	// Budget is how many bytes all images together may take at a time, a quarter of them
	// for the files as they were read. What an image will take is computed from its header,
	// before anything is allocated for it. It waits until there is room; one that needs more
	// than all of it runs alone. Defaults to 512 MiB.
	Budget int64
	// MaxBytes is the largest file that is read into memory. A larger one is an error with
	// the code TOO_LARGE. Defaults to 64 MiB.
	MaxBytes int64
	// MaxScans is the most scans that a JPEG may have: each walks over the whole image, so
	// a small file of many burns CPU. More is an error with the code CORRUPT_FILE. Defaults
	// to 100.
	MaxScans int
	// MinRows is the share of the rows, above 0 and up to 1, that a damaged or truncated JPEG
	// must have for a thumbnail; the rest is grey then. Less is an error with the code
	// CORRUPT_FILE. Defaults to 0.75.
	MinRows float64
	// Plain has every image decoded by the standard library and resized by imaging, which
	// takes more time and memory and takes whole JPEGs only.
	Plain bool
}

func (o Options) withDefaults() (Options, error) {
	if o.MaxPixels < 0 || o.Budget < 0 || o.MaxBytes < 0 || o.MaxScans < 0 {
		return o, errors.New("thumb: limits cannot be negative")
	}
	if !(o.MinRows >= 0 && o.MinRows <= 1) {
		return o, errors.New("thumb: the share of rows is not between 0 and 1")
	}
	o.MaxPixels = orDefault(o.MaxPixels, DefaultMaxPixels)
	o.Budget = orDefault(o.Budget, DefaultBudget)
	o.MaxBytes = orDefault(o.MaxBytes, DefaultMaxBytes)
	o.MaxScans = orDefault(o.MaxScans, DefaultMaxScans)
	o.MinRows = orDefault(o.MinRows, DefaultMinRows)
	return o, nil
}

func orDefault[T int | int64 | float64](v, def T) T {
	if v == 0 {
		return def
	}
	return v
}

// Engine makes thumbnails. It is safe for concurrent use.
type Engine struct {
	opt       Options
	budget    budget
	renderers []renderer // the first that takes an image renders it
	buffers   sync.Pool  // of files
	paths     paths
}

var _ pipeline.Thumbnailer = (*Engine)(nil)

// New makes an Engine. It fails for limits that make no sense.
func New(opt Options) (*Engine, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	e := &Engine{opt: opt, budget: newBudget(opt.Budget)}
	if !opt.Plain {
		e.renderers = append(e.renderers, &fast{pool: new(pool), minRows: opt.MinRows})
	}
	e.renderers = append(e.renderers, standard{})
	return e, nil
}

// renderer is one way to handle pixels.
type renderer interface {
	// path is what is counted.
	path(p picture, targets []target) Path
	// takes tells whether it can render an image.
	takes(p picture) bool
	// cost is about how many bytes render holds at its peak, beside the file.
	cost(p picture, targets []target) int64
	// render decodes, orients, resizes and encodes; one thumbnail per target, in their
	// order. Whatever is wrong with the bytes is a plain error or a panic.
	render(ctx context.Context, p picture, targets []target) ([]pipeline.Thumbnail, error)
}

// Thumbnails makes one thumbnail per preset, in the order of presets. size is the exact
// number of bytes that src must give.
//
// Errors are of class Invalid with the code TYPE_NOT_ALLOWED (a type that is not decoded
// here), TOO_MANY_PIXELS, TOO_LARGE, EMPTY_FILE or CORRUPT_FILE; of class Transient where
// reading failed, ended early or did not end, and where ctx ended; of class Bug for a
// preset that makes no sense. The class of an error of src that has one is kept.
func (e *Engine) Thumbnails(
	ctx context.Context, src io.Reader, facts pipeline.Facts, size int64, presets []pipeline.Preset,
) (thumbs []pipeline.Thumbnail, err error) {
	// Hostile bytes reach decoders below; whatever they break is the file's fault.
	defer func() {
		if r := recover(); r != nil {
			thumbs, err = nil, invalid("thumb.decode", pipeline.CodeCorruptFile, fmt.Errorf("the decoder panicked: %v", r))
		}
	}()
	if err := checkOrder(facts, presets); err != nil {
		return nil, err
	}
	if err := checkSize(size, e.opt.MaxBytes); err != nil {
		return nil, err
	}
	release, err := e.budget.files.take(ctx, size)
	if err != nil {
		return nil, err
	}
	defer release()
	data, reuse := e.buffer(size)
	defer reuse()
	if err := read(ctx, src, data); err != nil {
		return nil, err
	}
	p, err := e.inspect(data, facts)
	if err != nil {
		return nil, err
	}
	return e.run(ctx, p, plan(p.uprightWidth(), p.uprightHeight(), presets))
}

// run renders within the budget.
func (e *Engine) run(ctx context.Context, p picture, targets []target) ([]pipeline.Thumbnail, error) {
	with := e.renderers[slices.IndexFunc(e.renderers, func(r renderer) bool { return r.takes(p) })]
	release, err := e.budget.pixels.take(ctx, with.cost(p, targets))
	if err != nil {
		return nil, err
	}
	defer release()
	e.paths.count(with.path(p, targets))
	thumbs, err := with.render(ctx, p, targets)
	switch {
	case err == nil:
		return thumbs, nil
	case ctx.Err() != nil:
		return nil, transient("thumb.render", ctx.Err())
	}
	return nil, invalid("thumb.decode", pipeline.CodeCorruptFile, err)
}

// keptFile is the largest buffer that is kept for the next file, in bytes.
const keptFile = 32 << 20

// buffer gives size bytes that may hold anything, which the budget has, and what to call when
// they are not needed any more. A used buffer that is larger is taken where the budget has
// the rest of it, too.
func (e *Engine) buffer(size int64) (data []byte, reuse func()) {
	if b, ok := e.buffers.Get().(*[]byte); ok {
		if release, ok := e.budget.files.try(int64(cap(*b)) - size); ok {
			return (*b)[:size], func() {
				e.buffers.Put(b)
				release()
			}
		}
	}
	data = make([]byte, size)
	return data, func() {
		if size <= keptFile {
			e.buffers.Put(&data)
		}
	}
}

func checkOrder(facts pipeline.Facts, presets []pipeline.Preset) error {
	if !decodable(facts.Type) {
		return invalid("thumb.type", pipeline.CodeTypeNotAllowed, fmt.Errorf("%s is not decoded here", facts.Type))
	}
	for _, p := range presets {
		p = p.WithDefaults()
		_, err := pipeline.Colour(p.Background)
		switch {
		case p.Width <= 0 || p.Height <= 0:
			return pipeline.Errorf(pipeline.Bug, "thumb.preset", p.Name, "the box is %d x %d pixels", p.Width, p.Height)
		case p.Quality < 1 || p.Quality > 100:
			return pipeline.Errorf(pipeline.Bug, "thumb.preset", p.Name, "the quality is %d", p.Quality)
		case p.Mode != pipeline.Fit && p.Mode != pipeline.Fill:
			return pipeline.Errorf(pipeline.Bug, "thumb.preset", p.Name, "the mode is %q", p.Mode)
		case p.Format != pipeline.JPEG && p.Format != pipeline.PNG:
			return pipeline.Errorf(pipeline.Bug, "thumb.preset", p.Name, "the format is %q", p.Format)
		case err != nil:
			return pipeline.Errorf(pipeline.Bug, "thumb.preset", p.Name, "%w", err)
		}
	}
	return nil
}

func invalid(op string, code pipeline.Code, err error) error {
	return &pipeline.Error{Class: pipeline.Invalid, Op: op, Code: code, Err: err}
}

func transient(op string, err error) error {
	return &pipeline.Error{Class: pipeline.Transient, Op: op, Err: err}
}
