package auth

import (
	"context"
	"slices"
)

// Identity is who a caller is.
type Identity struct {
	// Name is the name of the key, WebhookCaller, or UserCaller and the owner.
	Name   string
	Scopes []Scope
	// Owner is set for end users only: the openid that everything they may touch
	// belongs to.
	Owner string
	// Grant is set for callers that a token of ours lets in for one object or one folder:
	// its name, which their rate is counted by.
	Grant string
}

// May tells whether the caller has the scope.
func (id Identity) May(scope Scope) bool {
	return slices.Contains(id.Scopes, scope) || slices.Contains(id.Scopes, ScopeAdmin)
}

type identityKey struct{}

// IdentityFrom gives the caller that was let in.
func IdentityFrom(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(identityKey{}).(Identity)
	return id, ok
}

// Caller gives the name of the caller that was let in, or "".
func Caller(ctx context.Context) string {
	id, _ := IdentityFrom(ctx)
	return id.Name
}

// Owner gives the openid of the end user that was let in, or "" for every other caller.
func Owner(ctx context.Context) string {
	id, _ := IdentityFrom(ctx)
	return id.Owner
}

// WithIdentity puts a caller into ctx, as Require does.
func WithIdentity(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}
