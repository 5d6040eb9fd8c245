package producer_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/events"
)

func withPattern(t *testing.T, pattern string) func(*producer.Options) {
	t.Helper()
	p, err := events.ParsePattern(pattern)
	require.NoError(t, err)
	return func(o *producer.Options) { o.Pattern = p }
}

// TestPrecedence: the body of a client weighs most, then the signer, what came with the
// object, as its headers or in a callback, and its name; who disagrees is told.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	const key = "users/o1/orders/NAME/4-1.jpg"
	const meta = `{"x-cos-meta-order-id":"META","x-cos-meta-position":"3","x-cos-meta-batch":"mb"}`
	phone := func(body string) func(w *world) answer {
		return func(w *world) answer { return w.announce(body) }
	}
	callback := func(body string) func(w *world) answer {
		return func(w *world) answer {
			return w.callback(callbackPath(t, events.CallbackGrant{Bucket: bucket, Key: key}), body)
		}
	}
	event := func(meta string) func(w *world) answer {
		return func(w *world) answer { return w.event(cosEvent("ObjectCreated:Put", key, key, meta)) }
	}
	position := new(2)
	for _, tt := range []struct {
		name      string
		signed    *ledger.Signed
		send      func(w *world) answer
		order     string
		position  *int
		conflicts int
	}{
		{"the name", nil, event(""), "NAME", new(4), 0},
		{"headers before the name", nil, event(meta), "META", new(3), 1},
		{"the signer before headers", &ledger.Signed{Order: "SIGN", Position: position}, event(meta), "SIGN", position, 2},
		{
			"the body before the signer", &ledger.Signed{Order: "SIGN", Position: position},
			phone(`{"order":"BODY","files":[{"file":"` + key + `","position":1}]}`), "BODY", new(1), 2,
		},
		{
			"a list of one has no chosen place", &ledger.Signed{Order: "SIGN", Position: position},
			phone(`{"files":["` + key + `"]}`), "SIGN", position, 1,
		},
		{
			"a list of two is an order", &ledger.Signed{Order: "SIGN", Position: position},
			phone(`{"order":"SIGN","files":["users/o1/0.jpg","` + key + `"]}`), "SIGN", new(1), 2,
		},
		{
			"a place in another order says nothing", &ledger.Signed{Order: "SIGN", Position: position},
			phone(`{"order":"BODY","files":["` + key + `"]}`), "BODY", new(0), 2,
		},
		{"a callback before the name", nil, callback("order=CALL&position=6"), "CALL", new(6), 1},
		{
			// Whoever has the signature has the token of the callback as well.
			"the signer before a callback", &ledger.Signed{Order: "SIGN", Position: position},
			callback("order=CALL&position=6&batch=b"), "SIGN", position, 2,
		},
		{"a position alone", &ledger.Signed{Position: position}, event(`{"x-cos-meta-order-id":"META"}`), "META", position, 1},
		{"the same said twice", &ledger.Signed{Order: "META", Position: new(3)}, event(meta), "META", new(3), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withCallbacks, withPattern(t, "users/{owner}/orders/{order}/{position}-{name}"))
			if s := tt.signed; s != nil {
				s.Bucket, s.Key, s.Owner, s.ExpiresAt = bucket, key, "o1", time.Now()
				require.NoError(t, w.ledger.Sign(t.Context(), *s))
			}
			res := tt.send(w)
			var got struct {
				Conflicts []string // of a callback
				Results   []struct{ Conflicts []string }
				Uploads   []struct{ Conflicts []string }
			}
			require.Contains(t, []int{200, 202}, res.status, "%s", res.body)
			require.NoError(t, json.Unmarshal(res.body, &got))
			conflicts := got.Conflicts
			for _, r := range append(got.Results, got.Uploads...) {
				conflicts = append(conflicts, r.Conflicts...)
			}
			require.Len(t, conflicts, tt.conflicts, "%s", res.body)
			links, err := w.ledger.Links(t.Context(), pipeline.UploadID(bucket, key))
			require.NoError(t, err)
			require.Len(t, links, 1)
			require.Equal(t, tt.order, links[0].Order)
			require.Equal(t, tt.position, links[0].Position)
		})
	}
}

func TestConflictIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const key = "users/o1/1.jpg"
	require.NoError(t, w.ledger.Sign(t.Context(), ledger.Signed{Bucket: bucket, Key: key, Owner: "o1", Order: "B7", ExpiresAt: time.Now()}))
	var got struct {
		Results []struct {
			Order     string
			Conflicts []string
		}
	}
	w.event(cosEvent("ObjectCreated:Put", key, key, `{"x-cos-meta-order-id":"A12"}`)).into(t, 202, &got)
	require.Equal(t, "B7", got.Results[0].Order)
	require.Equal(t, []string{`order: the signer says "B7", x-cos-meta "A12": "B7" counts`}, got.Results[0].Conflicts)
}

// TestHintsOfOwners: an owner that only the signer or the name knows is the owner, and a
// name of somebody else's folder stays refused.
func TestHintsOfOwners(t *testing.T) {
	t.Parallel()
	noRule := func(o *producer.Options) { o.OwnerRequired = false }
	w := newWorld(t, noRule, withPattern(t, "up/{owner}/{name}"))
	for _, key := range []string{"free/1.jpg", "up/o7/2.jpg"} {
		require.NoError(t, w.ledger.Sign(t.Context(), ledger.Signed{Bucket: bucket, Key: key, Owner: "o7", ExpiresAt: time.Now()}))
		require.Equal(t, 202, w.event(cosEvent("ObjectCreated:Put", key, key, "")).status)
		u, err := w.ledger.Upload(t.Context(), pipeline.UploadID(bucket, key))
		require.NoError(t, err)
		require.Equal(t, "o7", u.Owner)
	}
	const key = "users/o1/1.jpg"
	require.NoError(t, w.ledger.Sign(t.Context(), ledger.Signed{Bucket: bucket, Key: key, Owner: "o2", ExpiresAt: time.Now()}))
	w.announce(`{"files":["`+key+`"]}`).requireError(t, 403, "OWNER_MISMATCH")
}

// TestHintsOfRemovals: a removal is for no order.
func TestHintsOfRemovals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const key = "users/o1/1.jpg"
	require.NoError(t, w.ledger.Sign(t.Context(), ledger.Signed{Bucket: bucket, Key: key, Owner: "o1", Order: "A12", ExpiresAt: time.Now()}))
	require.Equal(t, 202, w.announce(`{"order":"B7","files":["`+key+`"]}`).status)
	require.Equal(t, 202, w.event(cosEvent("ObjectRemove:Delete", key, key, `{"x-cos-meta-order-id":"C9"}`)).status)
	links, err := w.ledger.Links(t.Context(), pipeline.UploadID(bucket, key))
	require.NoError(t, err)
	require.Len(t, links, 1)
	require.Equal(t, "B7", links[0].Order)
}

// TestHintsWithoutOrders: what the signer wrote down while there were orders stops nobody
// when there are none.
func TestHintsWithoutOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withoutOrders)
	const key = "users/o1/1.jpg"
	require.NoError(t, w.ledger.Sign(t.Context(), ledger.Signed{Bucket: bucket, Key: key, Owner: "o1", Order: "A12", ExpiresAt: time.Now()}))
	require.Equal(t, 202, w.announce(`{"files":["`+key+`"]}`).status)
	require.Len(t, w.uploads(), 1)
}
