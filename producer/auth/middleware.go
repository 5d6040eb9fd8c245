package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// Codes of the answers that Require gives itself.
const (
	CodeUnauthorized = "UNAUTHORIZED"
	CodeForbidden    = "FORBIDDEN"
)

type identityKey struct{}

// IdentityFrom gives the caller that Require let in.
func IdentityFrom(ctx context.Context) (Identity, bool) {
	id, ok := ctx.Value(identityKey{}).(Identity)
	return id, ok
}

// Caller gives the name of the caller that Require let in, or "".
func Caller(ctx context.Context) string {
	id, _ := IdentityFrom(ctx)
	return id.Name
}

// WithIdentity puts a caller into ctx, as Require does.
func WithIdentity(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// Require lets a request on to next when its key has the scope. Without a good key the
// answer is 401 with WWW-Authenticate, without the scope 403, both with a JSON body
// {"code","message","requestId"}.
//
// A browser repeats Basic credentials by itself, also for a form on somebody else's page.
// So a request with Basic that is not GET, HEAD or OPTIONS is 403 when it comes from
// another origin (http.CrossOriginProtection).
func (k *Keys) Require(scope Scope, next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, basic := credentials(r)
		caller, ok := k.Find(token)
		switch {
		case !ok:
			w.Header().Add("WWW-Authenticate", `Bearer realm="afterput"`)
			w.Header().Add("WWW-Authenticate", `Basic realm="afterput", charset="UTF-8"`)
			refuse(w, r, http.StatusUnauthorized, CodeUnauthorized,
				"a key is needed: send Authorization: Bearer <key>, or HTTP Basic with the key as the password")
		case basic && origin.Check(r) != nil:
			refuse(w, r, http.StatusForbidden, CodeForbidden, "the request comes from another site")
		case !caller.May(scope):
			refuse(w, r, http.StatusForbidden, CodeForbidden, "the key has no scope "+string(scope))
		default:
			next.ServeHTTP(w, r.WithContext(WithIdentity(r.Context(), caller)))
		}
	})
}

// credentials gives the token of a request, or "" for none.
func credentials(r *http.Request) (token string, basic bool) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return "", false // two of them would be read differently by a proxy and by us
	}
	if _, password, ok := r.BasicAuth(); ok {
		return password, true
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), false
}

func refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	id := ensureRequestID(w, r)
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(map[string]string{"code": code, "message": message, "requestId": id})
}
