package cloudbasetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// The key pair and the environment that a Gateway knows.
const (
	Env       = "env-1a2b3c"
	SecretID  = "AKIDtest"
	SecretKey = "test-secret-key"
)

// File is what a Gateway has under a fileID.
type File struct {
	// Private files have signed URLs.
	Private bool
	// Code refuses the file, such as STORAGE_EXCEED_AUTHORITY.
	Code string
}

// Gateway is a gateway of one environment.
type Gateway struct {
	*httptest.Server

	mu      sync.Mutex
	files   map[string]File
	valid   map[string]bool
	life    time.Duration
	skew    time.Duration
	tokens  int
	batches []int
	answer  func(http.ResponseWriter) bool
}

// New starts a Gateway that ends with the test.
func New(t testing.TB) *Gateway {
	g := &Gateway{files: map[string]File{}, valid: map[string]bool{}, life: 10 * time.Minute}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /auth/v1/token/clientCredential", g.token)
	mux.HandleFunc("POST /v1/storages/get-objects-download-info", g.downloads)
	g.Server = httptest.NewServer(mux)
	t.Cleanup(g.Close)
	return g
}

// Put lays a file under a fileID.
func (g *Gateway) Put(fileID string, f File) { g.do(func() { g.files[fileID] = f }) }

// Revoke makes all access tokens invalid.
func (g *Gateway) Revoke() { g.do(func() { g.valid = map[string]bool{} }) }

// Life sets for how long signed URLs work, Skew by how much the gateway's clock is ahead.
func (g *Gateway) Life(d time.Duration) { g.do(func() { g.life = d }) }

// Skew sets by how much the gateway's clock is ahead of ours.
func (g *Gateway) Skew(d time.Duration) { g.do(func() { g.skew = d }) }

// Answer lets f answer about files; it says false to leave that to the gateway.
func (g *Gateway) Answer(f func(http.ResponseWriter) bool) { g.do(func() { g.answer = f }) }

// Tokens counts the access tokens that were given.
func (g *Gateway) Tokens() (n int) { g.do(func() { n = g.tokens }); return n }

// Batches are the numbers of files of each call that was answered.
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
	g.valid[token] = true
	write(w, http.StatusOK, map[string]any{"token_type": "Bearer", "access_token": token, "expires_in": 432000})
}

func (g *Gateway) downloads(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now().Add(g.skew)
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !g.valid[bearer] {
		refuse(w, http.StatusUnauthorized, "INVALID_ACCESS_TOKEN", "the access token is missing, invalid or expired")
		return
	}
	var in []struct {
		ID string `json:"cloudObjectId"`
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || len(in) == 0 {
		refuse(w, http.StatusBadRequest, "INVALID_PARAM", "want a list")
		return
	}
	if len(in) > 50 {
		refuse(w, http.StatusBadRequest, "OBJECT_BATCH_TOO_LARGE", "at most 50")
		return
	}
	if g.answer != nil && g.answer(w) {
		return
	}
	g.batches = append(g.batches, len(in))
	out := make([]map[string]string, len(in))
	for i, q := range in {
		out[i] = g.one(q.ID, now)
	}
	write(w, http.StatusOK, out)
}

// one answers about one file. What is refused carries no fileID.
func (g *Gateway) one(id string, now time.Time) map[string]string {
	f, ok := g.files[id]
	rest, ours := strings.CutPrefix(id, "cloud://"+Env+".")
	switch {
	case !ours:
		return map[string]string{"code": "INVALID_HOST", "message": "the file is of another environment"}
	case !ok:
		return map[string]string{"code": "OBJECT_NOT_EXIST", "message": "no such object"}
	case f.Code != "":
		return map[string]string{"code": f.Code, "message": "refused"}
	}
	bucket, path, _ := strings.Cut(rest, "/")
	query := ""
	if f.Private {
		query = fmt.Sprintf("?sign=5ca1ab1e&t=%d", now.Add(g.life).Unix())
	}
	base := "https://" + bucket + ".tcb.qcloud.la/"
	return map[string]string{
		"cloudObjectId": id, "downloadUrl": base + path + query,
		"downloadUrlEncoded": base + (&url.URL{Path: path}).EscapedPath() + query,
	}
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
