package devworld

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/qsign"
)

// Phone does what a mini program does, by the addresses and keys of a world.
type Phone struct {
	// API and APIKey are where announcements go.
	API, APIKey string
	// COS is the bucket's address, Credentials sign for it.
	COS         string
	Credentials qsign.Key
	// Client sends; nil is http.DefaultClient.
	Client *http.Client
}

// Phone makes a phone of this world.
func (w *World) Phone() *Phone {
	return &Phone{API: w.URL(), APIKey: w.Key, COS: w.COSURL(), Credentials: qsign.Key{ID: w.id.SecretID, Secret: w.id.SecretKey}}
}

// Chosen says which place of which order a file has; the headers of an upload carry it.
type Chosen struct {
	Order    string
	Position int
	// Public makes the object readable for everybody.
	Public bool
}

// Header gives the headers by which the event of an upload finds its order.
func (c Chosen) Header() map[string]string {
	h := map[string]string{}
	if c.Order != "" {
		h["x-cos-meta-order-id"], h["x-cos-meta-position"] = c.Order, strconv.Itoa(c.Position)
	}
	if c.Public {
		h["x-cos-acl"] = coslocal.ACLPublicRead
	}
	return h
}

// Put uploads a file.
func (p *Phone) Put(ctx context.Context, key string, body []byte, c Chosen) error {
	_, err := p.object(ctx, http.MethodPut, key, body, c.Header())
	return err
}

// Get reads an object.
func (p *Phone) Get(ctx context.Context, key string) ([]byte, error) {
	return p.object(ctx, http.MethodGet, key, nil, nil)
}

// Delete removes an object.
func (p *Phone) Delete(ctx context.Context, key string) error {
	_, err := p.object(ctx, http.MethodDelete, key, nil, nil)
	return err
}

// object makes one signed request to the bucket.
func (p *Phone) object(ctx context.Context, method, key string, body []byte, header map[string]string) ([]byte, error) {
	target, err := url.Parse(p.COS + "/" + qsign.EscapePath(key))
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	req.Header.Set("Authorization", qsign.Authorization(p.Credentials, qsign.Request{
		Method: method, Path: "/" + key, Header: qsign.Host(target.Host),
	}, qsign.Valid(time.Now().Add(-time.Minute), 16*time.Minute)))
	status, answer, err := p.do(req)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("%s %s: %w", method, key, &StatusError{status, answer})
	}
	return answer, err
}

// StatusError is an answer that was not 2xx.
type StatusError struct {
	Status int
	Body   []byte
}

// Error gives the status and the body.
func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Body) }

// Announce posts an order with its files, names or fileIDs, in the chosen order.
func (p *Phone) Announce(ctx context.Context, order, owner, batch string, files []string) (status int, answer []byte, err error) {
	body, err := json.Marshal(map[string]any{"order": order, "owner": owner, "batch": batch, "files": files})
	if err != nil {
		return 0, nil, err
	}
	return p.Call(ctx, http.MethodPost, "/v1/uploads", body)
}

// Call asks the API with the phone's key.
func (p *Phone) Call(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, p.API+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.APIKey)
	req.Header.Set("Content-Type", "application/json")
	return p.do(req)
}

func (p *Phone) do(req *http.Request) (int, []byte, error) {
	client := p.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 32<<20))
	return resp.StatusCode, answer, err
}
