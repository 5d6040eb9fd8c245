package thumb

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// The limits of a child that are not configured.
const (
	// DefaultMemory is the address space of a child beside that of an idle one, in bytes.
	DefaultMemory = 2 << 30
	// DefaultWithin is how long a child lives at most.
	DefaultWithin = 10 * time.Minute
	// maxAnswer is the largest answer that is read, in bytes.
	maxAnswer = 128 << 20
	// maxSaid is how much of what a dying child says is kept, in bytes.
	maxSaid = 2 << 10
)

// IsolatedOptions configure an Isolated.
type IsolatedOptions struct {
	// Command is the program, and its arguments, that calls Child over its stdin and
	// stdout. Required.
	Command []string
	// Engine are the limits of the engine in the child.
	Engine Options
	// Memory is how many bytes a child may take beside what a Go process takes anyway.
	// Only Linux enforces it. Defaults to 2 GiB.
	Memory int64
}

// Isolated makes thumbnails in a child process, one image at a time: an image that kills
// the process that decodes it kills only the child. It is safe for concurrent use.
type Isolated struct {
	opt  IsolatedOptions
	turn chan struct{}
}

var _ pipeline.Thumbnailer = (*Isolated)(nil)

// NewIsolated makes an Isolated. It starts nothing.
func NewIsolated(opt IsolatedOptions) (*Isolated, error) {
	if len(opt.Command) == 0 {
		return nil, errors.New("thumb: no command to isolate with")
	}
	if opt.Memory < 0 {
		return nil, errors.New("thumb: limits cannot be negative")
	}
	engine, err := opt.Engine.withDefaults()
	if err != nil {
		return nil, err
	}
	opt.Engine, opt.Memory = engine, cmp.Or(opt.Memory, DefaultMemory)
	return &Isolated{opt: opt, turn: make(chan struct{}, 1)}, nil
}

// Thumbnails does what [Engine.Thumbnails] does, in a child, with the same errors. A child
// that dies without an answer, or answers nonsense, is an error of class Poison: the image
// killed it. One that could not be started, was asked to end or did not end before ctx is
// of class Transient. The child has ended when it returns.
func (i *Isolated) Thumbnails(
	ctx context.Context, src io.Reader, facts pipeline.Facts, size int64, presets []pipeline.Preset,
) ([]pipeline.Thumbnail, error) {
	if err := checkOrder(facts, presets); err != nil {
		return nil, err
	}
	select {
	case i.turn <- struct{}{}:
		defer func() { <-i.turn }()
	case <-ctx.Done():
		return nil, transient("thumb.wait", ctx.Err())
	}
	if err := checkSize(size, i.opt.Engine.MaxBytes); err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if err := read(ctx, src, data); err != nil {
		return nil, err
	}
	within := DefaultWithin
	if end, ok := ctx.Deadline(); ok {
		within = time.Until(end) + time.Second
	}
	header, err := json.Marshal(order{
		Options: i.opt.Engine, Facts: facts, Size: size, Presets: presets, Memory: i.opt.Memory, Within: within,
	})
	if err != nil || len(header) >= maxHeader {
		return nil, pipeline.Errorf(pipeline.Bug, "thumb.child", "", "a header of %d bytes: %w", len(header), err)
	}
	got, err := i.child(ctx, io.MultiReader(bytes.NewReader(append(header, '\n')), bytes.NewReader(data)))
	if err != nil {
		return nil, err
	}
	if got.Failure != nil {
		return nil, got.Failure.err()
	}
	return got.Thumbnails, got.fits(presets)
}

// child runs one child to its end.
func (i *Isolated) child(ctx context.Context, in io.Reader) (answer, error) {
	out, said := &bounded{most: maxAnswer}, &bounded{most: maxSaid, cut: true}
	cmd := exec.CommandContext(ctx, i.opt.Command[0], i.opt.Command[1:]...) //nolint:gosec // our own binary
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, said
	cmd.Env = []string{} // no secrets
	cmd.SysProcAttr = ownGroup()
	cmd.WaitDelay = time.Second // for what the child may have started itself
	if err := cmd.Start(); err != nil {
		return answer{}, transient("thumb.start", err)
	}
	err := cmd.Wait()
	var a answer
	switch {
	case ctx.Err() != nil:
		return a, transient("thumb.child", ctx.Err())
	case cmd.ProcessState.Success():
		// A broken pipe to a child that answered without reading all is no failure.
		if err := decodeAnswer(out.buf.Bytes(), &a); err != nil {
			return a, poison(err, said)
		}
		return a, nil
	case asked(cmd.ProcessState.Sys()):
		return a, transient("thumb.child", fmt.Errorf("the child was asked to end: %w", err))
	}
	return a, poison(err, said)
}

func decodeAnswer(b []byte, a *answer) error {
	if err := json.Unmarshal(b, a); err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	if f := a.Failure; f != nil && !slices.Contains(pipeline.Classes(), f.Class) {
		return fmt.Errorf("an answer of the unknown class %q", f.Class)
	}
	return nil
}

// fits tells whether the answer holds a thumbnail for each preset.
func (a *answer) fits(presets []pipeline.Preset) error {
	ok := len(a.Thumbnails) == len(presets)
	for n := 0; ok && n < len(presets); n++ {
		ok = a.Thumbnails[n].Preset == presets[n].Name && len(a.Thumbnails[n].Data) > 0
	}
	if !ok {
		return pipeline.Errorf(pipeline.Poison, "thumb.child", "", "the child answered with other thumbnails than were asked for")
	}
	return nil
}

// poison says that the child died, with the first line of what it said.
func poison(err error, said *bounded) error {
	line, _, _ := strings.Cut(strings.TrimSpace(said.buf.String()), "\n")
	if line != "" {
		err = fmt.Errorf("%w: %s", err, line)
	}
	return pipeline.Errorf(pipeline.Poison, "thumb.child", "", "the image killed the process that decoded it: %w", err)
}

// asked tells whether a process ended by a signal with which people and supervisors end
// processes in an orderly way.
func asked(state any) bool {
	ws, ok := state.(syscall.WaitStatus)
	return ok && ws.Signaled() && slices.Contains([]syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}, ws.Signal())
}

// bounded keeps what is written to it up to a size. Beyond, it fails the writer, or
// swallows the rest when cut is set.
type bounded struct {
	buf  bytes.Buffer
	most int
	cut  bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := b.most - b.buf.Len()
	if len(p) <= room {
		return b.buf.Write(p)
	}
	if !b.cut {
		return 0, fmt.Errorf("more than %d bytes", b.most)
	}
	_, _ = b.buf.Write(p[:room])
	return len(p), nil
}
