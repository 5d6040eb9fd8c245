package objects

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/crc64"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// minProgress is how many bytes must arrive within IdleTimeout: a body that drips one
// byte a second would else hold its place for ever.
const minProgress = 16 << 10

var errStalled = errors.New("stalled")

// body is an object being read. It is not safe for concurrent use.
type body struct {
	ctx    context.Context //nolint:containedctx // it is the request's, and ends with the body
	cancel context.CancelCauseFunc
	src    io.ReadCloser
	key    string

	left int64 // bytes still to come
	err  error // sticky

	idle     time.Duration // the whole patience
	patience time.Duration // what is left of it, spent only inside Read
	progress int64         // bytes since patience was last restored
	watch    *time.Timer

	sum     hash.Hash64 // nil where there is nothing to compare with
	wantSum uint64
}

func newBody(ctx context.Context, cancel context.CancelCauseFunc, resp *http.Response, key string, want, size int64, idle time.Duration) *body {
	b := &body{
		ctx: ctx, cancel: cancel, src: resp.Body, key: key, left: want, idle: idle, patience: idle,
		watch: time.AfterFunc(time.Hour, func() { cancel(errStalled) }),
	}
	b.watch.Stop()
	crc, err := strconv.ParseUint(resp.Header.Get("X-Cos-Hash-Crc64ecma"), 10, 64)
	if err == nil && want == size && resp.StatusCode == http.StatusOK {
		b.sum, b.wantSum = crc64.New(crc64.MakeTable(crc64.ECMA)), crc
	}
	return b
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	if b.left == 0 {
		return 0, b.finish()
	}
	if err := context.Cause(b.ctx); err != nil {
		b.err = b.fail(err) // what is buffered already would still be readable
		return 0, b.err
	}
	start := time.Now()
	b.watch.Reset(b.patience)
	n, err := b.src.Read(p[:min(int64(len(p)), b.left)])
	b.watch.Stop()
	b.left -= int64(n)
	if b.sum != nil {
		b.sum.Write(p[:n]) // never fails
	}
	b.spend(time.Since(start), int64(n))
	switch {
	case err == nil:
		if b.patience <= 0 && b.left > 0 {
			err = b.fail(errStalled)
		}
	case errors.Is(err, io.EOF) && b.left == 0:
		err = nil // the next Read finishes
	case errors.Is(err, io.EOF):
		err = b.fail(io.ErrUnexpectedEOF)
	default:
		err = b.fail(err)
	}
	b.err = err
	return n, err
}

func (b *body) spend(d time.Duration, n int64) {
	b.patience -= d
	b.progress += n
	if b.progress >= minProgress {
		b.patience, b.progress = b.idle, 0
	}
}

// finish is the end of the body: EOF, unless the bytes are not what COS stored.
func (b *body) finish() error {
	b.err = io.EOF
	if b.sum != nil && b.sum.Sum64() != b.wantSum {
		b.err = b.fail(errors.New("the bytes do not match x-cos-hash-crc64ecma"))
	}
	return b.err
}

// fail makes the error of a Read.
func (b *body) fail(err error) error {
	const op = "objects.read"
	switch cause := context.Cause(b.ctx); {
	case errors.Is(err, errStalled), errors.Is(cause, errStalled):
		return pipeline.Errorf(pipeline.Transient, op, b.key, "the body made no progress for %s, %d bytes are missing", b.idle, b.left)
	case cause != nil:
		err = cause
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("the body ended early, %d bytes are missing: %w", b.left, err)
	}
	return &pipeline.Error{Class: pipeline.Transient, Op: op, Key: b.key, Err: bare(err)}
}

// Close ends the request. What was not read is dropped with its connection.
func (b *body) Close() error {
	b.watch.Stop()
	b.cancel(nil)
	_ = b.src.Close()
	if b.err == nil || errors.Is(b.err, io.EOF) {
		b.err = pipeline.Errorf(pipeline.Bug, "objects.read", b.key, "read after close")
	}
	return nil
}
