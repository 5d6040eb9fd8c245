package auth

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
)

// Options configure a Gate. What is nil lets nobody in by that way.
type Options struct {
	// Keys are the bearer keys.
	Keys *Keys
	// Webhooks verifies signed requests: POST only, for the scope announce only.
	Webhooks *Webhooks
	// Users verifies the tokens of end users.
	Users *Tokens
	// Referers limits end users to some mini programs. Nil: they may come from anywhere.
	Referers *Referers
	// Limits holds callers to their rates. Nil: there are none.
	Limits *Limits
	// MaxBody bounds what is read of a signed request, in bytes. Defaults to 1 MiB.
	MaxBody int64
	// Logger gets one line for each request that is refused. Nil: none.
	Logger *slog.Logger
}

// Gate lets requests in.
type Gate struct{ opt Options }

// NewGate makes a Gate.
func NewGate(opt Options) *Gate {
	if opt.Keys == nil {
		opt.Keys = &Keys{}
	}
	if opt.MaxBody <= 0 {
		opt.MaxBody = 1 << 20
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	return &Gate{opt}
}

// Require lets a request on to next when its caller has the scope. End users are not let
// in: they have no business outside of what is theirs. Everything else is answered with a
// status and {"code","message","requestId"}: 401 with WWW-Authenticate without a good
// credential, 403 without the scope, 429 with Retry-After over the rate.
//
// A browser repeats Basic credentials by itself, also for a form on somebody else's page.
// So a request with Basic that is not GET, HEAD or OPTIONS is 403 when it comes from
// another origin (http.CrossOriginProtection).
func (g *Gate) Require(scope Scope, next http.Handler) http.Handler {
	return g.require(scope, false, next)
}

// RequireOwn is Require for end users too. What next does for a caller whose
// Identity.Owner is set must be limited to what belongs to that owner.
func (g *Gate) RequireOwn(scope Scope, next http.Handler) http.Handler {
	return g.require(scope, true, next)
}

func (g *Gate) require(scope Scope, users bool, next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, basic, refusal := g.identify(w, r, scope)
		if refusal == nil {
			refusal = g.opt.Limits.known(caller)
		} else if tooMany := g.opt.Limits.stranger(r); tooMany != nil {
			refusal = tooMany
		}
		switch {
		case refusal != nil:
		case caller.Owner != "" && !users:
			refusal = forbidden("end users have no access here")
		case !caller.May(scope):
			refusal = forbidden("the key has no scope " + string(scope))
		case basic && origin.Check(r) != nil:
			refusal = forbidden("the request comes from another site")
		case caller.Owner != "" && g.opt.Referers != nil:
			refusal = g.opt.Referers.check(r)
		}
		if refusal != nil {
			g.refuse(w, r, caller, refusal)
			return
		}
		next.ServeHTTP(w, r.WithContext(WithIdentity(r.Context(), caller)))
	})
}

// Rate counts a request to a door that looks at credentials of its own, such as the token
// of a callback. caller is who was let in there, the zero Identity whoever was not. The
// error is nil or a *Refusal with 429.
func (g *Gate) Rate(r *http.Request, caller Identity) error {
	refusal := g.opt.Limits.stranger
	if caller.Name != "" {
		refusal = func(*http.Request) *Refusal { return g.opt.Limits.known(caller) }
	}
	if tooMany := refusal(r); tooMany != nil {
		return tooMany
	}
	return nil
}

func (g *Gate) refuse(w http.ResponseWriter, r *http.Request, caller Identity, refusal *Refusal) {
	ensureRequestID(w, r)
	level := slog.LevelInfo
	if refusal.Status == http.StatusTooManyRequests {
		level = slog.LevelDebug // whoever sends too much shall not fill the log as well
	}
	g.opt.Logger.Log(r.Context(), level, "not let in", "status", refusal.Status, "code", refusal.Code,
		"reason", refusal.Message, "path", r.URL.Path, "from", r.RemoteAddr, "caller", caller.Name, "requestId", RequestID(w))
	if refusal.Status != http.StatusTooManyRequests {
		drain(r)
	}
	refusal.write(w, r)
}

// identify finds out who sends a request. Where there is an Authorization header it alone
// decides; a signature is looked at only without one.
func (g *Gate) identify(w http.ResponseWriter, r *http.Request, scope Scope) (caller Identity, basic bool, refusal *Refusal) {
	if len(r.Header.Values("Authorization")) == 0 && g.opt.Webhooks != nil && isSigned(r) {
		caller, refusal = g.signed(w, r, scope)
		return caller, false, refusal
	}
	token, basic := credentials(r)
	if id, ok := g.opt.Keys.Find(token); ok {
		return id, basic, nil
	}
	if g.opt.Users != nil && !basic && looksLikeToken(token) {
		id, err := g.opt.Users.Verify(token)
		return id, false, refusalOf(err)
	}
	return Identity{}, basic, unauthorized(
		"a key is needed: send Authorization: Bearer <key>, or HTTP Basic with the key as the password")
}

// signed verifies a signature over the body and leaves the body to be read once more.
func (g *Gate) signed(w http.ResponseWriter, r *http.Request, scope Scope) (Identity, *Refusal) {
	caller := Identity{Name: WebhookCaller, Scopes: []Scope{ScopeAnnounce}}
	if r.Method != http.MethodPost || scope != ScopeAnnounce {
		return Identity{}, unauthorized("a signature lets in what announces by POST only: a key is needed here")
	}
	if refusal := g.opt.Webhooks.checkHeaders(r.Header); refusal != nil {
		return Identity{}, refusal
	}
	body, err := ReadBody(w, r, g.opt.MaxBody)
	if err == nil {
		err = g.opt.Webhooks.Verify(r.Header, body)
	}
	if err != nil {
		return Identity{}, refusalOf(err)
	}
	readAgain(r, body)
	return caller, nil
}

func refusalOf(err error) *Refusal {
	if err == nil {
		return nil
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal
	}
	return unauthorized("the request could not be verified")
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
