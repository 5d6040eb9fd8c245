package producer_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
)

// TestSignedOrder: the order of an object is that of the body, else what was signed, else
// what its headers say.
func TestSignedOrder(t *testing.T) {
	t.Parallel()
	headers := `{"x-cos-meta-order-id":"HEADER","x-cos-meta-position":"5"}`
	signed := &ledger.Signed{Order: "SIGNED", Position: new(2)}
	for name, tt := range map[string]struct {
		signed   *ledger.Signed
		body     string // the order of a client's announcement; empty is an event
		meta     string
		order    string // "" for no link
		position int
	}{
		"event of a signed object":                {signed, "", "", "SIGNED", 2},
		"event with headers of a signed object":   {signed, "", headers, "SIGNED", 2},
		"event with headers":                      {nil, "", headers, "HEADER", 5},
		"event with headers, signed for no order": {&ledger.Signed{}, "", headers, "HEADER", 5},
		"event of an object signed for no order":  {&ledger.Signed{}, "", "", "", 0},
		"body":                                    {signed, "BODY", "", "BODY", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			const key = "users/o1/20260105/a.jpg"
			if tt.signed != nil {
				s := *tt.signed
				s.Bucket, s.Key, s.Owner, s.ExpiresAt = bucket, key, "o1", time.Now().Add(-time.Hour)
				require.NoError(t, w.ledger.Sign(t.Context(), s))
			}
			var res answer
			if tt.body != "" {
				res = w.announce(`{"order":"` + tt.body + `","files":["` + key + `"]}`)
			} else {
				res = w.event(cosEvent("ObjectCreated:Put", key, key, tt.meta))
			}
			require.Equal(t, 202, res.status, "%s", res.body)
			links, err := w.ledger.Links(t.Context(), pipeline.UploadID(bucket, key))
			require.NoError(t, err)
			if tt.order == "" {
				require.Empty(t, links)
				return
			}
			require.Len(t, links, 1)
			require.Equal(t, tt.order, links[0].Order)
			require.Equal(t, tt.position, *links[0].Position)
		})
	}
}
