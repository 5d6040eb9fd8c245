package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Scope is something that a key may do.
type Scope string

// The scopes. ScopeAdmin includes the others.
const (
	// ScopeAnnounce may announce uploads and ask for upload signatures.
	ScopeAnnounce Scope = "announce"
	// ScopeRead may read uploads, letters and cached URLs.
	ScopeRead Scope = "read"
	// ScopeMonitor may open the monitor and the console, and look.
	ScopeMonitor Scope = "monitor"
	// ScopeAdmin may do everything: replay, discard, pause, erase.
	ScopeAdmin Scope = "admin"
)

// Scopes lists every scope.
func Scopes() []Scope { return []Scope{ScopeAnnounce, ScopeRead, ScopeMonitor, ScopeAdmin} }

// MinSecret is the fewest bytes of a key's secret.
const MinSecret = 16

// maxToken bounds what is hashed of a request; no key is longer.
const maxToken = 1024

// Key is one key that may come in.
type Key struct {
	// Name is how the caller is called in logs and in the audit trail; unique.
	Name string
	// Secret is what the caller sends, 16 to 1024 bytes. It is kept as a hash only.
	Secret string
	// Scopes are what the caller may do; at least one.
	Scopes []Scope
}

// Keys are the keys that may come in. Without any, nobody may.
type Keys struct {
	entries []entry
}

type entry struct {
	hash   [sha256.Size]byte
	caller Identity
}

// NewKeys checks and takes keys. Its errors name the key, never the secret.
func NewKeys(keys []Key) (*Keys, error) {
	k := &Keys{entries: make([]entry, 0, len(keys))}
	for i, key := range keys {
		if err := key.check(); err != nil {
			return nil, fmt.Errorf("auth: key %d %q: %w", i+1, key.Name, err)
		}
		e := entry{
			hash:   sha256.Sum256([]byte(key.Secret)),
			caller: Identity{Name: key.Name, Scopes: slices.Clone(key.Scopes)},
		}
		for _, other := range k.entries {
			if other.caller.Name == key.Name {
				return nil, fmt.Errorf("auth: key %d: there already is a key with the name %q", i+1, key.Name)
			}
			if other.hash == e.hash {
				return nil, fmt.Errorf("auth: keys %q and %q have the same secret", other.caller.Name, key.Name)
			}
		}
		k.entries = append(k.entries, e)
	}
	return k, nil
}

func (k Key) check() error {
	switch {
	case k.Name == "":
		return errors.New("the name is empty")
	case k.Name == WebhookCaller || strings.HasPrefix(k.Name, UserCaller):
		return errors.New("the name is kept for callers without a key")
	case len(k.Secret) < MinSecret:
		return fmt.Errorf("the secret has %d bytes: at least %d, better 32 random ones", len(k.Secret), MinSecret)
	case len(k.Secret) > maxToken:
		return fmt.Errorf("the secret has more than %d bytes", maxToken)
	case len(k.Scopes) == 0:
		return errors.New("it has no scopes")
	}
	for _, b := range []byte(k.Secret) {
		if b <= ' ' || b > '~' {
			return errors.New("the secret has a character that is not printable ASCII")
		}
	}
	for _, s := range k.Scopes {
		if !slices.Contains(Scopes(), s) {
			return fmt.Errorf("the scope %q is not known: use %v", s, Scopes())
		}
	}
	return nil
}

// Find gives the caller that token belongs to. It compares hashes, and always all of
// them, so that its time tells neither how much of a token is right nor which key it was.
func (k *Keys) Find(token string) (Identity, bool) {
	if len(token) > maxToken {
		token = ""
	}
	hash := sha256.Sum256([]byte(token))
	found := -1
	for i := range k.entries {
		same := subtle.ConstantTimeCompare(hash[:], k.entries[i].hash[:])
		found = subtle.ConstantTimeSelect(same, i, found)
	}
	if found < 0 {
		return Identity{}, false
	}
	return k.entries[found].caller, true
}

// Require is that of a Gate which lets nobody in but these keys.
func (k *Keys) Require(scope Scope, next http.Handler) http.Handler {
	return NewGate(Options{Keys: k}).Require(scope, next)
}

// Rate lets every rate pass.
func (k *Keys) Rate(*http.Request, Identity) error { return nil }

// RequireOwn is Require: no key is an end user's.
func (k *Keys) RequireOwn(scope Scope, next http.Handler) http.Handler { return k.Require(scope, next) }
