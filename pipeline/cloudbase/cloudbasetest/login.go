package cloudbasetest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// userToken is for how long an end user's access token is said to work.
const userToken = 2 * time.Hour

// Trust lets in users with tickets that are signed by the private key of this ID, as
// auth().createTicket of @cloudbase/node-sdk makes them.
func (g *Gateway) Trust(keyID string, key *rsa.PublicKey) {
	g.do(func() { g.trusted[keyID] = key })
}

// signInCustom lets an end user in by a ticket (docs.cloudbase.net, custom login).
func (g *Gateway) signInCustom(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var in struct {
		Provider string `json:"provider_id"`
		Ticket   string
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Provider != "custom" {
		refuse(w, http.StatusBadRequest, "INVALID_PARAM", "want a ticket of the provider custom")
		return
	}
	owner := g.holder(in.Ticket, g.now(w))
	if owner == "" {
		refuse(w, http.StatusUnauthorized, "INVALID_CREDENTIALS", "the ticket is not signed by a known key, or is over")
		return
	}
	g.letIn(w, caller{owner: owner, custom: true})
}

// holder verifies a ticket, keyID/@@/JWT by RS256, and gives its uid; "" for a bad one. Its
// times are in milliseconds.
func (g *Gateway) holder(ticket string, now time.Time) string {
	keyID, token, _ := strings.Cut(ticket, "/@@/")
	parts := strings.Split(token, ".")
	key := g.trusted[keyID]
	if key == nil || len(parts) != 3 {
		return ""
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	hash := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err != nil || rsa.VerifyPKCS1v15(key, crypto.SHA256, hash[:], signature) != nil {
		return ""
	}
	var claims struct {
		Env, UID string
		Exp      int64
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &claims) != nil || claims.Env != Env || now.UnixMilli() >= claims.Exp {
		return ""
	}
	return claims.UID
}

func (g *Gateway) signInAnonymously(w http.ResponseWriter, _ *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.letIn(w, caller{owner: g.unique("anonymous")})
}

// letIn answers with an access token for an end user.
func (g *Gateway) letIn(w http.ResponseWriter, by caller) {
	token := g.unique("user-token")
	g.valid[token] = by
	write(w, http.StatusOK, map[string]any{
		"token_type": "Bearer", "access_token": token, "refresh_token": g.unique("refresh-token"),
		"expires_in": int(userToken.Seconds()), "sub": by.owner,
	})
}

// me answers who a token belongs to.
func (g *Gateway) me(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	by, ok := g.caller(r)
	if !ok || by.owner == "" {
		refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED", "nobody is signed in")
		return
	}
	out := map[string]string{"sub": by.owner}
	if by.custom {
		out["customUserId"] = by.owner
	}
	write(w, http.StatusOK, out)
}

// caller gives who sends a request. The caller holds mu.
func (g *Gateway) caller(r *http.Request) (caller, bool) {
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	by, ok := g.valid[bearer]
	return by, ok
}
