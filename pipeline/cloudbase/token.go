package cloudbase

import (
	"context"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// tokens keeps the access token of a client.
type tokens struct {
	asking chan struct{} // holds one while somebody asks for a token
	once   sync.Once
	mu     sync.Mutex
	value  string
	until  time.Time
}

func (t *tokens) get(now time.Time) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.value, t.value != "" && now.Before(t.until)
}

func (t *tokens) set(value string, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.value, t.until = value, until
}

// drop forgets a token that was refused, unless there is a newer one already.
func (t *tokens) drop(value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value == value {
		t.value = ""
	}
}

// bearer gives the API key or a token that still lives for a while. However many need one,
// one of them asks.
func (c *Client) bearer(ctx context.Context) (string, error) {
	if c.opt.APIKey != "" {
		return c.opt.APIKey, nil
	}
	t := &c.token
	if value, ok := t.get(c.opt.Now()); ok {
		return value, nil
	}
	t.once.Do(func() { t.asking = make(chan struct{}, 1) })
	select {
	case t.asking <- struct{}{}:
		defer func() { <-t.asking }()
	case <-ctx.Done():
		return "", pipeline.Errorf(pipeline.Transient, "cloudbase.token", c.opt.Env, "%w", ctx.Err())
	}
	if value, ok := t.get(c.opt.Now()); ok {
		return value, nil
	}
	return c.newToken(ctx)
}

// newToken exchanges the key pair. A token is used for nine tenths of its life.
func (c *Client) newToken(ctx context.Context) (string, error) {
	const op = "cloudbase.token"
	basic := base64.StdEncoding.EncodeToString([]byte(c.opt.SecretID + ":" + c.opt.SecretKey))
	var out struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"` // seconds
	}
	now := c.opt.Now()
	_, err := c.send(ctx, op, http.MethodPost, "/auth/v1/token/clientCredential", "Basic "+basic, []byte(`{"grant_type":"client_credentials"}`), &out)
	if err != nil {
		return "", err
	}
	if out.AccessToken == "" || out.ExpiresIn <= 0 {
		return "", pipeline.Errorf(pipeline.Transient, op, c.opt.Env, "an answer without a token")
	}
	c.token.set(out.AccessToken, now.Add(time.Duration(out.ExpiresIn)*time.Second*9/10))
	return out.AccessToken, nil
}
