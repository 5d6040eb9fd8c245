package coslocal_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	cos "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

func TestPutKeepsHeaders(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{})
	a := w.do(t, "PUT", "/k", http.Header{
		"Content-Type": {"image/png"}, "Cache-Control": {"max-age=9"}, "X-Cos-Meta-Order": {"7"}, "X-Other": {"no"},
	}, "123456789", true)
	require.Equal(t, 200, a.status)
	require.Equal(t, `"25f9e794323b453885f5181f1b624d0b"`, a.header.Get("ETag"))
	// The check value of CRC-64/XZ, which is the ECMA polynomial reflected.
	require.Equal(t, "11051210869376104954", a.header.Get("X-Cos-Hash-Crc64ecma"))
	require.NotEmpty(t, a.header.Get("X-Cos-Request-Id"))
	for _, method := range []string{"GET", "HEAD"} {
		g := w.do(t, method, "/k", nil, "", true)
		require.Equal(t, 200, g.status)
		require.Equal(t, "image/png", g.header.Get("Content-Type"))
		require.Equal(t, "max-age=9", g.header.Get("Cache-Control"))
		require.Equal(t, "7", g.header.Get("X-Cos-Meta-Order"))
		require.Empty(t, g.header.Get("X-Other"))
		require.Equal(t, "9", g.header.Get("Content-Length"))
		require.Equal(t, a.header.Get("ETag"), g.header.Get("ETag"))
		require.Equal(t, a.header.Get("X-Cos-Hash-Crc64ecma"), g.header.Get("X-Cos-Hash-Crc64ecma"))
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{MaxObjectBytes: 10})
	w.put(t, "k", "hello")
	tests := []struct {
		name, method, path string
		header             http.Header
		body               string
		sign               bool
		status             int
		code               string
	}{
		{"unsigned get", "GET", "/k", nil, "", false, 403, "AccessDenied"},
		{"unsigned get of nothing", "GET", "/none", nil, "", false, 403, "AccessDenied"},
		{"unsigned put", "PUT", "/k", nil, "x", false, 403, "AccessDenied"},
		{"unsigned list", "GET", "/", nil, "", false, 403, "AccessDenied"},
		{"unsigned delete", "DELETE", "/k", nil, "", false, 403, "AccessDenied"},
		{"bad signature", "GET", "/k", http.Header{"Authorization": {"Bearer x"}}, "", false, 403, "AccessDenied"},
		{"missing", "GET", "/none", nil, "", true, 404, "NoSuchKey"},
		{"too large", "PUT", "/k", nil, "12345678901", true, 400, "EntityTooLarge"},
		{"no overwrite", "PUT", "/k", http.Header{"X-Cos-Forbid-Overwrite": {"true"}}, "x", true, 409, "FileAlreadyExists"},
		{"bad digest", "PUT", "/k", http.Header{"Content-Md5": {"XUFAKrxLKna5cZ2REBfFkg=="}}, "other", true, 400, "BadDigest"},
		{"unreadable digest", "PUT", "/k", http.Header{"Content-Md5": {"x"}}, "x", true, 400, "InvalidDigest"},
		{"unknown ACL", "PUT", "/k", http.Header{"X-Cos-Acl": {"x"}}, "x", true, 400, "InvalidArgument"},
		{"long key", "PUT", "/" + strings.Repeat("k", 851), nil, "x", true, 400, "KeyTooLong"},
		{"past the end", "GET", "/k", http.Header{"Range": {"bytes=5-"}}, "", true, 416, "InvalidRange"},
		{"if-match", "GET", "/k", http.Header{"If-Match": {`"x"`}}, "", true, 412, "PreconditionFailed"},
		{"tagging", "PUT", "/k?tagging", nil, "x", true, 501, "NotImplemented"},
		{"no such upload", "DELETE", "/k?uploadId=..%2F..", nil, "", true, 404, "NoSuchUpload"},
		{"form without a file", "POST", "/", http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, "--x--", false, 400, "MalformedPOSTRequest"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := w.do(t, tt.method, tt.path, tt.header, tt.body, tt.sign)
			require.Equal(t, tt.status, a.status, a.body)
			require.Contains(t, a.body, "<Error><Code>"+tt.code+"</Code><Message>")
			require.Contains(t, a.body, "</RequestId><TraceId>")
			require.NotContains(t, a.body, testKey().Secret)
		})
	}
	t.Cleanup(func() {
		require.Equal(t, 1, w.Writes("k"))
		require.Equal(t, []string{"k"}, w.Keys())
	})
}

