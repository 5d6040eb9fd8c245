package demo

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"time"

	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/pipeline/qsign"
)

// maxUpload is what the upload policies allow; more than a check does.
const maxUpload = 200 << 20

// uploader sends files to the bucket by signed requests, as phones do: by PUT with an
// Authorization header, or by a POST form with a policy for the one key.
type uploader struct {
	base   string
	key    qsign.Key
	client *http.Client
}

func (u *uploader) upload(ctx context.Context, s Sent, body []byte, byForm bool) error {
	make := u.put
	if byForm && len(body) > 0 {
		make = u.form
	}
	req, err := make(ctx, s, body)
	if err != nil {
		return err
	}
	resp, err := u.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("status %d: %s", resp.StatusCode, answer)
	}
	return nil
}

func window() qsign.Window {
	return qsign.Valid(time.Now().Add(-time.Minute), 16*time.Minute)
}

func (u *uploader) put(ctx context.Context, s Sent, body []byte) (*http.Request, error) {
	target, err := url.Parse(u.base + "/" + qsign.EscapePath(s.Key))
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for k, v := range s.meta() {
		req.Header.Set(k, v)
	}
	req.Header.Set("Authorization", qsign.Authorization(u.key, qsign.Request{
		Method: http.MethodPut, Path: "/" + s.Key, Header: qsign.Host(target.Host),
	}, window()))
	return req, nil
}

func (u *uploader) form(ctx context.Context, s Sent, body []byte) (*http.Request, error) {
	signed, err := qsign.SignPolicy(u.key, qsign.Policy{Conditions: []qsign.Condition{
		qsign.Equal("bucket", devworld.Bucket), qsign.Equal("key", s.Key), qsign.Size(1, maxUpload),
	}}, window())
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	fields := signed.Fields()
	fields["key"] = s.Key
	for k, v := range s.meta() {
		if k == "x-cos-acl" {
			k = "acl"
		}
		fields[k] = v
	}
	for k, v := range fields {
		if err := w.WriteField(k, v); err != nil {
			return nil, err
		}
	}
	part, err := w.CreateFormFile("file", s.Name)
	if err != nil {
		return nil, err
	}
	if _, err := part.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.base+"/", &b)
	if err == nil {
		req.Header.Set("Content-Type", w.FormDataContentType())
	}
	return req, err
}
