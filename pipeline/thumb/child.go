package thumb

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// maxHeader bounds the first line that a child reads, in bytes.
const maxHeader = 64 << 10

// order is the first line that a child reads; the bytes of the image follow it.
type order struct {
	Options Options           `json:"options"`
	Facts   pipeline.Facts    `json:"facts"`
	Size    int64             `json:"size"`
	Presets []pipeline.Preset `json:"presets"`
	// Memory is how many bytes the child may take beside what a Go process takes anyway;
	// 0 is no limit.
	Memory int64 `json:"memory,omitempty"`
	// Within is how long the child may live if nobody ends it before.
	Within time.Duration `json:"within"`
}

// answer is what a child writes: thumbnails or what went wrong.
type answer struct {
	Thumbnails []pipeline.Thumbnail `json:"thumbnails,omitempty"`
	Failure    *failure             `json:"failure,omitempty"`
}

// failure is a [pipeline.Error] on its way between processes.
type failure struct {
	Class pipeline.Class `json:"class"`
	Op    string         `json:"op"`
	Code  pipeline.Code  `json:"code,omitempty"`
	Cause string         `json:"cause"`
}

func failed(err error) *failure {
	f := &failure{Class: pipeline.ClassOf(err), Op: "thumb.child", Code: pipeline.CodeOf(err), Cause: err.Error()}
	if e, ok := errors.AsType[*pipeline.Error](err); ok && e.Err != nil {
		f.Op, f.Cause = e.Op, e.Err.Error()
	}
	return f
}

func (f *failure) err() error {
	return &pipeline.Error{Class: f.Class, Op: f.Op, Code: f.Code, Err: errors.New(f.Cause)}
}

// Child is the other end of Isolated: it reads one order and one image from in, makes the
// thumbnails under the limits of the order, and writes the answer to out. It limits the
// memory and the life of its whole process, so it is for a process of its own.
func Child(ctx context.Context, in io.Reader, out io.Writer) error {
	r := bufio.NewReaderSize(in, maxHeader)
	line, err := r.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("thumb: header: %w", err)
	}
	var o order
	if err := json.Unmarshal(line, &o); err != nil {
		return fmt.Errorf("thumb: header: %w", err)
	}
	if o.Within > 0 {
		// Whoever started it may have died.
		defer time.AfterFunc(o.Within, func() { os.Exit(1) }).Stop()
	}
	return json.NewEncoder(out).Encode(obey(ctx, o, r))
}

// obey makes the thumbnails of an order. What keeps the child from beginning is not the
// fault of the image, so that is an answer as well.
func obey(ctx context.Context, o order, image io.Reader) answer {
	if o.Memory > 0 {
		debug.SetMemoryLimit(o.Memory / 4 * 3)
		if err := limitMemory(o.Memory); err != nil {
			return answer{Failure: failed(transient("thumb.limit", err))}
		}
	}
	engine, err := New(o.Options)
	if err != nil {
		return answer{Failure: failed(err)}
	}
	made, err := engine.Thumbnails(ctx, image, o.Facts, o.Size, o.Presets)
	if err != nil {
		return answer{Failure: failed(err)}
	}
	return answer{Thumbnails: made}
}
