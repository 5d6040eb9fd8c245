package coslocal_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	cos "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

// TestListUploads holds that the vendor's SDK finds the multipart uploads that are under
// way, by prefix, and those alone.
func TestListUploads(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{})
	ctx := t.Context()
	ids := make(map[string]string)
	for _, key := range []string{"users/o1/b 图.mp4", "users/o1/a.mp4", "other/c.mp4", "users/o1/aborted.mp4"} {
		begun, _, err := w.sdk.Object.InitiateMultipartUpload(ctx, key, nil)
		require.NoError(t, err)
		ids[key] = begun.UploadID
	}
	_, err := w.sdk.Object.AbortMultipartUpload(ctx, "users/o1/aborted.mp4", ids["users/o1/aborted.mp4"])
	require.NoError(t, err)

	found, _, err := w.sdk.Bucket.ListMultipartUploads(ctx, &cos.ListMultipartUploadsOptions{Prefix: "users/"})
	require.NoError(t, err)
	require.False(t, found.IsTruncated)
	require.Equal(t, "users/", found.Prefix)
	require.Len(t, found.Uploads, 2)
	for i, key := range []string{"users/o1/a.mp4", "users/o1/b 图.mp4"} {
		require.Equal(t, key, found.Uploads[i].Key)
		require.Equal(t, ids[key], found.Uploads[i].UploadID)
		require.NotEmpty(t, found.Uploads[i].Initiated)
	}
	require.Equal(t, 403, w.do(t, "GET", "/?uploads", nil, "", false).status)
}
