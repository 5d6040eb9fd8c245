package cloudapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// DefaultEndpoint is where a service answers.
const DefaultEndpoint = "https://{service}.tencentcloudapi.com"

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 1 << 20

// Options configure a Client.
type Options struct {
	// Service and Version name the API: tcb and 2018-06-08. Required.
	Service, Version string
	// Region is sent as X-TC-Region; empty where the service has none.
	Region string
	// Endpoint is scheme and host; {service} stands for Service. Defaults to
	// DefaultEndpoint.
	Endpoint string
	// SecretID and SecretKey are a key pair of CAM. Required.
	SecretID, SecretKey string
	// Token belongs to a temporary key pair; empty for a permanent one.
	Token string
	// Client sends the requests. Defaults to one with a timeout of 10 seconds.
	Client *http.Client
	// Now is the clock that signatures are made with. Defaults to time.Now.
	Now func() time.Time
}

// Client calls one service. It is safe for concurrent use.
type Client struct {
	opt  Options
	base *url.URL
}

// New makes a Client. It connects to nothing.
func New(opt Options) (*Client, error) {
	if opt.Service == "" || opt.Version == "" {
		return nil, errors.New("cloudapi: no service or no version")
	}
	if opt.SecretID == "" || opt.SecretKey == "" {
		return nil, errors.New("cloudapi: no key pair")
	}
	if opt.Endpoint == "" {
		opt.Endpoint = DefaultEndpoint
	}
	base, err := url.Parse(strings.TrimSuffix(strings.ReplaceAll(opt.Endpoint, "{service}", opt.Service), "/"))
	if err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" || base.User != nil || base.Path != "" {
		return nil, errors.New("cloudapi: the endpoint is not scheme and host")
	}
	if opt.Client == nil {
		opt.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Client{opt, base}, nil
}

// Call sends an action with its parameters and reads Response into out.
func (c *Client) Call(ctx context.Context, action string, in, out any) error {
	op := c.opt.Service + "." + action
	body, err := json.Marshal(in)
	if err != nil {
		return pipeline.Errorf(pipeline.Bug, op, "", "%w", err)
	}
	r, err := c.request(ctx, action, body)
	if err != nil {
		return pipeline.Errorf(pipeline.Invalid, op, "", "%w", err)
	}
	resp, err := c.opt.Client.Do(r)
	if err != nil {
		return pipeline.Errorf(pipeline.Transient, op, "", "%w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return pipeline.Errorf(pipeline.Transient, op, "", "%w", err)
	case len(text) > maxAnswer:
		return pipeline.Errorf(pipeline.Transient, op, "", "an answer of more than %d bytes", maxAnswer)
	}
	return read(op, resp, text, out)
}

func (c *Client) request(ctx context.Context, action string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base.String()+"/", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	at := c.opt.Now()
	h := r.Header
	h.Set("Content-Type", contentType)
	h.Set("X-TC-Action", action)
	h.Set("X-TC-Version", c.opt.Version)
	h.Set("X-TC-Timestamp", strconv.FormatInt(at.Unix(), 10))
	if c.opt.Region != "" {
		h.Set("X-TC-Region", c.opt.Region)
	}
	if c.opt.Token != "" {
		h.Set("X-TC-Token", c.opt.Token)
	}
	h.Set("Authorization", Sign(c.opt.SecretID, c.opt.SecretKey, c.opt.Service, c.base.Host, h,
		[]string{"content-type", "host", "x-tc-action"}, body, at))
	return r, nil
}

// read takes the answer apart. Errors come with status 200, too.
func read(op string, resp *http.Response, text []byte, out any) error {
	var envelope struct{ Response json.RawMessage }
	var told struct {
		Error     struct{ Code, Message string }
		RequestID string `json:"RequestId"`
	}
	err := json.Unmarshal(text, &envelope)
	if err == nil {
		err = json.Unmarshal(envelope.Response, &told)
	}
	switch {
	case err == nil && told.Error.Code != "":
		return &pipeline.Error{
			Class: classOf(told.Error.Code), Op: op,
			Err: fmt.Errorf("%s: %.200s (request %.80s)", told.Error.Code, told.Error.Message, told.RequestID),
		}
	case resp.StatusCode == http.StatusTooManyRequests:
		return pipeline.Errorf(pipeline.Throttled, op, "", "the answer is %d", resp.StatusCode)
	case err != nil || resp.StatusCode != http.StatusOK:
		return pipeline.Errorf(pipeline.Transient, op, "", "the answer is %d and not one of the API", resp.StatusCode)
	}
	if err := json.Unmarshal(envelope.Response, out); err != nil {
		return pipeline.Errorf(pipeline.Transient, op, "", "%w (request %.80s)", err, told.RequestID)
	}
	return nil
}

// classOf is the class of an error code, by what stands before its first dot (the common
// codes, 213/30435). One that we do not know is tried again.
func classOf(code string) pipeline.Class {
	kind, _, _ := strings.Cut(code, ".")
	switch kind {
	case "AuthFailure":
		if code == "AuthFailure.SignatureExpire" { // the clocks differ by more than five minutes
			return pipeline.Transient
		}
		return pipeline.Denied
	case "UnauthorizedOperation":
		return pipeline.Denied
	case "RequestLimitExceeded", "LimitExceeded":
		return pipeline.Throttled
	case "ResourceNotFound":
		return pipeline.Missing
	case "InvalidParameter", "InvalidParameterValue", "MissingParameter", "UnknownParameter", "InvalidAction",
		"NoSuchVersion", "NoSuchProduct", "UnsupportedOperation", "UnsupportedRegion", "UnsupportedProtocol":
		return pipeline.Invalid
	}
	return pipeline.Transient
}
