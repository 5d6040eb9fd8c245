package thumb

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/afterput/afterput/pipeline"
)

// checkSize tells whether a file of size bytes is read at all.
func checkSize(size, most int64) error {
	switch {
	case size == 0:
		return invalid("thumb.read", pipeline.CodeEmptyFile, errors.New("the file has no bytes"))
	case size < 0:
		return pipeline.Errorf(pipeline.Bug, "thumb.read", "", "the size is %d", size)
	case size > most:
		return invalid("thumb.read", pipeline.CodeTooLarge, fmt.Errorf("the file has %d bytes, the limit is %d", size, most))
	}
	return nil
}

// read takes exactly len(data) bytes out of src.
func read(ctx context.Context, src io.Reader, data []byte) error {
	in := ctxReader{ctx: ctx, r: src}
	if n, err := io.ReadFull(in, data); err != nil {
		return readError(fmt.Errorf("after %d of %d bytes: %w", n, len(data), err))
	}
	var beyond [1]byte
	switch _, err := io.ReadFull(in, beyond[:]); {
	case err == nil:
		return readError(fmt.Errorf("there are more than the %d bytes that were announced", len(data)))
	case !errors.Is(err, io.EOF):
		return readError(err)
	}
	return nil
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

// ctxReader ends when ctx does, and with it decoders that read as they go. Those of WebP and
// of image/jpeg may have read all long before they end: a WebP of 50 megapixels takes up to
// two seconds of a core after that.
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
