package objects_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	cos "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{}, objects.Options{})
	header := http.Header{"X-Cos-Meta-Order-Id": {"A12"}, "X-Cos-Meta-Position": {"3"}}
	_, err := sdkClient(t, w.url).Object.Put(t.Context(), "users/o1/1.jpg", strings.NewReader("x"), &cos.ObjectPutOptions{
		ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{XCosMetaXXX: &header},
	})
	require.NoError(t, err)
	meta, err := w.store.Metadata(t.Context(), bucket, "users/o1/1.jpg")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"x-cos-meta-order-id": "A12", "x-cos-meta-position": "3"}, meta)

	w.put(t, "users/o1/2.jpg", []byte("y"))
	meta, err = w.store.Metadata(t.Context(), bucket, "users/o1/2.jpg")
	require.NoError(t, err)
	require.Empty(t, meta)
	_, err = w.store.Metadata(t.Context(), bucket, "users/o1/3.jpg")
	require.Equal(t, pipeline.Missing, pipeline.ClassOf(err))
	_, err = w.store.Metadata(t.Context(), "other-1", "users/o1/1.jpg")
	require.Error(t, err)
}
