package cloudbasetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// call is a request of the protocol of @cloudbase/node-sdk: an action with its parameters.
type call struct {
	Action, EnvName string
	// storage
	Path     string
	FileList []struct{ FileID string } `json:"file_list"`
	// database
	CollectionName, Query string
	Data                  json.RawMessage
}

// admin answers backends (POST /admin). Errors have status 200, as those of the real one.
func (g *Gateway) admin(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now(w)
	body, err := io.ReadAll(io.LimitReader(r.Body, 10<<20))
	var in call
	var params map[string]json.RawMessage
	if err != nil || json.Unmarshal(body, &in) != nil || json.Unmarshal(body, &params) != nil {
		refuse(w, http.StatusOK, "INVALID_PARAM", "the body is not JSON")
		return
	}
	switch {
	case !signedByAdmin(r, params, now):
		refuse(w, http.StatusOK, "SIGN_PARAM_INVALID", "the signature does not match")
		return
	case in.EnvName != Env || r.URL.Query().Get("env") != Env:
		refuse(w, http.StatusOK, "INVALID_ENV", "the environment does not exist")
		return
	}
	data, bad := g.perform(r, in, now)
	if bad != nil {
		refuse(w, http.StatusOK, bad.code, bad.message)
		return
	}
	write(w, http.StatusOK, map[string]any{"requestId": "r", "data": data})
}

func (g *Gateway) perform(r *http.Request, in call, now time.Time) (any, *fault) {
	by := caller{}
	switch in.Action {
	case "storage.getUploadMetadata":
		t := g.upload(by, question{Key: in.Path}, now)
		if t["code"] != "" {
			return nil, &fault{code: t["code"], message: t["message"]}
		}
		return map[string]string{
			"url": t["uploadUrl"], "token": t["token"], "authorization": t["authorization"],
			"fileId": t["cloudObjectId"], "cosFileId": t["cloudObjectMeta"],
		}, nil
	case "storage.batchGetDownloadUrl":
		if len(in.FileList) > 50 {
			return nil, invalid("at most 50 files")
		}
		list := make([]map[string]string, len(in.FileList))
		for i, f := range in.FileList {
			list[i] = adminURL(f.FileID, g.download(r, by, f.FileID, now))
		}
		return map[string]any{"download_list": list}, nil
	case "database.insertDocument":
		var texts []string
		if json.Unmarshal(in.Data, &texts) != nil {
			return nil, invalid("data is not a list of documents")
		}
		data := make([]json.RawMessage, len(texts))
		for i, t := range texts {
			data[i] = json.RawMessage(t)
		}
		ids, bad := g.insert(by, in.CollectionName, data, now)
		return map[string]any{"insertedIds": ids}, bad
	case "database.modifyDocument":
		var text string
		if json.Unmarshal(in.Data, &text) != nil {
			return nil, invalid("data is not a text")
		}
		matched, updated, bad := g.set(by, in.CollectionName, []byte(in.Query), []byte(text), now)
		return map[string]any{"matched": matched, "updated": updated}, bad
	case "database.getDocument":
		found, bad := g.query(by, in.CollectionName, []byte(in.Query))
		list := make([]string, len(found))
		for i, d := range found {
			text, _ := json.Marshal(d)
			list[i] = string(text)
		}
		return map[string]any{"offset": 0, "limit": 100, "list": list}, bad
	}
	return nil, &fault{code: "INVALID_ACTION", message: "this gateway does not know the action"}
}

// adminURL is the answer about a file in this protocol's words.
func adminURL(fileID string, a map[string]string) map[string]string {
	out := map[string]string{"code": "SUCCESS", "fileid": fileID, "fileID": fileID, "download_url": a["downloadUrl"], "tempFileURL": a["downloadUrl"]}
	if a["code"] != "" {
		out["code"] = strings.Replace(a["code"], "OBJECT_NOT_EXIST", "STORAGE_FILE_NONEXIST", 1)
	}
	return out
}

// signedByAdmin verifies the SDK's own variant of TC3: it signs single parameters by their
// names in lower case, the method in lower case, and // before the host.
func signedByAdmin(r *http.Request, params map[string]json.RawMessage, now time.Time) bool {
	fields := map[string]string{}
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "TC3-HMAC-SHA256 ")
	for part := range strings.SplitSeq(rest, ", ") {
		name, value, _ := strings.Cut(part, "=")
		fields[name] = value
	}
	seconds, err := strconv.ParseInt(r.Header.Get("X-Timestamp"), 10, 64)
	at := time.Unix(seconds, 0).UTC()
	scope := at.Format(time.DateOnly) + "/tcb/tc3_request"
	if !ok || err != nil || now.Sub(at).Abs() > 10*time.Minute || fields["Credential"] != SecretID+"/"+scope {
		return false
	}
	signed := strings.Split(fields["SignedHeaders"], ";")
	names := strings.Split(fields["SignedParams"], ";")
	for _, must := range []string{"action", "envname"} {
		if !slices.Contains(names, must) {
			return false
		}
	}
	var headers strings.Builder
	for _, name := range signed {
		value := strings.ToLower(strings.TrimSpace(r.Header.Get(name)))
		if name == "host" {
			value = r.Host
		}
		headers.WriteString(name + ":" + value + "\n")
	}
	text := "post\n//" + r.Host + r.URL.Path + "\n" + r.URL.RawQuery + "\n" + headers.String() + "\n" +
		strings.Join(signed, ";") + "\n" + payload(params, names)
	hash := sha256.Sum256([]byte(text))
	key := []byte("TC3" + SecretKey)
	for _, step := range []string{at.Format(time.DateOnly), "tcb", "tc3_request", "TC3-HMAC-SHA256\n" + r.Header.Get("X-Timestamp") + "\n" + scope + "\n" + hex.EncodeToString(hash[:])} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(step))
		key = mac.Sum(nil)
	}
	return hmac.Equal([]byte(hex.EncodeToString(key)), []byte(fields["Signature"]))
}

// payload hashes the signed parameters: texts as they are, the rest as JSON.
func payload(params map[string]json.RawMessage, names []string) string {
	lower := make(map[string]json.RawMessage, len(params))
	for name, value := range params {
		lower[strings.ToLower(name)] = value
	}
	h := sha256.New()
	for _, name := range names {
		value := string(lower[name])
		var s string
		if json.Unmarshal(lower[name], &s) == nil {
			value = s
		}
		h.Write([]byte("&" + name + "=" + strings.TrimSpace(value) + "\r\n"))
	}
	return hex.EncodeToString(h.Sum(nil))
}
