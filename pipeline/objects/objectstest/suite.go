package objectstest

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

// Backend is one back end with an empty bucket.
type Backend struct {
	// Objects is what is tested.
	Objects pipeline.Objects
	// Bucket is the name of a bucket that Objects serves.
	Bucket string
	// Seed writes an object as a client would, past Objects. Public says whether anyone
	// may read it.
	Seed func(t *testing.T, key string, body []byte, contentType string, public bool)
}

// Run tests a back end. open is called once for each test, and cleans up by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) Backend) {
	t.Helper()
	tests := []struct {
		name string
		run  func(*testing.T, Backend)
	}{
		{"Head", testHead},
		{"Get", testGet},
		{"GetRanges", testRanges},
		{"GetIfMatch", testIfMatch},
		{"GetLarge", testLarge},
		{"Put", testPut},
		{"Delete", testDelete},
		{"Missing", testMissing},
		{"Names", testNames},
		{"BadNames", testBadNames},
		{"UnknownBucket", testUnknownBucket},
		{"Public", testPublic},
		{"Canceled", testCanceled},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, open(t))
		})
	}
}

// read gets an object whole and fails the test where that fails.
func (b Backend) read(t *testing.T, key string, opt pipeline.ReadOptions) (pipeline.ObjectInfo, []byte) {
	t.Helper()
	info, body, err := b.Objects.Get(t.Context(), b.Bucket, key, opt)
	require.NoError(t, err)
	data, err := io.ReadAll(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	return info, data
}

func requireClass(t *testing.T, want pipeline.Class, err error) {
	t.Helper()
	require.Error(t, err)
	var e *pipeline.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, want, e.Class, "%v", err)
	require.NotEmpty(t, e.Op)
}

func testHead(t *testing.T, b Backend) {
	b.Seed(t, "users/o/a.jpg", []byte("hello"), "image/jpeg", false)
	info, err := b.Objects.Head(t.Context(), b.Bucket, "users/o/a.jpg")
	require.NoError(t, err)
	require.EqualValues(t, 5, info.Size)
	require.Equal(t, "image/jpeg", info.ContentType)
	require.NotEmpty(t, info.ETag)
	require.NotContains(t, info.ETag, `"`)
}

func testGet(t *testing.T, b Backend) {
	b.Seed(t, "a.jpg", []byte("hello"), "image/jpeg", false)
	head, err := b.Objects.Head(t.Context(), b.Bucket, "a.jpg")
	require.NoError(t, err)
	info, data := b.read(t, "a.jpg", pipeline.ReadOptions{})
	require.Equal(t, "hello", string(data))
	require.Equal(t, head, info)

	b.Seed(t, "empty", nil, "image/jpeg", false)
	info, data = b.read(t, "empty", pipeline.ReadOptions{})
	require.Empty(t, data)
	require.Zero(t, info.Size)
}

func testRanges(t *testing.T, b Backend) {
	b.Seed(t, "ten", []byte("0123456789"), "text/plain", false)
	b.Seed(t, "empty", nil, "text/plain", false)
	tests := []struct {
		name, key      string
		offset, length int64
		want           string
	}{
		{"start", "ten", 0, 4, "0123"},
		{"middle", "ten", 4, 3, "456"},
		{"one byte", "ten", 9, 1, "9"},
		{"to the end", "ten", 7, 0, "789"},
		{"more than there is", "ten", 8, 100, "89"},
		{"exactly all", "ten", 0, 10, "0123456789"},
		{"at the end", "ten", 10, 5, ""},
		{"past the end", "ten", 11, 0, ""},
		{"of an empty object", "empty", 0, pipeline.ProbeBytes, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			info, data := b.read(t, tt.key, pipeline.ReadOptions{Offset: tt.offset, Length: tt.length})
			require.Equal(t, tt.want, string(data))
			head, err := b.Objects.Head(t.Context(), b.Bucket, tt.key)
			require.NoError(t, err)
			require.Equal(t, head, info, "the facts are those of the whole object")
		})
	}
	_, _, err := b.Objects.Get(t.Context(), b.Bucket, "ten", pipeline.ReadOptions{Offset: -1})
	requireClass(t, pipeline.Invalid, err)
}

