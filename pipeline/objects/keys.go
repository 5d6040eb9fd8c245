package objects

import (
	"context"
	"sync/atomic"

	"github.com/afterput/afterput/pipeline/qsign"
)

// fixed is one key that never changes.
type fixed qsign.Key

// Key implements Keys.
func (k fixed) Key(context.Context) (qsign.Key, error) { return qsign.Key(k), nil }

// Forget implements Keys: there is no other.
func (fixed) Forget(string) bool { return false }

// keyring remembers the key that was used last, so that it can be taken out of texts of the
// server, and given up when it has ended.
type keyring struct {
	Keys
	last atomic.Pointer[qsign.Key]
}

// Key implements Keys.
func (r *keyring) Key(ctx context.Context) (qsign.Key, error) {
	key, err := r.Keys.Key(ctx)
	if err == nil {
		r.last.Store(&key)
	}
	return key, err
}

// used gives the key that was used last; the zero one before the first.
func (r *keyring) used() qsign.Key {
	if key := r.last.Load(); key != nil {
		return *key
	}
	return qsign.Key{}
}
