package cloudbasetest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/qsign"
)

// Bucket is the bucket of an environment: a COS server.
type Bucket struct {
	// Name is the full name with the appid, URL where the server answers.
	Name, URL string
	// Key signs the gateway's own requests, Temporary, with its token, what clients put.
	Key, Temporary qsign.Key
}

const metaHeader = "X-Cos-Meta-Fileid"

// Use gives the environment its bucket; files laid by Put are not looked at any more.
func (g *Gateway) Use(b Bucket) { g.do(func() { g.bucket = &b }) }

// key gives the key of one of the environment's fileIDs.
func (g *Gateway) key(fileID string) (string, bool) {
	if g.bucket == nil {
		return "", false
	}
	id, err := pipeline.ParseFileID(fileID)
	if err != nil {
		return "", false
	}
	_, key, err := pipeline.Buckets{{Name: g.bucket.Name, Env: Env}}.Locate(id)
	return key, err == nil
}

func (b *Bucket) fileID(key string) string { return "cloud://" + Env + "." + b.Name + "/" + key }

// meta is what clients must store with an object; nobody can make it up.
func (b *Bucket) meta(key string) string { return b.mac("fileid\n" + key) }

func (b *Bucket) mac(text string) string {
	h := hmac.New(sha256.New, []byte(b.Key.Secret))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

// ticket is the permission to put one object with exactly these headers.
func (b *Bucket) ticket(key string, signed map[string][]string, now time.Time) map[string]string {
	header := http.Header{metaHeader: {b.meta(key)}, "X-Cos-Security-Token": {b.Temporary.Token}}
	header.Set("Host", strings.TrimPrefix(b.URL, "http://"))
	for name, values := range signed {
		header[http.CanonicalHeaderKey(name)] = values
	}
	return map[string]string{
		"objectId": key, "uploadUrl": b.URL + "/" + qsign.EscapePath(key), "token": b.Temporary.Token,
		"authorization": qsign.Authorization(b.Temporary, qsign.Request{Method: http.MethodPut, Path: "/" + key, Header: header},
			qsign.Valid(now.Add(-time.Minute), 16*time.Minute)),
		"cloudObjectMeta": b.meta(key), "cloudObjectId": b.fileID(key),
	}
}

// form is where a form is posted, and its signature.
func (b *Bucket) form(now time.Time) (target, authorization string) {
	return b.URL + "/", qsign.Authorization(b.Temporary, qsign.Request{
		Method: http.MethodPost, Path: "/", Header: qsign.Host(strings.TrimPrefix(b.URL, "http://")),
	}, qsign.Valid(now.Add(-time.Minute), 16*time.Minute))
}

// request asks COS by the gateway's own key.
func (b *Bucket) request(ctx context.Context, method, key string) (*http.Response, error) {
	u, err := url.Parse(b.URL)
	if err != nil {
		return nil, err
	}
	u.Path = "/" + key
	signed := qsign.PresignURL(b.Key, method, u, qsign.Valid(time.Now().Add(-time.Minute), 5*time.Minute))
	r, err := http.NewRequestWithContext(ctx, method, signed, http.NoBody)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(r)
}

func (b *Bucket) remove(ctx context.Context, key string) error {
	resp, err := b.request(ctx, http.MethodDelete, key)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("COS answers %d", resp.StatusCode)
	}
	return nil
}

// bucketDownload answers about one object of the bucket. One that lacks its metadata has no
// URL, though it can be read by COS; the code for it is not documented.
func (g *Gateway) bucketDownload(r *http.Request, by caller, id string, now time.Time) map[string]string {
	key, ours := g.key(id)
	switch {
	case !ours:
		return problem("INVALID_HOST", "the file is of another environment")
	case !g.mayRead(by, key):
		return problem("STORAGE_EXCEED_AUTHORITY", "the rule of the storage does not allow it")
	}
	resp, err := g.bucket.request(r.Context(), http.MethodHead, key)
	if err != nil {
		return problem("COS_ACTION_FAILED", err.Error())
	}
	_ = resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound:
		return problem("OBJECT_NOT_EXIST", "no such object")
	case resp.StatusCode != http.StatusOK:
		return problem("COS_ACTION_FAILED", resp.Status)
	case resp.Header.Get(metaHeader) != g.bucket.meta(key):
		return problem("OBJECT_NOT_EXIST", "the object has no metadata of CloudBase")
	}
	query := ""
	if !g.public(key) {
		t := strconv.FormatInt(now.Add(g.life).Unix(), 10)
		query = "?sign=" + g.bucket.mac("cdn\n"+key+"\n"+t) + "&t=" + t
	}
	return urls(id, "http://"+r.Host+"/cdn/", key, query)
}

// cdn hands an object out: to anybody where it is public, else by a signed URL until t.
func (g *Gateway) cdn(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	key, q, b := r.PathValue("key"), r.URL.Query(), g.bucket
	now := g.now(w)
	allowed := b != nil && g.public(key)
	g.mu.Unlock()
	if b != nil && !allowed {
		until, _ := strconv.ParseInt(q.Get("t"), 10, 64)
		allowed = now.Unix() < until && hmac.Equal([]byte(q.Get("sign")), []byte(b.mac("cdn\n"+key+"\n"+q.Get("t"))))
	}
	if !allowed {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	resp, err := b.request(r.Context(), r.Method, key)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	for _, name := range []string{"Content-Type", "Content-Length", "ETag", "Cache-Control"} {
		if v := resp.Header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}
