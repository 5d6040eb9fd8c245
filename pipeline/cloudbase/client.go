package cloudbase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// DefaultEndpoint is the gateway of an environment.
const DefaultEndpoint = "https://{env}.api.tcloudbasegateway.com"

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 4 << 20

// Options configure a Client.
type Options struct {
	// Env is the environment. Required.
	Env string
	// Endpoint is scheme and host of the gateway; {env} stands for Env. Defaults to
	// DefaultEndpoint.
	Endpoint string
	// SecretID and SecretKey are a key pair of CAM, exchanged for access tokens.
	SecretID, SecretKey string
	// APIKey is sent instead of an access token. One of both is required.
	APIKey string
	// Client sends the requests. Defaults to one with a timeout of 10 seconds.
	Client *http.Client
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Client talks to the gateway of one environment. It is safe for concurrent use.
type Client struct {
	opt   Options
	base  string
	token tokens
}

var envPattern = regexp.MustCompile(`^[a-z0-9_-]{1,40}$`)

// New makes a Client. It connects to nothing.
func New(opt Options) (*Client, error) {
	if !envPattern.MatchString(opt.Env) {
		return nil, fmt.Errorf("cloudbase: environment %q is not 1 to 40 of a-z 0-9 _ -", opt.Env)
	}
	if opt.APIKey == "" && (opt.SecretID == "" || opt.SecretKey == "") {
		return nil, errors.New("cloudbase: neither an API key nor a key pair")
	}
	if opt.Endpoint == "" {
		opt.Endpoint = DefaultEndpoint
	}
	base := strings.TrimSuffix(strings.ReplaceAll(opt.Endpoint, "{env}", opt.Env), "/")
	u, err := url.Parse(base)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return nil, errors.New("cloudbase: the endpoint is not an http or https URL")
	}
	if opt.Client == nil {
		opt.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Client{opt: opt, base: base}, nil
}

// post sends JSON with an access token and reads the answer into out. skew is by how much
// the gateway's clock is ahead of ours, as far as its Date tells.
func (c *Client) post(ctx context.Context, op, path string, in, out any) (skew time.Duration, err error) {
	return c.call(ctx, op, http.MethodPost, path, in, out)
}

// call sends a request with an access token and, unless in is nil, with JSON. A token that
// the gateway does not take any more is replaced once.
func (c *Client) call(ctx context.Context, op, method, path string, in, out any) (skew time.Duration, err error) {
	var body []byte
	if in != nil {
		if body, err = encodeJSON(in); err != nil {
			return 0, pipeline.Errorf(pipeline.Bug, op, c.opt.Env, "%w", err)
		}
	}
	for try := 0; ; try++ {
		token, err := c.bearer(ctx)
		if err != nil {
			return 0, err
		}
		skew, err = c.send(ctx, op, method, path, "Bearer "+token, body, out)
		if try > 0 || c.opt.APIKey != "" || !staleToken(err) {
			return skew, err
		}
		c.token.drop(token)
	}
}

// encodeJSON leaves & < > as they are, so that a text can be found by what it says.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

func (c *Client) send(ctx context.Context, op, method, path, authorization string, body []byte, out any) (time.Duration, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, pipeline.Errorf(pipeline.Invalid, op, c.opt.Env, "%w", err)
	}
	r.Header.Set("Authorization", authorization)
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.opt.Client.Do(r)
	if err != nil {
		return 0, pipeline.Errorf(pipeline.Transient, op, c.opt.Env, "%w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, pipeline.Errorf(pipeline.Transient, op, c.opt.Env, "%w", err)
	case len(text) > maxAnswer:
		return 0, pipeline.Errorf(pipeline.Transient, op, c.opt.Env, "an answer of more than %d bytes", maxAnswer)
	case resp.StatusCode != http.StatusOK:
		return 0, refused(op, c.opt.Env, resp, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		// Errors may come with status 200 as well.
		return 0, refused(op, c.opt.Env, resp, text)
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		return date.Sub(c.opt.Now().Truncate(time.Second)), nil
	}
	return 0, nil
}
