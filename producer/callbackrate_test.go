package producer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/producer/auth"
	"github.com/afterput/afterput/producer/events"
)

// TestCallbackRate: each grant has its rate, wide ones share that of keys, and whoever
// guesses at tokens that of addresses. One does not hold up another.
func TestCallbackRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withCallbacks)
	now := time.Now()
	w.guard = auth.NewGate(auth.Options{Limits: auth.NewLimits(auth.LimitOptions{
		PerKey: 3, PerOwner: 1, PerAddress: 2, Now: func() time.Time { return now },
	})})
	one := callbackPath(t, events.CallbackGrant{Bucket: bucket, Key: "users/o1/1.jpg"})
	folder := callbackPath(t, events.CallbackGrant{Bucket: bucket, Prefix: "users/o1/"})
	wide := callbackPath(t, events.CallbackGrant{Bucket: bucket, Prefix: "users/"})
	forged := one[:len(one)-1]
	for _, tt := range []struct {
		name, path, body string
		burst, status    int
	}{
		{"one object", one, "", 10, 200},
		{"an owner's folder", folder, "object=users/o1/2.jpg", 10, 200},
		{"every owner's folder", wide, "object=users/o2/1.jpg", 30, 200},
		{"forged", forged, "", 20, 401},
	} {
		for i := range tt.burst {
			require.Equal(t, tt.status, w.callback(tt.path, tt.body).status, "%s %d", tt.name, i)
		}
		res := w.callback(tt.path, tt.body)
		res.requireError(t, 429, auth.CodeTooMany)
		require.Equal(t, "1", res.header.Get("Retry-After"), tt.name)
	}
	other := callbackPath(t, events.CallbackGrant{Bucket: bucket, Key: "users/o1/1.jpg", Expires: now.Add(2 * time.Hour).Unix()})
	require.Equal(t, 429, w.callback(other, "").status, "another token for the same object is no other grant")
	for i := range 3 {
		fresh := callbackPath(t, events.CallbackGrant{Bucket: bucket, Key: fmt.Sprintf("users/o1/fresh%d.jpg", i)})
		require.Equal(t, 200, w.callback(fresh, "").status, "others are not held up")
	}
	require.Len(t, w.uploads(), 6)
	require.Equal(t, 10, w.uploadOf(t, "users/o1/1.jpg").Announcements, "what was refused changed nothing")

	now = now.Add(time.Second)
	require.Equal(t, 200, w.callback(one, "").status)
}
