package objects_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/qsign"
)

// rotating gives the first of its keys until that is forgotten.
type rotating struct {
	mu   sync.Mutex
	keys []qsign.Key
	err  error
}

func (r *rotating) Key(context.Context) (qsign.Key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys[0], r.err
}

func (r *rotating) Forget(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys[0].ID == id && len(r.keys) > 1 {
		r.keys = r.keys[1:]
	}
	return true
}

// TestTemporaryKeys: each request carries the key and token of now; keys that ended are
// given up; and no URL outlives the key that signs it.
func TestTemporaryKeys(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	key := func(id string, life time.Duration) qsign.Key {
		return qsign.Key{ID: id, Secret: "hush-" + id, Token: "token-" + id, Expires: now.Add(life)}
	}
	keys := &rotating{keys: []qsign.Key{key("AKIDold", -time.Minute), key("AKIDnew", 5*time.Minute)}}
	var clock sync.Mutex
	at := now
	w := open(t, coslocal.Options{Now: func() time.Time {
		clock.Lock()
		defer clock.Unlock()
		return at
	}}, objects.Options{Buckets: []objects.BucketOptions{{Name: bucket, Keys: keys}}})
	for _, k := range keys.keys {
		w.server.Grant(k)
	}
	keys.keys[0].Expires = time.Time{} // as if nobody had said so

	_, err := w.store.Put(t.Context(), bucket, "k", []byte("x"), pipeline.PutOptions{})
	require.ErrorContains(t, err, "ExpiredToken")
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err), "the next key may do")
	require.NotContains(t, err.Error(), "hush")
	_, err = w.store.Put(t.Context(), bucket, "k", []byte("x"), pipeline.PutOptions{})
	require.NoError(t, err)
	_, err = w.store.Head(t.Context(), bucket, "k")
	require.NoError(t, err)
	_, err = w.store.List(t.Context(), bucket, "", "", 10)
	require.NoError(t, err)
	_, err = w.store.Convert(t.Context(), bucket, "k", 10)
	require.NotEqual(t, pipeline.Denied, pipeline.ClassOf(err), "imageMogr2 carries the token, too")

	u, until, err := w.store.PresignGet(t.Context(), bucket, "k", time.Hour, now)
	require.NoError(t, err)
	require.Equal(t, now.Add(5*time.Minute), until)
	require.Equal(t, http.StatusOK, status(t, u))
	clock.Lock()
	at = now.Add(5*time.Minute + time.Second)
	clock.Unlock()
	require.Equal(t, http.StatusForbidden, status(t, u))
	_, until, err = w.store.PresignGet(t.Context(), bucket, "k", time.Minute, now)
	require.NoError(t, err)
	require.Equal(t, now.Add(time.Minute), until, "a shorter life stays as it is")

	keys.mu.Lock()
	keys.err = pipeline.Errorf(pipeline.Transient, "credentials", "", "no role here")
	keys.mu.Unlock()
	_, err = w.store.Head(t.Context(), bucket, "k")
	require.ErrorContains(t, err, "no role here")
	require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
	_, _, err = w.store.PresignGet(t.Context(), bucket, "k", time.Minute, now)
	require.ErrorContains(t, err, "no role here")
}

// TestKeysThatNobodyRenews: without another key to come an ended one needs a person.
func TestKeysThatNobodyRenews(t *testing.T) {
	t.Parallel()
	w := open(t, coslocal.Options{}, objects.Options{Buckets: []objects.BucketOptions{{
		Name: bucket, SecretID: "AKIDtmp", SecretKey: "s", SessionToken: "t", Expires: time.Now().Add(time.Hour),
	}}})
	w.server.Grant(qsign.Key{ID: "AKIDtmp", Secret: "s", Token: "t", Expires: time.Now().Add(-time.Second)})
	_, err := w.store.Put(t.Context(), bucket, "k", []byte("x"), pipeline.PutOptions{})
	require.ErrorContains(t, err, "ExpiredToken")
	require.Equal(t, pipeline.Denied, pipeline.ClassOf(err))
}