func TestConditionsAndRanges(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{})
	w.put(t, "k", "0123456789")
	tag := w.do(t, "HEAD", "/k", nil, "", true).header.Get("ETag")
	tests := []struct {
		name   string
		header http.Header
		status int
		body   string
		span   string
	}{
		{"if-match", http.Header{"If-Match": {`"x", ` + tag}}, 200, "0123456789", ""},
		{"if-match any", http.Header{"If-Match": {"*"}}, 200, "0123456789", ""},
		{"if-none-match", http.Header{"If-None-Match": {tag}}, 304, "", ""},
		{"if-none-match other", http.Header{"If-None-Match": {`"x"`}}, 200, "0123456789", ""},
		{"range", http.Header{"Range": {"bytes=2-4"}}, 206, "234", "bytes 2-4/10"},
		{"open range", http.Header{"Range": {"bytes=7-"}}, 206, "789", "bytes 7-9/10"},
		{"tail", http.Header{"Range": {"bytes=-2"}}, 206, "89", "bytes 8-9/10"},
		{"long tail", http.Header{"Range": {"bytes=-99"}}, 206, "0123456789", "bytes 0-9/10"},
		{"long range", http.Header{"Range": {"bytes=8-99"}}, 206, "89", "bytes 8-9/10"},
		{"two ranges", http.Header{"Range": {"bytes=0-1,3-4"}}, 200, "0123456789", ""},
		{"backwards", http.Header{"Range": {"bytes=4-2"}}, 200, "0123456789", ""},
		{"nonsense", http.Header{"Range": {"lines=1-2"}}, 200, "0123456789", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := w.do(t, "GET", "/k", tt.header, "", true)
			require.Equal(t, tt.status, a.status)
			require.Equal(t, tt.body, a.body)
			require.Equal(t, tt.span, a.header.Get("Content-Range"))
		})
	}
	a := w.do(t, "GET", "/k", http.Header{"Range": {"bytes=10-"}}, "", true)
	require.Equal(t, "bytes */10", a.header.Get("Content-Range"))
}

func TestACL(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{})
	ctx := t.Context()
	w.put(t, "k", "hello")
	anyone := func(path string) int { return w.do(t, "GET", path, nil, "", false).status }
	require.Equal(t, 403, anyone("/k"))

	_, err := w.sdk.Object.PutACL(ctx, "k", &cos.ObjectPutACLOptions{Header: &cos.ACLHeaderOptions{XCosACL: "public-read"}})
	require.NoError(t, err)
	require.Equal(t, 200, anyone("/k"))
	require.Equal(t, 403, anyone("/k?acl"))
	acl, resp, err := w.sdk.Object.GetACL(ctx, "k")
	require.NoError(t, err)
	require.NotEmpty(t, acl.Owner.ID)
	require.Equal(t, "public-read", resp.Header.Get("X-Cos-Acl"))

	_, err = w.sdk.Bucket.PutACL(ctx, &cos.BucketPutACLOptions{Header: &cos.ACLHeaderOptions{XCosACL: "public-read"}})
	require.NoError(t, err)
	w.put(t, "inherits", "x")
	require.Equal(t, 200, anyone("/inherits"))
	require.Equal(t, 404, anyone("/none"))
	require.Equal(t, 403, anyone("/"), "who may read objects may still not list them")
	_, err = w.sdk.Object.PutACL(ctx, "k", &cos.ObjectPutACLOptions{Header: &cos.ACLHeaderOptions{XCosACL: "private"}})
	require.NoError(t, err)
	require.Equal(t, 403, anyone("/k"), "the object's ACL is stronger")
}

func TestCopy(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{})
	w.do(t, "PUT", "/a%20%E5%9B%BE.jpg", http.Header{"Content-Type": {"image/jpeg"}}, "hello", true)
	res, _, err := w.sdk.Object.Copy(t.Context(), "b.jpg", w.host+"/a 图.jpg", nil)
	require.NoError(t, err)
	require.Equal(t, `"5d41402abc4b2a76b9719d911017c592"`, res.ETag)
	a := w.do(t, "GET", "/b.jpg", nil, "", true)
	require.Equal(t, "hello", a.body)
	require.Equal(t, "image/jpeg", a.header.Get("Content-Type"))
	_, _, err = w.sdk.Object.Copy(t.Context(), "c.jpg", w.host+"/none", nil)
	require.True(t, cos.IsNotFoundError(err))
	_, _, err = w.sdk.Object.Copy(t.Context(), "c.jpg", "other-1.cos.ap-guangzhou.myqcloud.com/a", nil)
	require.Error(t, err)
}

