package objects

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	cos "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/afterput/afterput/pipeline"
)

// Head asks for the facts of an object.
func (s *Store) Head(ctx context.Context, bucketName, key string) (pipeline.ObjectInfo, error) {
	const op = "objects.head"
	b, err := s.find(op, bucketName, key)
	if err != nil {
		return pipeline.ObjectInfo{}, err
	}
	ctx, cancel := s.timed(ctx)
	defer cancel()
	resp, err := b.client.Object.Head(ctx, key, nil)
	if err != nil {
		return pipeline.ObjectInfo{}, b.failure(op, key, err)
	}
	if resp.ContentLength < 0 {
		return pipeline.ObjectInfo{}, pipeline.Errorf(pipeline.Transient, op, key, "the answer tells no size")
	}
	info := infoOf(resp.Header)
	info.Size = resp.ContentLength
	return info, nil
}

// Get opens an object for reading. The body is streamed: it fails with class Transient
// when it ends early, when it stays without progress for IdleTimeout, when ctx ends, and
// for a whole object whose bytes differ from their checksum. A range past the end reads as
// no bytes, with the object's size.
func (s *Store) Get(ctx context.Context, bucketName, key string, opt pipeline.ReadOptions) (pipeline.ObjectInfo, io.ReadCloser, error) {
	const op = "objects.get"
	b, err := s.find(op, bucketName, key)
	if err != nil {
		return pipeline.ObjectInfo{}, nil, err
	}
	if opt.Offset < 0 || opt.Length < 0 {
		return pipeline.ObjectInfo{}, nil, pipeline.Errorf(pipeline.Invalid, op, key, "negative offset or length")
	}
	header := make(http.Header)
	if opt.IfMatch != "" {
		header.Set("If-Match", `"`+opt.IfMatch+`"`)
	}
	bodyCtx, cancel := context.WithCancelCause(ctx)
	resp, err := b.client.Object.Get(bodyCtx, key, &cos.ObjectGetOptions{Range: rangeOf(opt), XOptionHeader: &header})
	if err != nil {
		cancel(nil)
		if resp != nil && resp.StatusCode == http.StatusRequestedRangeNotSatisfiable {
			return s.empty(ctx, bucketName, key, opt)
		}
		return pipeline.ObjectInfo{}, nil, b.failure(op, key, err)
	}
	info, want, err := extent(resp.Response, opt)
	if err != nil {
		cancel(nil)
		_ = resp.Body.Close()
		return pipeline.ObjectInfo{}, nil, pipeline.Errorf(pipeline.Transient, op, key, "%w", err)
	}
	return info, newBody(bodyCtx, cancel, resp.Response, key, want, info.Size, s.opt.IdleTimeout), nil
}

// empty answers a 416. The answer itself says the size at most, so Head tells the rest.
func (s *Store) empty(ctx context.Context, bucketName, key string, opt pipeline.ReadOptions) (pipeline.ObjectInfo, io.ReadCloser, error) {
	const op = "objects.get"
	info, err := s.Head(ctx, bucketName, key)
	switch {
	case err != nil:
		return pipeline.ObjectInfo{}, nil, err
	case opt.IfMatch != "" && info.ETag != opt.IfMatch:
		return pipeline.ObjectInfo{}, nil, pipeline.Errorf(pipeline.Superseded, op, key, "the object has another ETag")
	case info.Size > opt.Offset:
		return pipeline.ObjectInfo{}, nil, pipeline.Errorf(pipeline.Transient, op, key, "the object changed while it was opened")
	}
	return info, http.NoBody, nil
}

func rangeOf(opt pipeline.ReadOptions) string {
	switch {
	case opt.Length > 0:
		return fmt.Sprintf("bytes=%d-%d", opt.Offset, opt.Offset+opt.Length-1)
	case opt.Offset > 0:
		return fmt.Sprintf("bytes=%d-", opt.Offset)
	}
	return ""
}

// extent gives the facts of the object and how many bytes of body to hand out.
func extent(resp *http.Response, opt pipeline.ReadOptions) (info pipeline.ObjectInfo, want int64, err error) {
	info = infoOf(resp.Header)
	if resp.StatusCode == http.StatusPartialContent {
		first, last, size, ok := contentRange(resp.Header.Get("Content-Range"))
		if !ok || first != opt.Offset || (opt.Length > 0 && last >= opt.Offset+opt.Length) {
			return info, 0, fmt.Errorf("asked for %s, the answer is %.60q", rangeOf(opt), resp.Header.Get("Content-Range"))
		}
		info.Size = size
		return info, last - first + 1, nil
	}
	info.Size = resp.ContentLength
	switch {
	case resp.ContentLength < 0:
		return info, 0, fmt.Errorf("the answer tells no size")
	case opt.Offset > 0:
		return info, 0, fmt.Errorf("asked for %s, the answer is the whole object", rangeOf(opt))
	case opt.Length > 0:
		return info, min(opt.Length, info.Size), nil
	}
	return info, info.Size, nil
}

// contentRange reads "bytes first-last/size" (RFC 9110, 14.4).
func contentRange(v string) (first, last, size int64, ok bool) {
	rest, ok1 := strings.CutPrefix(v, "bytes ")
	span, total, ok2 := strings.Cut(rest, "/")
	a, z, ok3 := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(a, 10, 64)
	last, err2 := strconv.ParseInt(z, 10, 64)
	size, err3 := strconv.ParseInt(total, 10, 64)
	ok = ok1 && ok2 && ok3 && err1 == nil && err2 == nil && err3 == nil &&
		first >= 0 && last >= first && last < size
	return first, last, size, ok
}

func infoOf(h http.Header) pipeline.ObjectInfo {
	return pipeline.ObjectInfo{
		ETag: etag(h), VersionID: h.Get("X-Cos-Version-Id"), ContentType: h.Get("Content-Type"),
	}
}