func testIfMatch(t *testing.T, b Backend) {
	b.Seed(t, "k", []byte("old"), "text/plain", false)
	b.Seed(t, "empty", nil, "text/plain", false)
	was, err := b.Objects.Head(t.Context(), b.Bucket, "k")
	require.NoError(t, err)
	_, data := b.read(t, "k", pipeline.ReadOptions{IfMatch: was.ETag})
	require.Equal(t, "old", string(data))

	b.Seed(t, "k", []byte("new"), "text/plain", false)
	for _, key := range []string{"k", "empty"} {
		for _, length := range []int64{0, 2} {
			_, _, err = b.Objects.Get(t.Context(), b.Bucket, key, pipeline.ReadOptions{IfMatch: was.ETag, Length: length})
			requireClass(t, pipeline.Superseded, err)
		}
	}
}

func testLarge(t *testing.T, b Backend) {
	body := make([]byte, 3<<20+17)
	_, err := rand.Read(body)
	require.NoError(t, err)
	b.Seed(t, "large", body, "video/mp4", false)
	_, data := b.read(t, "large", pipeline.ReadOptions{})
	require.True(t, bytes.Equal(body, data))

	_, r, err := b.Objects.Get(t.Context(), b.Bucket, "large", pipeline.ReadOptions{Offset: 5})
	require.NoError(t, err)
	require.NoError(t, iotest.TestReader(r, body[5:]))
	require.NoError(t, r.Close())

	_, r, err = b.Objects.Get(t.Context(), b.Bucket, "large", pipeline.ReadOptions{})
	require.NoError(t, err)
	_, err = io.ReadFull(r, make([]byte, 10))
	require.NoError(t, err)
	require.NoError(t, r.Close(), "a body may be left unread")
	_, err = r.Read(make([]byte, 1))
	require.Error(t, err)
}

func testPut(t *testing.T, b Backend) {
	for _, body := range []string{"one", "two!", ""} {
		tag, err := b.Objects.Put(t.Context(), b.Bucket, "thumbs/small/a.jpg.jpg", []byte(body), pipeline.PutOptions{
			ContentType: "image/jpeg", CacheControl: "max-age=60",
		})
		require.NoError(t, err)
		require.NotContains(t, tag, `"`)
		info, data := b.read(t, "thumbs/small/a.jpg.jpg", pipeline.ReadOptions{})
		require.Equal(t, body, string(data))
		require.Equal(t, tag, info.ETag)
		require.Equal(t, "image/jpeg", info.ContentType)
	}
}

func testDelete(t *testing.T, b Backend) {
	b.Seed(t, "k", []byte("x"), "text/plain", false)
	for range 2 {
		require.NoError(t, b.Objects.Delete(t.Context(), b.Bucket, "k"), "deleting twice is no error")
	}
	_, err := b.Objects.Head(t.Context(), b.Bucket, "k")
	requireClass(t, pipeline.Missing, err)
}

func testMissing(t *testing.T, b Backend) {
	_, err := b.Objects.Head(t.Context(), b.Bucket, "none")
	requireClass(t, pipeline.Missing, err)
	for _, opt := range []pipeline.ReadOptions{{}, {Length: 10}, {Offset: 5}, {IfMatch: "x"}} {
		_, _, err := b.Objects.Get(t.Context(), b.Bucket, "none", opt)
		requireClass(t, pipeline.Missing, err)
	}
}

