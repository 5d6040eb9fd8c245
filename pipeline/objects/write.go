package objects

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // Content-MD5 is a checksum
	"encoding/base64"
	"hash/crc64"
	"net/http"
	"strconv"

	cos "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/afterput/afterput/pipeline"
)

// Put writes an object at once and gives its ETag. The bytes travel with their MD5, so
// that damaged ones are refused, and the checksum that COS answers with must be theirs.
func (s *Store) Put(ctx context.Context, bucketName, key string, body []byte, opt pipeline.PutOptions) (string, error) {
	const op = "objects.put"
	b, err := s.find(op, bucketName, key)
	if err != nil {
		return "", err
	}
	ctx, cancel := s.timed(ctx)
	defer cancel()
	put := s.putByKey
	if b.uploads != nil {
		put = s.putByGateway
	}
	answer, err := put(ctx, b, pipeline.FileID{Env: b.env, Bucket: bucketName, Path: key}, body, opt)
	if err != nil {
		return "", err
	}
	want := strconv.FormatUint(crc64.Checksum(body, crc64.MakeTable(crc64.ECMA)), 10)
	if got := answer.Get("X-Cos-Hash-Crc64ecma"); got != want {
		return "", pipeline.Errorf(pipeline.Transient, op, key, "COS stored other bytes: x-cos-hash-crc64ecma is %.20q, want %s", got, want)
	}
	return etag(answer), nil
}

// putByKey signs by the bucket's key.
func (s *Store) putByKey(ctx context.Context, b *bucket, id pipeline.FileID, body []byte, opt pipeline.PutOptions) (http.Header, error) {
	resp, err := b.client.Object.Put(ctx, id.Path, bytes.NewReader(body), &cos.ObjectPutOptions{
		ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{
			ContentType: opt.ContentType, CacheControl: opt.CacheControl, ContentMD5: contentMD5(body),
		},
	})
	if err != nil {
		return nil, b.failure("objects.put", id.Path, err)
	}
	return resp.Header, nil
}

func contentMD5(body []byte) string {
	sum := md5.Sum(body) //nolint:gosec // see the import
	return base64.StdEncoding.EncodeToString(sum[:])
}

// Delete removes an object; one that is not there is no error.
func (s *Store) Delete(ctx context.Context, bucketName, key string) error {
	const op = "objects.delete"
	b, err := s.find(op, bucketName, key)
	if err != nil {
		return err
	}
	ctx, cancel := s.timed(ctx)
	defer cancel()
	resp, err := b.client.Object.Delete(ctx, key)
	if err == nil || (resp != nil && resp.StatusCode == http.StatusNotFound && noSuchKey(err)) {
		return nil
	}
	return b.failure(op, key, err)
}

// noSuchKey tells a missing object from a missing bucket.
func noSuchKey(err error) bool {
	answer, ok := cos.IsCOSError(err)
	return ok && answer.Code != "NoSuchBucket"
}
