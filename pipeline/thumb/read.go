package thumb

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/afterput/afterput/pipeline"
)

// read takes exactly size bytes out of src, at most the given number.
func read(ctx context.Context, src io.Reader, size, most int64) ([]byte, error) {
	switch {
	case size == 0:
		return nil, invalid("thumb.read", pipeline.CodeEmptyFile, errors.New("the file has no bytes"))
	case size < 0:
		return nil, pipeline.Errorf(pipeline.Bug, "thumb.read", "", "the size is %d", size)
	case size > most:
		return nil, invalid("thumb.read", pipeline.CodeTooLarge, fmt.Errorf("the file has %d bytes, the limit is %d", size, most))
	}
	in := ctxReader{ctx: ctx, r: src}
	data := make([]byte, size)
	if n, err := io.ReadFull(in, data); err != nil {
		return nil, readError(fmt.Errorf("after %d of %d bytes: %w", n, size, err))
	}
	var beyond [1]byte
	switch _, err := io.ReadFull(in, beyond[:]); {
	case err == nil:
		return nil, readError(fmt.Errorf("there are more than the %d bytes that were announced", size))
	case !errors.Is(err, io.EOF):
		return nil, readError(err)
	}
	return data, nil
}

// readError keeps what the store says of its error; else it is the network.
func readError(err error) error {
	class := pipeline.Transient
	if pe, ok := errors.AsType[*pipeline.Error](err); ok {
		class = pe.Class
	}
	return &pipeline.Error{
		Class: class, Op: "thumb.read", Code: pipeline.CodeOf(err), RetryAfter: pipeline.RetryAfterOf(err), Err: err,
	}
}

// ctxReader ends when ctx does. Decoders read as they go, so it stops them too.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