func testNames(t *testing.T, b Backend) {
	for _, key := range []string{
		"users/o p/图 (1).jpg", "a+b%20c&d=e?f#g;h.jpg", "A.jpg", "a.jpg", "照片/😀.png", "x/y/", "~!@$'()*,:[]{}|^`\"<>\\.jpg", "a%2Fb", "日本語/é.jpg",
	} {
		tag, err := b.Objects.Put(t.Context(), b.Bucket, key, []byte(key), pipeline.PutOptions{ContentType: "text/plain"})
		require.NoError(t, err, key)
		b.Seed(t, key+"2", []byte(key), "text/plain", true)
		info, err := b.Objects.Head(t.Context(), b.Bucket, key)
		require.NoError(t, err, key)
		require.Equal(t, tag, info.ETag)
		_, data := b.read(t, key+"2", pipeline.ReadOptions{})
		require.Equal(t, key, string(data))
		public, err := b.Objects.Public(t.Context(), b.Bucket, key+"2")
		require.NoError(t, err, key)
		require.True(t, public, key)
	}
	for _, key := range []string{"A.jpg", "a.jpg"} {
		_, data := b.read(t, key, pipeline.ReadOptions{})
		require.Equal(t, key, string(data), "case matters")
	}
	require.NoError(t, b.Objects.Delete(t.Context(), b.Bucket, "a+b%20c&d=e?f#g;h.jpg"))
	_, err := b.Objects.Head(t.Context(), b.Bucket, "a+b%20c&d=e?f#g;h.jpg")
	requireClass(t, pipeline.Missing, err)
}

func testBadNames(t *testing.T, b Backend) {
	for _, key := range []string{"", "/lead", "a//b", "../x", "a/../b", "a\x00b", "a\r\nb", "\xff"} {
		ctx := t.Context()
		_, err := b.Objects.Head(ctx, b.Bucket, key)
		_, _, err2 := b.Objects.Get(ctx, b.Bucket, key, pipeline.ReadOptions{})
		_, err3 := b.Objects.Put(ctx, b.Bucket, key, []byte("x"), pipeline.PutOptions{})
		_, err4 := b.Objects.Public(ctx, b.Bucket, key)
		for _, err := range []error{err, err2, err3, b.Objects.Delete(ctx, b.Bucket, key), err4} {
			requireClass(t, pipeline.Invalid, err)
			require.Equal(t, pipeline.CodeInvalidFileName, pipeline.CodeOf(err), "%q", key)
		}
	}
}

func testUnknownBucket(t *testing.T, b Backend) {
	_, err := b.Objects.Head(t.Context(), "nobody-1250000000", "k")
	requireClass(t, pipeline.Invalid, err)
	require.Equal(t, pipeline.CodeUnknownBucket, pipeline.CodeOf(err))
}

func testPublic(t *testing.T, b Backend) {
	b.Seed(t, "open", []byte("x"), "text/plain", true)
	b.Seed(t, "closed", []byte("x"), "text/plain", false)
	public, err := b.Objects.Public(t.Context(), b.Bucket, "open")
	require.NoError(t, err)
	require.True(t, public)
	public, err = b.Objects.Public(t.Context(), b.Bucket, "closed")
	require.NoError(t, err)
	require.False(t, public)
}

func testCanceled(t *testing.T, b Backend) {
	b.Seed(t, "k", make([]byte, 1<<20), "text/plain", false)
	ctx, cancel := context.WithCancel(t.Context())
	_, body, err := b.Objects.Get(ctx, b.Bucket, "k", pipeline.ReadOptions{})
	require.NoError(t, err)
	cancel()
	_, err = io.ReadAll(body)
	requireClass(t, pipeline.Transient, err)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, body.Close())

	_, err = b.Objects.Head(ctx, b.Bucket, "k")
	requireClass(t, pipeline.Transient, err)
	require.ErrorIs(t, err, context.Canceled)
	_, err = b.Objects.Put(ctx, b.Bucket, "k", []byte("x"), pipeline.PutOptions{})
	requireClass(t, pipeline.Transient, err)
	require.ErrorIs(t, err, context.Canceled)
}
