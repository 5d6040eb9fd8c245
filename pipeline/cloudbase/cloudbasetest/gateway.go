package cloudbasetest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// The key pair, the API key and the environment that a Gateway knows.
const (
	Env       = "env-1a2b3c"
	SecretID  = "AKIDtest"
	SecretKey = "test-secret-key"
	APIKey    = "test-api-key"
	// PublishableKey is that of a client: it may do what somebody anonymous may.
	PublishableKey = "test-publishable-key"
)

// Gateway is a gateway of one environment: its HTTP API, the older protocol of backends at
// /admin and of clients at /web, its control plane at /, and the CDN of its bucket under /cdn/.
type Gateway struct {
	*httptest.Server // nil where the Gateway was made by Make

	mux *http.ServeMux

	mu      sync.Mutex
	files   map[string]File
	bucket  *Bucket
	acl     string
	custom  string
	valid   map[string]caller
	trusted map[string]*rsa.PublicKey
	counts  map[string]int

	collections map[string]*collection
	life        time.Duration
	skew        time.Duration
	tokens      int
	batches     []int
	answer      func(http.ResponseWriter) bool
}

// caller is who a token belongs to.
type caller struct {
	// owner is the openid of an end user; empty for a backend, which may do everything.
	owner string
	// custom says that the user came by a ticket.
	custom bool
}

// New starts a Gateway that ends with the test.
func New(t testing.TB) *Gateway {
	g := Make()
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

// Make makes a Gateway for a server of the caller's own.
func Make() *Gateway {
	g := &Gateway{
		files: map[string]File{}, valid: keys(), life: 10 * time.Minute, acl: "READONLY",
		trusted: map[string]*rsa.PublicKey{}, counts: map[string]int{}, collections: map[string]*collection{},
	}
	g.mux = http.NewServeMux()
	g.mux.HandleFunc("POST /auth/v1/token/clientCredential", g.token)
	g.mux.HandleFunc("POST /v1/storages/get-objects-download-info", g.downloads)
	g.mux.HandleFunc("POST /v1/storages/get-objects-upload-info", g.uploads)
	g.mux.HandleFunc("POST /v1/storages/delete-objects", g.deletes)
	g.mux.HandleFunc("GET /cdn/{key...}", g.cdn)
	g.mux.HandleFunc("POST /auth/v1/signin/custom", g.signInCustom)
	g.mux.HandleFunc("POST /auth/v1/signin/anonymously", g.signInAnonymously)
	g.mux.HandleFunc("GET /auth/v1/user/me", g.me)
	g.database()
	g.mux.HandleFunc("POST /admin", g.admin)
	g.mux.HandleFunc("POST /web", g.web)
	g.mux.Handle("POST /{$}", g.control())
	return g
}

// ServeHTTP answers a request.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.mux.ServeHTTP(w, r) }

// keys are who needs no access token.
func keys() map[string]caller {
	return map[string]caller{APIKey: {}, PublishableKey: {owner: "anonymous"}}
}

// Revoke makes all access tokens invalid; the keys stay.
func (g *Gateway) Revoke() { g.do(func() { g.valid = keys() }) }

// Demote leaves every access token valid that was given so far, for somebody anonymous.
func (g *Gateway) Demote() {
	g.do(func() {
		for token := range g.valid {
			g.valid[token] = caller{owner: "anonymous"}
		}
	})
}

// Life sets for how long signed URLs work, Skew by how much the gateway's clock is ahead.
func (g *Gateway) Life(d time.Duration) { g.do(func() { g.life = d }) }

// Skew sets by how much the gateway's clock is ahead of ours.
func (g *Gateway) Skew(d time.Duration) { g.do(func() { g.skew = d }) }

// Answer lets f answer about files; it says false to leave that to the gateway.
func (g *Gateway) Answer(f func(http.ResponseWriter) bool) { g.do(func() { g.answer = f }) }

// Tokens counts the access tokens that were given to backends.
func (g *Gateway) Tokens() (n int) { g.do(func() { n = g.tokens }); return n }

// Batches are the numbers of files of each call for URLs that was answered.
func (g *Gateway) Batches() (n []int) { g.do(func() { n = append(n, g.batches...) }); return n }

func (g *Gateway) do(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

func (g *Gateway) token(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	id, key, _ := r.BasicAuth()
	var in struct {
		GrantType string `json:"grant_type"`
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.GrantType != "client_credentials" {
		refuse(w, http.StatusBadRequest, "INVALID_PARAM", "grant_type")
		return
	}
	if id != SecretID || key != SecretKey {
		refuse(w, http.StatusUnauthorized, "INVALID_CREDENTIALS", "the key pair is not known")
		return
	}
	g.tokens++
	token := fmt.Sprintf("token-%d", g.tokens)
	g.valid[token] = caller{}
	write(w, http.StatusOK, map[string]any{"token_type": "Bearer", "access_token": token, "expires_in": 432000})
}

// unique gives a text that was not given before. The caller holds mu.
func (g *Gateway) unique(what string) string {
	g.counts[what]++
	return fmt.Sprintf("%s-%d-%s", what, g.counts[what], rand.Text())
}

// now is the gateway's clock, which every answer tells. The caller holds mu.
func (g *Gateway) now(w http.ResponseWriter) time.Time {
	now := time.Now().Add(g.skew)
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	return now
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	write(w, status, map[string]string{"code": code, "message": message, "requestId": "r"})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}
