package cloudbase

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// MaxBatch is how many files one call may name.
const MaxBatch = 50

// Download is where one file can be fetched.
type Download struct {
	// URL is percent-encoded.
	URL string
	// Signed says that the URL bears a signature, as those of private files do.
	Signed bool
	// Expires is when a signed URL stops working, by our clock. Zero where it says nothing.
	Expires time.Time
	// Err is why there is none: Missing or Denied, else Transient.
	Err error
}

// Downloads asks for the URLs of fileIDs, at most MaxBatch, and answers by position. The
// answers of the gateway carry no fileID where there is an error, so that their number is
// all that ties them to the questions: another number is an error for all.
func (c *Client) Downloads(ctx context.Context, fileIDs []string) ([]Download, error) {
	const op = "cloudbase.downloads"
	if len(fileIDs) == 0 {
		return nil, nil
	}
	if len(fileIDs) > MaxBatch {
		return nil, pipeline.Errorf(pipeline.Bug, op, c.opt.Env, "%d files in one call: at most %d", len(fileIDs), MaxBatch)
	}
	type question struct {
		ID string `json:"cloudObjectId"`
	}
	in := make([]question, len(fileIDs))
	for i, id := range fileIDs {
		in[i].ID = id
	}
	var items []item
	skew, err := c.post(ctx, op, "/v1/storages/get-objects-download-info", in, &items)
	if err != nil {
		return nil, err
	}
	if len(items) != len(fileIDs) {
		return nil, pipeline.Errorf(pipeline.Transient, op, c.opt.Env, "%d answers for %d files", len(items), len(fileIDs))
	}
	out := make([]Download, len(items))
	for i, it := range items {
		out[i] = it.download(op, fileIDs[i], skew)
	}
	return out, nil
}

// item is one answer of the gateway.
type item struct {
	CloudObjectID      string `json:"cloudObjectId"`
	DownloadURL        string `json:"downloadUrl"`        // not percent-encoded
	DownloadURLEncoded string `json:"downloadUrlEncoded"` // not in every answer
	Code, Message      string
}

func (it item) download(op, fileID string, skew time.Duration) Download {
	switch {
	case it.Code != "" && it.Code != "SUCCESS":
		return Download{Err: pipeline.Errorf(classOf(it.Code), op, fileID, "%s: %.200s", it.Code, it.Message)}
	case it.CloudObjectID != "" && it.CloudObjectID != fileID:
		return Download{Err: pipeline.Errorf(pipeline.Transient, op, fileID, "the answer is about another file")}
	}
	text := it.DownloadURLEncoded
	if text == "" {
		text = encode(it.DownloadURL)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return Download{Err: pipeline.Errorf(pipeline.Transient, op, fileID, "the answer has no URL")}
	}
	q := u.Query()
	d := Download{URL: text, Signed: q.Has("sign") || q.Has("t")}
	if t, err := strconv.ParseInt(q.Get("t"), 10, 64); err == nil && t > 0 {
		d.Expires = time.Unix(t, 0).Add(-skew)
	}
	return d
}

// encode escapes the path of a URL that has everything in it literally. Its query is
// what follows the last question mark, if that looks like a signature.
func encode(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	host, path, found := strings.Cut(rest, "/")
	if !ok || !found {
		return raw
	}
	query := ""
	if i := strings.LastIndex(path, "?"); i >= 0 && (strings.Contains(path[i:], "sign=") || strings.Contains(path[i:], "t=")) {
		path, query = path[:i], path[i:]
	}
	return scheme + "://" + host + "/" + strings.ReplaceAll((&url.URL{Path: path}).EscapedPath(), "+", "%2B") + query
}
