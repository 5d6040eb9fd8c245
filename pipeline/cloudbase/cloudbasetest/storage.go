package cloudbasetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/afterput/afterput/pipeline"
)

// File is what a Gateway has under a fileID while it has no bucket.
type File struct {
	// Private files have signed URLs.
	Private bool
	// Code refuses the file, such as STORAGE_EXCEED_AUTHORITY.
	Code string
}

// Put lays a file under a fileID.
func (g *Gateway) Put(fileID string, f File) { g.do(func() { g.files[fileID] = f }) }

// question is one object of a call, by its fileID or, for an upload, by its key.
type question struct {
	ID           string              `json:"cloudObjectId"`
	Key          string              `json:"objectId"`
	SignedHeader map[string][]string `json:"signedHeader"`
}

// questions reads a call about objects and says who asks. The caller holds mu.
func (g *Gateway) questions(w http.ResponseWriter, r *http.Request) (in []question, by caller, ok bool) {
	by, known := g.caller(r)
	switch {
	case !known:
		refuse(w, http.StatusUnauthorized, "INVALID_ACCESS_TOKEN", "the access token is missing, invalid or expired")
	case json.NewDecoder(r.Body).Decode(&in) != nil || len(in) == 0:
		refuse(w, http.StatusBadRequest, "INVALID_PARAM", "want a list")
	case len(in) > 50:
		refuse(w, http.StatusBadRequest, "OBJECT_BATCH_TOO_LARGE", "at most 50")
	default:
		return in, by, g.answer == nil || !g.answer(w)
	}
	return nil, by, false
}

// problem is an answer about one object that has none. It carries no fileID.
func problem(code, message string) map[string]string {
	return map[string]string{"code": code, "message": message}
}

func (g *Gateway) downloads(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now(w)
	in, by, ok := g.questions(w, r)
	if !ok {
		return
	}
	g.batches = append(g.batches, len(in))
	out := make([]map[string]string, len(in))
	for i, q := range in {
		out[i] = g.download(r, by, q.ID, now)
	}
	write(w, http.StatusOK, out)
}

// download answers about one file.
func (g *Gateway) download(r *http.Request, by caller, id string, now time.Time) map[string]string {
	if g.bucket != nil {
		return g.bucketDownload(r, by, id, now)
	}
	f, ok := g.files[id]
	rest, ours := strings.CutPrefix(id, "cloud://"+Env+".")
	switch {
	case !ours:
		return problem("INVALID_HOST", "the file is of another environment")
	case !ok:
		return problem("OBJECT_NOT_EXIST", "no such object")
	case f.Code != "":
		return problem(f.Code, "refused")
	}
	bucket, path, _ := strings.Cut(rest, "/")
	query := ""
	if f.Private {
		query = fmt.Sprintf("?sign=5ca1ab1e&t=%d", now.Add(g.life).Unix())
	}
	return urls(id, "https://"+bucket+".tcb.qcloud.la/", path, query)
}

// urls is the answer about a file that has a URL.
func urls(id, base, path, query string) map[string]string {
	return map[string]string{
		"cloudObjectId": id, "downloadUrl": base + path + query,
		"downloadUrlEncoded": base + (&url.URL{Path: path}).EscapedPath() + query,
	}
}

func (g *Gateway) uploads(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now(w)
	in, by, ok := g.questions(w, r)
	if !ok {
		return
	}
	out := make([]map[string]string, len(in))
	for i, q := range in {
		out[i] = g.upload(by, q, now)
	}
	write(w, http.StatusOK, out)
}

// upload answers about one object that somebody wants to put.
func (g *Gateway) upload(by caller, q question, now time.Time) map[string]string {
	switch {
	case g.bucket == nil:
		return problem("COS_ACTION_FAILED", "the environment has no bucket")
	case pipeline.CheckName(q.Key) != nil:
		return problem("INVALID_PARAM", "the name of the object breaks the rules")
	case !g.mayWrite(by, q.Key):
		return problem("STORAGE_EXCEED_AUTHORITY", "the rule of the storage does not allow it")
	}
	return g.bucket.ticket(q.Key, q.SignedHeader, now)
}

func (g *Gateway) deletes(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	in, by, ok := g.questions(w, r)
	if !ok {
		return
	}
	out := make([]map[string]string, len(in))
	for i, q := range in {
		key, ours := g.key(q.ID)
		switch {
		case !ours:
			out[i] = problem("INVALID_HOST", "the file is of another environment")
		case !g.mayWrite(by, key):
			out[i] = problem("STORAGE_EXCEED_AUTHORITY", "the rule of the storage does not allow it")
		default:
			out[i] = map[string]string{"cloudObjectId": q.ID}
			if err := g.bucket.remove(r.Context(), key); err != nil {
				out[i] = problem("COS_ACTION_FAILED", err.Error())
			}
		}
	}
	write(w, http.StatusOK, out)
}
