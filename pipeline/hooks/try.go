package hooks

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// TryType is the type of the event that Try sends.
const TryType = "afterput.test"

// Tried is what became of a test event.
type Tried struct {
	// ID is the webhook-id that it was sent with.
	ID string
	// Status is the HTTP status of the answer; 0 where there was none.
	Status int
	// Took is the time from dialing to the end of the answer.
	Took time.Duration
}

// TryBody is the body of a test event.
func TryBody(endpoint string, at time.Time) ([]byte, error) {
	type data struct {
		Endpoint string `json:"endpoint"`
	}
	return json.Marshal(struct {
		Type      string `json:"type"`
		Timestamp string `json:"timestamp"`
		Data      data   `json:"data"`
	}{TryType, at.UTC().Format(time.RFC3339), data{endpoint}})
}

// Try sends one signed event of type afterput.test, also to an endpoint that is disabled
// or paused, and changes nothing. An answer other than 2xx is an error of the class that
// Notify would give.
func (s *Sender) Try(ctx context.Context) (Tried, error) {
	tried := Tried{ID: "test." + rand.Text()}
	if s.url == nil {
		return tried, errors.New("hooks: the endpoint has no URL")
	}
	body, err := TryBody(s.opt.Name, s.opt.Now())
	if err != nil {
		return tried, err
	}
	req, err := s.request(ctx, tried.ID, body)
	if err != nil {
		return tried, err
	}
	began := s.opt.Now()
	res, err := s.client.Do(req)
	if err != nil {
		tried.Took = s.opt.Now().Sub(began)
		return tried, s.dialError(err)
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, maxAnswer)
	tried.Status, tried.Took = res.StatusCode, s.opt.Now().Sub(began)
	switch {
	case res.StatusCode >= 200 && res.StatusCode < 300:
		return tried, nil
	case res.StatusCode == http.StatusGone:
		return tried, pipeline.Errorf(pipeline.Denied, op, s.url.Host, gone410)
	}
	return tried, s.statusError(res)
}
