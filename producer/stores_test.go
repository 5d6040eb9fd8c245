package producer_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer"
)

// TestRulesByBucket: a bucket has its own rules, and its orders are in its own store,
// whoever names them.
func TestRulesByBucket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *producer.Options) {
		withPattern(t, "{order}/{name}")(o)
		pattern := o.Pattern
		o.Pattern = nil
		o.Stores = pipeline.OrderNames{"repairs", "rentals"}
		o.ByBucket = map[string]producer.Rules{plainBucket: {
			Orders: true, Store: "repairs", Pattern: pattern, Derivative: pipeline.ThumbnailOptions{Prefix: "small/"}.Derivative,
		}}
	})
	accept := func(in, key, order string) (pipeline.Announcement, error) {
		receipts, err := w.p.Accept(t.Context(), "", []pipeline.Announcement{{Bucket: in, Key: key, Order: order}})
		if err != nil {
			return pipeline.Announcement{}, err
		}
		links, err := w.ledger.Links(t.Context(), receipts[0].UploadID)
		require.NoError(t, err)
		require.Len(t, links, 1)
		require.Equal(t, receipts[0].Order, links[0].Order)
		return pipeline.Announcement{Order: links[0].Order}, nil
	}
	require.NoError(t, w.ledger.Sign(t.Context(), ledger.Signed{Bucket: plainBucket, Key: "x/signed.jpg", Owner: "o1", Order: "A12", ExpiresAt: time.Now()}))
	for _, tt := range []struct {
		name, in, key, order, want string
		code                       pipeline.Code
	}{
		{"the store without a name", bucket, "users/o1/1.jpg", "A12", "A12", ""},
		{"a store with a name", plainBucket, "x/1.jpg", "A12", "repairs:A12", ""},
		{"by its full name", plainBucket, "x/2.jpg", "repairs:A12", "repairs:A12", ""},
		{"from the signer", plainBucket, "x/signed.jpg", "", "repairs:A12", ""},
		{"from the name", plainBucket, "A13/1.jpg", "", "repairs:A13", ""},
		{"of another store", plainBucket, "x/3.jpg", "rentals:A12", "", "BAD_FIELD"},
		{"of a store, in a bucket without", bucket, "users/o1/2.jpg", "repairs:A12", "", "BAD_FIELD"},
		{"too long with its store", plainBucket, "x/6.jpg", strings.Repeat("a", 250), "", "BAD_FIELD"},
		{"an ID with a colon", bucket, "users/o1/3.jpg", "other:A12", "other:A12", ""},
		{"an owner is required in one only", bucket, "x/4.jpg", "A12", "", pipeline.CodeOwnerMissing},
		{"its own thumbnails", plainBucket, "small/1.jpg", "", "", pipeline.CodeDerivative},
		{"a folder that is no thumbnails' here", plainBucket, "thumbs/1.jpg", "A14", "repairs:A14", ""},
	} {
		got, err := accept(tt.in, tt.key, tt.order)
		require.Equal(t, tt.code, pipeline.CodeOf(err), tt.name)
		require.Equal(t, tt.want, got.Order, tt.name)
	}
	require.Equal(t, http.StatusAccepted, w.announce(`{"order":"A12","files":["cos://`+plainBucket+`/x/5.jpg"]}`).status)
	u, err := w.ledger.Links(t.Context(), pipeline.UploadID(plainBucket, "x/5.jpg"))
	require.NoError(t, err)
	require.Equal(t, "repairs:A12", u[0].Order)
}
