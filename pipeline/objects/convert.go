package objects

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/afterput/afterput/pipeline"
)

// The limits of what COS makes of images (COS 436/44880), and of what we read of it.
const (
	maxConvertedSide  = 9999
	maxConvertedBytes = 64 << 20
)

var _ pipeline.Converter = (*Store)(nil)

// Converts tells whether the bucket has COS process images.
func (s *Store) Converts(bucketName string) bool {
	b, ok := s.buckets[bucketName]
	return ok && b.processing
}

// Convert has COS turn an image upright and make a JPEG of it that fits into a square and is
// no larger than the image. It is a service of data processing (CI) that is paid by use.
// Images that COS refuses, or gives back as they are, are errors of class Invalid.
func (s *Store) Convert(ctx context.Context, bucketName, key string, side int) ([]byte, error) {
	const op = "objects.convert"
	b, err := s.find(op, bucketName, key)
	if err != nil {
		return nil, err
	}
	ctx, cancel := s.timed(ctx)
	defer cancel()
	side = min(max(side, 1), maxConvertedSide)
	rule := fmt.Sprintf("imageMogr2/auto-orient/thumbnail/%dx%d>/strip/format/jpg/quality/95", side, side)
	resp, err := b.client.CI.Get(ctx, key, rule, nil)
	if err != nil {
		return nil, b.failure(op, key, err)
	}
	defer func() { _ = resp.Body.Close() }()
	jpeg, err := io.ReadAll(io.LimitReader(resp.Body, maxConvertedBytes+1))
	switch {
	case err != nil:
		return nil, b.failure(op, key, err)
	case resp.ContentLength >= 0 && int64(len(jpeg)) < min(resp.ContentLength, maxConvertedBytes):
		return nil, pipeline.Errorf(pipeline.Transient, op, key, "%d of %d bytes came", len(jpeg), resp.ContentLength)
	case len(jpeg) > maxConvertedBytes:
		return nil, pipeline.Errorf(pipeline.Invalid, op, key, "the JPEG has more than %d bytes", maxConvertedBytes)
	case !bytes.HasPrefix(jpeg, []byte("\xff\xd8\xff")):
		return nil, pipeline.Errorf(pipeline.Invalid, op, key, "COS gave back no JPEG: it does not process images of this bucket, or does not know the format")
	}
	return jpeg, nil
}