func TestMultipart(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{})
	ctx, key := t.Context(), "videos/大 1.mp4"
	init, _, err := w.sdk.Object.InitiateMultipartUpload(ctx, key, &cos.InitiateMultipartUploadOptions{
		ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{ContentType: "video/mp4"},
	})
	require.NoError(t, err)
	var parts []cos.Object
	for n, text := range []string{"first ", "second ", "third"} {
		resp, err := w.sdk.Object.UploadPart(ctx, key, init.UploadID, n+1, strings.NewReader(text), nil)
		require.NoError(t, err)
		parts = append(parts, cos.Object{PartNumber: n + 1, ETag: resp.Header.Get("ETag")})
	}
	listed, _, err := w.sdk.Object.ListParts(ctx, key, init.UploadID, nil)
	require.NoError(t, err)
	require.Len(t, listed.Parts, 3)
	require.Equal(t, 404, w.do(t, "GET", "/videos/%E5%A4%A7%201.mp4", nil, "", true).status, "nothing is there before the end")

	_, _, err = w.sdk.Object.CompleteMultipartUpload(ctx, key, init.UploadID, &cos.CompleteMultipartUploadOptions{
		Parts: []cos.Object{{PartNumber: 1, ETag: `"x"`}},
	})
	require.ErrorContains(t, err, "InvalidPart")
	done, _, err := w.sdk.Object.CompleteMultipartUpload(ctx, key, init.UploadID, &cos.CompleteMultipartUploadOptions{Parts: parts})
	require.NoError(t, err)
	require.True(t, strings.HasSuffix(done.ETag, `-3"`))
	a := w.do(t, "GET", "/videos/%E5%A4%A7%201.mp4", nil, "", true)
	require.Equal(t, "first second third", a.body)
	require.Equal(t, "video/mp4", a.header.Get("Content-Type"))
	require.Equal(t, 1, w.Writes(key))

	init, _, err = w.sdk.Object.InitiateMultipartUpload(ctx, "aborted", nil)
	require.NoError(t, err)
	_, err = w.sdk.Object.AbortMultipartUpload(ctx, "aborted", init.UploadID)
	require.NoError(t, err)
	_, err = w.sdk.Object.AbortMultipartUpload(ctx, "aborted", init.UploadID)
	require.True(t, cos.IsNotFoundError(err))
}

func TestListFolders(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{})
	for _, key := range []string{"a", "b/1", "b/2", "b/c/3", "d", "e/1"} {
		w.put(t, key, "x")
	}
	var names []string
	marker := ""
	for {
		res, _, err := w.sdk.Bucket.Get(t.Context(), &cos.BucketGetOptions{Delimiter: "/", Marker: marker, MaxKeys: 2})
		require.NoError(t, err)
		for _, c := range res.Contents {
			names = append(names, c.Key)
		}
		names = append(names, res.CommonPrefixes...)
		if marker = res.NextMarker; !res.IsTruncated {
			break
		}
	}
	require.ElementsMatch(t, []string{"a", "b/", "d", "e/"}, names)
}

// TestRestart: what was written is there again, what a killed process left is not.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := open(t, coslocal.Options{Dir: dir})
	first.put(t, "A", "upper")
	first.put(t, "a", "lower")
	first.put(t, "a", "lower again")
	first.put(t, "../../etc/passwd", "safe")
	require.NoError(t, first.Close())
	require.Equal(t, 503, first.do(t, "GET", "/a", nil, "", true).status)

	left := filepath.Join(dir, "tmp", "half")
	orphan := filepath.Join(dir, "blobs", "00", "000000000000000000000000")
	require.NoError(t, os.MkdirAll(filepath.Dir(orphan), 0o750))
	for _, name := range []string{left, orphan} {
		require.NoError(t, os.WriteFile(name, []byte("x"), 0o600))
	}
	second := open(t, coslocal.Options{Dir: dir})
	require.NoFileExists(t, left)
	require.NoFileExists(t, orphan)
	require.Equal(t, []string{"../../etc/passwd", "A", "a"}, second.Keys())
	require.Equal(t, "upper", second.do(t, "GET", "/A", nil, "", true).body)
	require.Equal(t, "lower again", second.do(t, "GET", "/a", nil, "", true).body)
	require.Zero(t, second.Writes("a"))
	blobs, err := filepath.Glob(filepath.Join(dir, "blobs", "*", "*"))
	require.NoError(t, err)
	require.Len(t, blobs, 3, "an overwritten blob is removed")
}

func TestAbortedPutLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := open(t, coslocal.Options{Dir: dir})
	_, err := w.sdk.Object.Put(t.Context(), "k", &broken{left: 1000}, &cos.ObjectPutOptions{
		ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{ContentLength: 5000},
	})
	require.Error(t, err)
	require.NoError(t, w.Close())
	require.Empty(t, w.Keys())
	require.Eventually(t, func() bool {
		left, err := os.ReadDir(filepath.Join(dir, "tmp"))
		return err == nil && len(left) == 0
	}, timeout, tick)
}

// broken is a body that breaks off.
type broken struct{ left int }

func (b *broken) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, os.ErrClosed
	}
	n := copy(p, bytes.Repeat([]byte("x"), min(len(p), b.left)))
	b.left -= n
	return n, nil
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{AllowOrigin: "*"})
	a := w.do(t, "OPTIONS", "/k", http.Header{"Origin": {"http://x"}}, "", false)
	require.Equal(t, 200, a.status)
	require.Equal(t, "*", a.header.Get("Access-Control-Allow-Origin"))
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, opt := range []coslocal.Options{
		{},
		{Dir: "x"},
		{Bucket: bucket},
		{Bucket: "photos", Dir: "x"},
		{Bucket: bucket, Dir: "x", DefaultACL: "public"},
	} {
		_, err := coslocal.New(opt)
		require.Error(t, err)
	}
}
