package hooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/afterput/afterput/pipeline"
)

const op = "hooks.send"

// maxAnswer is how much of an answer is read, so that the connection can be used again.
const maxAnswer = 4 << 10

const gone410 = "the endpoint answered 410: it says that it is gone"

// Sender delivers outcomes to one endpoint. It is safe for use by many goroutines.
type Sender struct {
	opt     Options
	url     *url.URL // nil where nobody subscribed
	signers []*standardwebhooks.Webhook
	client  *http.Client
	circuit *circuit
}

// Delivery is one attempt to deliver an event.
type Delivery struct {
	// Endpoint is its name.
	Endpoint string
	// Class says why it failed; empty where the endpoint took it.
	Class pipeline.Class
	// Took is the time from dialing to the end of the answer.
	Took time.Duration
}

// New makes a Sender. Without a URL it sends nothing and needs no secret. Close it.
func New(opt Options) (*Sender, error) {
	s := &Sender{opt: opt.withDefaults()}
	if opt.URL == "" {
		return s, nil
	}
	var err error
	if s.url, err = parseURL(opt.URL, opt.AllowPrivate); err != nil {
		return nil, err
	}
	if s.signers, err = newSigners(opt.Secrets); err != nil {
		return nil, err
	}
	s.client = newClient(s.opt)
	s.circuit = &circuit{now: s.opt.Now, most: s.opt.MaxInFlight}
	return s, nil
}

// Close drops idle connections.
func (s *Sender) Close() error {
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
	return nil
}

// Notify posts one event. sent is false without an error where no endpoint is set.
//
// The class of the error: Throttled for 429 and 503, with Retry-After where it is given;
// Denied for 410, which disables the endpoint in the Book, for an endpoint that is
// disabled, for an address that the guard refuses, and with CodeWebhookRefused for 401 and
// 403, which are worth another try; Interrupted where the Book cannot
// be asked and while the endpoint is paused after failures; Transient for everything else, redirects and other 4xx included, because
// receivers get repaired.
func (s *Sender) Notify(ctx context.Context, e pipeline.Event) (sent bool, err error) {
	if s.url == nil {
		return false, nil
	}
	if err := s.enabled(ctx); err != nil {
		return false, err
	}
	body, err := Body(e)
	if err != nil {
		return false, &pipeline.Error{Class: pipeline.Bug, Op: op, Key: s.url.Host, Err: err}
	}
	req, err := s.request(ctx, e.ID, body)
	if err != nil {
		return false, &pipeline.Error{Class: pipeline.Bug, Op: op, Key: s.url.Host, Err: err}
	}
	if wait := s.circuit.enter(); wait > 0 {
		return false, &pipeline.Error{
			Class: pipeline.Interrupted, Op: op, Key: s.url.Host, RetryAfter: wait,
			Err: errors.New("the endpoint is paused after failures, or busy"),
		}
	}
	began := time.Now()
	sent, err = s.post(ctx, req)
	if s.opt.Observe != nil {
		s.opt.Observe(ctx, Delivery{Endpoint: s.opt.Name, Class: pipeline.ClassOf(err), Took: time.Since(began)})
	}
	s.judge(ctx, err)
	return sent, err
}

// judge tells the circuit how a delivery ended.
func (s *Sender) judge(ctx context.Context, err error) {
	switch class := pipeline.ClassOf(err); {
	case err == nil:
		if s.circuit.succeeded() {
			s.opt.Logger.InfoContext(ctx, "the endpoint is back", "endpoint", s.opt.Name)
		}
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded),
		class != pipeline.Transient && class != pipeline.Throttled && pipeline.CodeOf(err) != pipeline.CodeWebhookRefused:
		s.circuit.leave() // this process stops, or the endpoint is not what failed
	default:
		if pause := s.circuit.failure(pipeline.RetryAfterOf(err)); pause > 0 {
			s.opt.Logger.WarnContext(ctx, "the endpoint is paused", "endpoint", s.opt.Name, "for", pause, "error", err)
		}
	}
}

