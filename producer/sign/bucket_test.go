package sign_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/producer/sign"
)

// TestRulesByBucket: what may be uploaded, and how large, differs by bucket.
func TestRulesByBucket(t *testing.T) {
	t.Parallel()
	opt := options(&memory{})
	opt.ByBucket = map[string]sign.Rules{second: {Types: []string{"image/png"}, MaxImageBytes: 7, MaxVideoBytes: 1, Orders: true, Store: "repairs"}}
	s := newSigner(t, opt)
	for _, tt := range []struct {
		bucket, ext, order, want string
	}{
		{"", "jpg", strings.Repeat("o", 255), ""},
		{second, "png", "A12", ""},
		{second, "jpg", "", "EXTENSION_NOT_ALLOWED"},
		{"", "png", "", "EXTENSION_NOT_ALLOWED"},
		{second, "png", strings.Repeat("o", 248), "BAD_FIELD"},
	} {
		a, err := s.Post(t.Context(), sign.Request{Owner: "o1", Ext: tt.ext, Bucket: tt.bucket, Order: tt.order})
		require.Equal(t, tt.want, string(pipeline.CodeOf(err)), tt)
		if tt.want == "" {
			require.Equal(t, tt.bucket == second, strings.Contains(string(a.PolicyObj), `["content-length-range",1,7]`), string(a.PolicyObj))
		}
	}
	opt.ByBucket[second] = sign.Rules{}
	_, err := sign.New(opt)
	require.ErrorContains(t, err, "limit")
}
