package objects_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline/objects"
)

func TestHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		opt  objects.BucketOptions
		want string
	}{
		{objects.BucketOptions{Name: "a-1250000000", Region: "ap-guangzhou"}, "a-1250000000.cos.ap-guangzhou.myqcloud.com"},
		{objects.BucketOptions{Name: "a-1250000000", Endpoint: "http://127.0.0.1:9000"}, "127.0.0.1:9000"},
		{objects.BucketOptions{Name: "a-1250000000", Endpoint: "https://{bucket}.example.com/"}, "a-1250000000.example.com"},
	} {
		host, err := tt.opt.Host()
		require.NoError(t, err)
		require.Equal(t, tt.want, host)
	}
	_, err := objects.BucketOptions{Name: "a-1250000000"}.Host()
	require.ErrorContains(t, err, "region is empty")
}