// Hold tells how long a delivery would have to wait, because the endpoint is paused after
// failures or busy; 0 is not at all.
func (s *Sender) Hold() time.Duration {
	if s.circuit == nil {
		return 0
	}
	return s.circuit.hold()
}

func (s *Sender) post(ctx context.Context, req *http.Request) (sent bool, err error) {
	res, err := s.client.Do(req)
	if err != nil {
		return false, s.dialError(err)
	}
	defer res.Body.Close()
	// What it says is not for us, and not for our logs.
	_, _ = io.CopyN(io.Discard, res.Body, maxAnswer)
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return true, nil
	}
	if res.StatusCode == http.StatusGone {
		return false, s.gone(ctx)
	}
	return false, s.statusError(res)
}

// enabled refuses a delivery to an endpoint that is disabled.
func (s *Sender) enabled(ctx context.Context) error {
	if s.opt.Book == nil {
		return nil
	}
	e, err := s.opt.Book.Endpoint(ctx, s.opt.Name)
	if err != nil {
		return s.bookAway(err)
	}
	if e.Disabled() {
		return pipeline.Errorf(pipeline.Denied, op, s.url.Host,
			"the endpoint %q is disabled: %s; enable it and replay the letter", s.opt.Name, e.Why)
	}
	return nil
}

// gone disables the endpoint, which said that it wants no more.
func (s *Sender) gone(ctx context.Context) error {
	if s.opt.Book != nil {
		if err := s.opt.Book.DisableEndpoint(ctx, s.opt.Name, gone410); err != nil {
			return s.bookAway(err)
		}
	}
	return pipeline.Errorf(pipeline.Denied, op, s.url.Host, gone410)
}

// bookAway costs the endpoint no attempt: it has done nothing.
func (s *Sender) bookAway(err error) error {
	return &pipeline.Error{Class: pipeline.Interrupted, Op: op, Key: s.url.Host, RetryAfter: 5 * time.Second, Err: err}
}

func (s *Sender) request(ctx context.Context, id string, body []byte) (*http.Request, error) {
	if id == "" || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the webhook-id is empty or not printable ASCII")
	}
	now := s.opt.Now()
	var err error
	signatures := make([]string, len(s.signers))
	for i, signer := range s.signers {
		if signatures[i], err = signer.Sign(id, now, body); err != nil {
			return nil, errors.New("the body could not be signed")
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the request could not be made")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", s.opt.UserAgent)
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return req, nil
}

// dialError strips the URL, which may hold secrets in any part but its host.
func (s *Sender) dialError(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	class := pipeline.Transient
	if e, ok := errors.AsType[*refusedAddress](err); ok {
		class, err = pipeline.Denied, e
	}
	if e, ok := errors.AsType[*refusedPort](err); ok {
		class, err = pipeline.Denied, e
	}
	return &pipeline.Error{Class: class, Op: op, Key: s.url.Host, Err: err}
}

func (s *Sender) statusError(res *http.Response) error {
	e := &pipeline.Error{Class: pipeline.Transient, Op: op, Key: s.url.Host}
	switch code := res.StatusCode; {
	case code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable:
		e.Class = pipeline.Throttled
		e.RetryAfter = retryAfter(res.Header.Get("Retry-After"), s.opt.Now())
		e.Err = fmt.Errorf("the endpoint answered %d: slow down", code)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		e.Class, e.Code = pipeline.Denied, pipeline.CodeWebhookRefused
		e.Err = fmt.Errorf("the endpoint answered %d: it refuses our webhooks; set its secret and URL right, or have it let us in", code)
	case code >= 300 && code < 400:
		e.Err = fmt.Errorf("the endpoint answered %d: redirects are not followed, set its final URL", code)
	default:
		e.Err = fmt.Errorf("the endpoint answered %d", code)
	}
	return e
}

// maxRetryAfter bounds how long an endpoint can put us off.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads seconds or an HTTP date (RFC 9110 10.2.3); zero where it says nothing.
func retryAfter(text string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
