package devworld

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/afterput/afterput/pipeline"
)

// Delivery is one webhook that was received and whose signature was right.
type Delivery struct {
	ID      string
	Type    string
	Outcome pipeline.Outcome
	Body    []byte
}

// Sink receives webhooks as a consumer does: it verifies them and keeps one for each
// webhook-id.
type Sink struct {
	url    string
	verify *standardwebhooks.Webhook
	log    *slog.Logger

	mu       sync.Mutex
	received []Delivery
	count    map[string]int
	forged   int
	bodies   map[string]string
	changed  int
}

func newSink(url, secret string, log *slog.Logger) (*Sink, error) {
	v, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return nil, err
	}
	return &Sink{url: url, verify: v, log: log, count: map[string]int{}, bodies: map[string]string{}}, nil
}

// ServeHTTP takes a webhook.
func (s *Sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.verify.Verify(body, r.Header); err != nil {
		s.forged++
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var msg struct {
		Type string           `json:"type"`
		Data pipeline.Outcome `json:"data"`
	}
	if err := json.Unmarshal(body, &msg); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	id := r.Header.Get(standardwebhooks.HeaderWebhookID)
	if s.count[id]++; s.count[id] == 1 {
		s.bodies[id] = string(body)
		s.received = append(s.received, Delivery{ID: id, Type: msg.Type, Outcome: msg.Data, Body: body})
		s.log.Info("webhook received", "type", msg.Type, "id", id, "key", msg.Data.Key, "reason", msg.Data.Reason)
	}
	if s.bodies[id] != string(body) {
		s.changed++
	}
	w.WriteHeader(http.StatusNoContent)
}

// Received gives what was received, one delivery for each webhook-id.
func (s *Sink) Received() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Delivery(nil), s.received...)
}

// Forged counts the requests whose signature was wrong.
func (s *Sink) Forged() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forged
}

// Changed counts the requests that came again under a webhook-id with another body.
func (s *Sink) Changed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}
