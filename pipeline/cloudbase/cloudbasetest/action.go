package cloudbasetest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// call is a request of the older protocol: an action with its parameters.
type call struct {
	Action, Env, EnvName string
	AccessToken          string `json:"access_token"`
	// storage
	Path, Method string
	FileList     []struct{ FileID string } `json:"file_list"`
	// database; backends send query and data as texts
	CollectionName string
	Query, Data    json.RawMessage
}

// web answers clients, by the protocol of @cloudbase/js-sdk before version 3 (POST /web).
func (g *Gateway) web(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now(w)
	in, _, ok := readCall(w, r)
	by, known := g.valid[in.AccessToken]
	switch {
	case !ok:
	case in.Env != Env || r.URL.Query().Get("env") != Env:
		refuse(w, http.StatusOK, "INVALID_ENV", "the environment does not exist")
	case !known || by.owner == "":
		refuse(w, http.StatusOK, "CHECK_LOGIN_FAILED", "nobody is signed in")
	default:
		g.answerCall(w, r, by, in, now)
	}
}

func readCall(w http.ResponseWriter, r *http.Request) (in call, params map[string]json.RawMessage, ok bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 10<<20))
	if err != nil || json.Unmarshal(body, &in) != nil || json.Unmarshal(body, &params) != nil {
		refuse(w, http.StatusOK, "INVALID_PARAM", "the body is not JSON")
		return in, nil, false
	}
	return in, params, true
}

func (g *Gateway) answerCall(w http.ResponseWriter, r *http.Request, by caller, in call, now time.Time) {
	data, bad := g.perform(r, by, in, now)
	if bad != nil {
		refuse(w, http.StatusOK, bad.code, bad.message)
		return
	}
	write(w, http.StatusOK, map[string]any{"requestId": "r", "data": data})
}

func (g *Gateway) perform(r *http.Request, by caller, in call, now time.Time) (any, *fault) {
	switch in.Action {
	case "storage.getUploadMetadata":
		return g.metadata(by, in, now)
	case "storage.batchGetDownloadUrl":
		if len(in.FileList) > 50 {
			return nil, invalid("at most 50 files")
		}
		list := make([]map[string]string, len(in.FileList))
		for i, f := range in.FileList {
			list[i] = downloadItem(f.FileID, g.download(r, by, f.FileID, now))
		}
		return map[string]any{"download_list": list}, nil
	case "database.insertDocument":
		var data []json.RawMessage
		if json.Unmarshal(in.Data, &data) != nil {
			return nil, invalid("data is not a list of documents")
		}
		for i := range data {
			data[i] = bare(data[i])
		}
		ids, bad := g.insert(by, in.CollectionName, data, now)
		return map[string]any{"insertedIds": ids}, bad
	case "database.modifyDocument", "database.updateDocument":
		matched, updated, bad := g.set(by, in.CollectionName, bare(in.Query), bare(in.Data), now)
		return map[string]any{"matched": matched, "updated": updated}, bad
	case "database.getDocument":
		found, bad := g.query(by, in.CollectionName, bare(in.Query))
		list := make([]string, len(found)) // a backend gets texts
		for i, d := range found {
			text, _ := json.Marshal(strict(d))
			list[i] = string(text)
		}
		return map[string]any{"offset": 0, "limit": 100, "list": list}, bad
	case "database.queryDocument":
		found, bad := g.query(by, in.CollectionName, bare(in.Query))
		list := make([]any, len(found))
		for i, d := range found {
			list[i] = relaxed(d)
		}
		return map[string]any{"offset": 0, "limit": 100, "list": list}, bad
	}
	return nil, &fault{code: "INVALID_ACTION", message: "this gateway does not know the action"}
}

// metadata is the permission to put one object, or to post one by a form. A form is signed
// as one to /, without its key.
func (g *Gateway) metadata(by caller, in call, now time.Time) (any, *fault) {
	t := g.upload(by, question{Key: in.Path}, now)
	if t["code"] != "" {
		return nil, &fault{code: t["code"], message: t["message"]}
	}
	if in.Method == "post" {
		t["uploadUrl"], t["authorization"] = g.bucket.form(now)
	}
	return map[string]string{
		"url": t["uploadUrl"], "token": t["token"], "authorization": t["authorization"],
		"fileId": t["cloudObjectId"], "cosFileId": t["cloudObjectMeta"],
	}, nil
}

// bare gives JSON that may come as a text.
func bare(raw json.RawMessage) json.RawMessage {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return json.RawMessage(text)
	}
	return raw
}

// downloadItem is the answer about a file in this protocol's words.
func downloadItem(fileID string, a map[string]string) map[string]string {
	out := map[string]string{"code": "SUCCESS", "fileid": fileID, "fileID": fileID, "download_url": a["downloadUrl"], "tempFileURL": a["downloadUrl"]}
	if a["code"] != "" {
		out["code"] = strings.Replace(a["code"], "OBJECT_NOT_EXIST", "STORAGE_FILE_NONEXIST", 1)
	}
	return out
}
