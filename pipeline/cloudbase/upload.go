package cloudbase

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/qsign"
)

// Upload is the permission to put one object by a plain PUT.
type Upload struct {
	// URL is percent-encoded.
	URL string
	// Header has to go with the PUT. It holds the signature, the token, and
	// x-cos-meta-fileid, without which nobody gets a download URL for the object's fileID.
	Header http.Header
}

// Upload asks for the permission to put an object of so many bytes and this type; both
// become part of the signature. An environment whose bucket is not the one of the fileID is
// Invalid: the object would lie elsewhere.
func (c *Client) Upload(ctx context.Context, id pipeline.FileID, size int64, contentType string) (Upload, error) {
	const op = "cloudbase.upload"
	type question struct {
		ObjectID     string              `json:"objectId"`
		SignedHeader map[string][]string `json:"signedHeader"`
	}
	in := []question{{id.Path, map[string][]string{
		"content-length": {strconv.FormatInt(size, 10)}, "content-type": {contentType},
	}}}
	var items []ticket
	if _, err := c.post(ctx, op, "/v1/storages/get-objects-upload-info", in, &items); err != nil {
		return Upload{}, err
	}
	if len(items) != 1 {
		return Upload{}, pipeline.Errorf(pipeline.Transient, op, id.String(), "%d answers for one object", len(items))
	}
	return items[0].upload(op, id, contentType)
}

// ticket is one answer of the gateway.
type ticket struct {
	UploadURL       string `json:"uploadUrl"`
	Authorization   string `json:"authorization"`
	Token           string `json:"token"`
	CloudObjectMeta string `json:"cloudObjectMeta"`
	CloudObjectID   string `json:"cloudObjectId"`
	Code, Message   string
}

func (t ticket) upload(op string, id pipeline.FileID, contentType string) (Upload, error) {
	if t.Code != "" && t.Code != "SUCCESS" {
		return Upload{}, pipeline.Errorf(classOf(t.Code), op, id.String(), "%s: %.200s", t.Code, t.Message)
	}
	if t.Authorization == "" || t.CloudObjectMeta == "" {
		return Upload{}, pipeline.Errorf(pipeline.Transient, op, id.String(), "the answer has no signature or no metadata")
	}
	there, err := pipeline.ParseFileID(t.CloudObjectID)
	if err == nil {
		_, _, err = pipeline.Buckets{{Name: id.Bucket, Env: id.Env}}.Locate(there)
	}
	if err != nil || there.Path != id.Path {
		return Upload{}, pipeline.Errorf(pipeline.Invalid, op, id.String(), "the environment would store it as %.200q: check the bucket's name", t.CloudObjectID)
	}
	u, err := url.Parse(encodeFor(t.UploadURL, id.Path))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.Path != "/"+id.Path {
		return Upload{}, pipeline.Errorf(pipeline.Transient, op, id.String(), "the answer has no URL of the object")
	}
	header := http.Header{
		"Authorization": {t.Authorization}, "X-Cos-Meta-Fileid": {t.CloudObjectMeta}, "Content-Type": {contentType},
	}
	if t.Token != "" {
		header.Set("X-Cos-Security-Token", t.Token)
	}
	return Upload{URL: u.String(), Header: header}, nil
}

// encodeFor escapes the path of a URL that has the key in it literally, as downloadUrl has;
// whether uploadUrl does is not documented. An escaped key is never the same text as
// another key that is not, so there is no doubt.
func encodeFor(raw, key string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	host, path, found := strings.Cut(rest, "/")
	if !ok || !found || path != key {
		return raw
	}
	return scheme + "://" + host + "/" + qsign.EscapePath(path)
}
