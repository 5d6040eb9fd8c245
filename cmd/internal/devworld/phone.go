package devworld

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/afterput/afterput/cmd/internal/config"
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
func (w *World) Phone() *Phone { return PhoneOf(w.Config) }

// PhoneOf makes a phone of the world that a configuration describes.
func PhoneOf(c *config.Config) *Phone {
	b := c.Buckets[0]
	return &Phone{
		API: "http://" + c.HTTP.Listen, APIKey: c.Auth.Keys[0].Secret.Reveal(),
		COS: b.Endpoint, Credentials: qsign.Key{ID: b.SecretID, Secret: b.SecretKey.Reveal()},
	}
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

// maxUpload is what the policy of Form allows, in bytes; more than a check does.
const maxUpload = 200 << 20

// Form uploads a file by a POST form with a policy for this one key. name is what the
// phone calls the file. COS takes no empty file this way.
func (p *Phone) Form(ctx context.Context, key, name string, body []byte, c Chosen) error {
	signed, err := qsign.SignPolicy(p.Credentials, qsign.Policy{Conditions: []qsign.Condition{
		qsign.Equal("bucket", Bucket), qsign.Equal("key", key), qsign.Size(1, maxUpload),
	}}, window())
	if err != nil {
		return err
	}
	fields := signed.Fields()
	fields["key"] = key
	for k, v := range c.Header() {
		fields[strings.Replace(k, "x-cos-acl", "acl", 1)] = v
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for k, v := range fields {
		if err := w.WriteField(k, v); err != nil {
			return err
		}
	}
	part, err := w.CreateFormFile("file", name)
	if err != nil {
		return err
	}
	if _, err := part.Write(body); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.COS+"/", &form)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", w.FormDataContentType())
	status, answer, err := p.do(req)
	if err == nil && status/100 != 2 {
		err = fmt.Errorf("POST %s: %w", key, &StatusError{status, answer})
	}
	return err
}

func window() qsign.Window { return qsign.Valid(time.Now().Add(-time.Minute), 16*time.Minute) }

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
	}, window()))
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
