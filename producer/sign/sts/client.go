package sts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudapi"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/producer/sign"
)

// DefaultEndpoint is where the service answers in mainland China; elsewhere it is
// https://sts.intl.tencentcloudapi.com.
const DefaultEndpoint = "https://sts.tencentcloudapi.com"

const (
	service = "sts"
	version = "2018-08-13"
	action  = "GetFederationToken"
	// wait bounds a request: a phone waits for the signature.
	wait = 3 * time.Second
	// leastDuration is the shortest life that is asked for: a shorter one would not
	// outlast the clocks that differ.
	leastDuration = 5 * time.Minute
	// clocks is by how much theirs may be behind ours. A key that ends so much before its
	// signature does no harm: COS refuses both from then on.
	clocks = time.Minute
)

// Options configure a Client.
type Options struct {
	// Key is the permanent key that asks. It needs the permission sts:GetFederationToken
	// and every permission that it passes on. Required.
	Key qsign.Key
	// Region stands in the requests, such as ap-guangzhou. Required.
	Region string
	// Endpoint is where the service answers: scheme and host. Defaults to DefaultEndpoint.
	Endpoint string
	// Client sends. Defaults to a client of its own with a timeout of 3 s.
	Client *http.Client
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Client asks for temporary keys. It is safe for concurrent use.
type Client struct {
	opt Options
	api *cloudapi.Client
}

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
	if opt.Client == nil {
		opt.Client = &http.Client{Timeout: wait}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	api, err := cloudapi.New(cloudapi.Options{
		Service: service, Version: version, Region: opt.Region, Endpoint: opt.Endpoint,
		SecretID: opt.Key.ID, SecretKey: opt.Key.Secret, Client: opt.Client, Now: opt.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("sts: %w", err)
	}
	return &Client{opt, api}, nil
}

// Close ends idle connections.
func (c *Client) Close() error {
	c.opt.Client.CloseIdleConnections()
	return nil
}

// Issue gives a key that may do what the policy says, and ends by itself after d rounded up
// to seconds, or after five minutes where that is longer. Errors have the classes of
// cloudapi; a key that would end more than a minute before d, by our clock, is Denied.
func (c *Client) Issue(ctx context.Context, p sign.Policy, d time.Duration) (qsign.Key, error) {
	policy, err := json.Marshal(p)
	if err != nil {
		return qsign.Key{}, err
	}
	in := map[string]any{
		"Name": "afterput", "Policy": url.QueryEscape(string(policy)),
		"DurationSeconds": int64((max(d, leastDuration) + time.Second - 1) / time.Second),
	}
	until := c.opt.Now().Add(d - clocks)
	var a answer
	if err := c.api.Call(ctx, action, in, &a); err != nil {
		return qsign.Key{}, err
	}
	return a.key(until)
}

// answer is what GetFederationToken answers.
type answer struct {
	Credentials struct{ Token, TmpSecretID, TmpSecretKey string }
	ExpiredTime int64
	RequestID   string
}

// key gives the key of an answer, if it holds until a time.
func (a answer) key(until time.Time) (qsign.Key, error) {
	k := qsign.Key{ID: a.Credentials.TmpSecretID, Secret: a.Credentials.TmpSecretKey, Token: a.Credentials.Token}
	if k.ID == "" || k.Secret == "" || k.Token == "" {
		return qsign.Key{}, fail(pipeline.Transient, "the answer has no credentials (request %s)", a.RequestID)
	}
	if a.ExpiredTime < until.Unix() {
		return qsign.Key{}, fail(pipeline.Denied, "the key ends at %d, before its signature (request %s)", a.ExpiredTime, a.RequestID)
	}
	return k, nil
}

func fail(class pipeline.Class, format string, args ...any) error {
	return pipeline.Errorf(class, service+"."+action, "", format, args...)
}
