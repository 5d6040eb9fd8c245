package sts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/producer/sign"
)

// DefaultEndpoint is where the service answers in mainland China; elsewhere it is
// https://sts.intl.tencentcloudapi.com.
const DefaultEndpoint = "https://sts.tencentcloudapi.com"

const (
	service = "sts"
	version = "2018-08-13"
	// wait bounds a request: a phone waits for the signature.
	wait = 3 * time.Second
	most = 64 << 10 // bytes of an answer
	// leastDuration is the shortest life that is asked for: a shorter one would not
	// outlast the clocks that differ.
	leastDuration = 5 * time.Minute
)

// Options configure a Client.
type Options struct {
	// Key is the permanent key that asks. It needs the permission sts:GetFederationToken
	// and every permission that it passes on. Required.
	Key qsign.Key
	// Region stands in the requests, such as ap-guangzhou. Required.
	Region string
	// Endpoint is where the service answers. Defaults to DefaultEndpoint.
	Endpoint string
	// Client sends. Defaults to a client of its own with a timeout of 3 s.
	Client *http.Client
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Client asks for temporary keys. It is safe for concurrent use.
type Client struct{ opt Options }

var _ sign.Issuer = (*Client)(nil)

// New makes a Client.
func New(opt Options) (*Client, error) {
	if opt.Key.ID == "" || opt.Key.Secret == "" || opt.Region == "" {
		return nil, errors.New("sts: key and region are required")
	}
	if opt.Key.Token != "" {
		return nil, errors.New("sts: a temporary key cannot ask for another one")
	}
	if opt.Endpoint == "" {
		opt.Endpoint = DefaultEndpoint
	}
	if u, err := url.Parse(opt.Endpoint); err != nil || u.Host == "" {
		return nil, fmt.Errorf("sts: endpoint %q is no URL", opt.Endpoint)
	}
	if opt.Client == nil {
		opt.Client = &http.Client{Timeout: wait}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Client{opt}, nil
}

// Close ends idle connections.
func (c *Client) Close() error {
	c.opt.Client.CloseIdleConnections()
	return nil
}

// Issue gives a key that may do what the policy says, and ends by itself after d rounded up
// to seconds, or after five minutes where that is longer. A refusal of the service is an
// error of class Denied, a rate limit Throttled, anything else Transient.
func (c *Client) Issue(ctx context.Context, p sign.Policy, d time.Duration) (qsign.Key, error) {
	policy, err := json.Marshal(p)
	if err != nil {
		return qsign.Key{}, err
	}
	seconds := int64((max(d, leastDuration) + time.Second - 1) / time.Second)
	body, err := json.Marshal(map[string]any{
		"Name": "afterput", "Policy": url.QueryEscape(string(policy)), "DurationSeconds": seconds,
	})
	if err != nil {
		return qsign.Key{}, err
	}
	a, err := c.call(ctx, body)
	if err != nil {
		return qsign.Key{}, err
	}
	return a.key(c.opt.Now().Add(d))
}

// answer is what GetFederationToken answers.
type answer struct {
	Credentials struct{ Token, TmpSecretID, TmpSecretKey string }
	ExpiredTime int64
	Error       struct{ Code, Message string }
	RequestID   string
}

func (c *Client) call(ctx context.Context, body []byte) (a answer, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.opt.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	h := req.Header
	h.Set("Content-Type", contentType)
	h.Set("X-Tc-Action", "GetFederationToken")
	h.Set("X-Tc-Version", version)
	h.Set("X-Tc-Region", c.opt.Region)
	authorize(req, service, body, c.opt.Key, c.opt.Now())
	resp, err := c.opt.Client.Do(req)
	if err != nil {
		return a, fail(pipeline.Transient, "%w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return a, fail(pipeline.Transient, "%w", err)
	}
	var whole struct{ Response answer }
	if err := json.Unmarshal(text, &whole); err != nil {
		return a, fail(pipeline.Transient, "status %d, and no JSON", resp.StatusCode)
	}
	return whole.Response, nil
}

// key gives the key of an answer, if it holds until a time.
func (a answer) key(until time.Time) (qsign.Key, error) {
	if a.Error.Code != "" {
		return qsign.Key{}, fail(classOf(a.Error.Code), "%s: %s (request %s)", a.Error.Code, a.Error.Message, a.RequestID)
	}
	k := qsign.Key{ID: a.Credentials.TmpSecretID, Secret: a.Credentials.TmpSecretKey, Token: a.Credentials.Token}
	if k.ID == "" || k.Secret == "" || k.Token == "" {
		return qsign.Key{}, fail(pipeline.Transient, "the answer has no credentials (request %s)", a.RequestID)
	}
	if a.ExpiredTime < until.Unix() {
		return qsign.Key{}, fail(pipeline.Denied, "the key ends at %d, before its signature (request %s)", a.ExpiredTime, a.RequestID)
	}
	return k, nil
}

// classOf tells by the common error codes of the API 3.0 (STS 1312/48174).
func classOf(code string) pipeline.Class {
	first, _, _ := strings.Cut(code, ".")
	switch first {
	case "RequestLimitExceeded":
		return pipeline.Throttled
	case "InternalError", "ResourceUnavailable", "ServiceUnavailable", "FailedOperation":
		return pipeline.Transient
	}
	return pipeline.Denied
}

func fail(class pipeline.Class, format string, args ...any) error {
	return pipeline.Errorf(class, "sts.getFederationToken", "", format, args...)
}
