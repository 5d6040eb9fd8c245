package cloudbasetest

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"time"
)

// document is one document, with numbers and strings as JSON has them and dates as
// {"$date": milliseconds}.
type document map[string]any

// fault is what a call of the database is refused with.
type fault struct {
	status        int
	code, message string
}

// Collection makes an empty collection; its documents belong to their _openid, whom alone
// an end user is let near.
func (g *Gateway) Collection(name string) { g.do(func() { g.collections[name] = []document{} }) }

// databasePath is the one instance and database that an environment has.
const databasePath = "/v1/database/instances/(default)/databases/(default)/collections/{collection}/documents"

// route serves one call of the database's HTTP API (docs.cloudbase.net/http-api/nosql).
func (g *Gateway) route(answer func(r *http.Request, by caller, now time.Time) (any, *fault)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		now := g.now(w)
		by, ok := g.caller(r)
		if !ok {
			refuse(w, http.StatusUnauthorized, "INVALID_ACCESS_TOKEN", "the access token is missing, invalid or expired")
			return
		}
		out, bad := answer(r, by, now)
		if bad != nil {
			refuse(w, bad.status, bad.code, bad.message)
			return
		}
		write(w, http.StatusOK, out)
	}
}

func (g *Gateway) find(r *http.Request, by caller, _ time.Time) (any, *fault) {
	list, bad := g.query(by, r.PathValue("collection"), []byte(r.URL.Query().Get("query")))
	return map[string]any{"offset": 0, "limit": 100, "list": list, "total": len(list)}, bad
}

func (g *Gateway) update(r *http.Request, by caller, now time.Time) (any, *fault) {
	var in struct {
		Query, Data                json.RawMessage
		Multi, Upsert, ReplaceMode bool
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Multi || in.Upsert || in.ReplaceMode {
		return nil, invalid("this gateway updates one document, by query and data")
	}
	matched, updated, bad := g.set(by, r.PathValue("collection"), in.Query, in.Data, now)
	return map[string]any{"matched": matched, "updated": updated, "upsert_id": ""}, bad
}

func (g *Gateway) add(r *http.Request, by caller, now time.Time) (any, *fault) {
	var in struct{ Data []json.RawMessage }
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		return nil, invalid("want data, a list of documents")
	}
	ids, bad := g.insert(by, r.PathValue("collection"), in.Data, now)
	return map[string]any{"insertedIds": ids}, bad
}

func invalid(message string) *fault { return &fault{http.StatusBadRequest, "INVALID_PARAM", message} }

// query gives the documents whose fields are those of a filter.
func (g *Gateway) query(by caller, collection string, filter []byte) ([]document, *fault) {
	all, ok := g.collections[collection]
	if !ok {
		return nil, &fault{http.StatusNotFound, "DATABASE_COLLECTION_NOT_EXIST", "the collection does not exist"}
	}
	want, ok := parse(filter, time.Time{}).(map[string]any)
	if !ok {
		return nil, invalid("query is not an object")
	}
	found := []document{}
	for _, d := range all {
		match, bad := matches(d, want)
		if bad != nil {
			return nil, bad
		}
		if !match {
			continue
		}
		if by.owner != "" && d["_openid"] != by.owner {
			return nil, &fault{http.StatusUnauthorized, "DATABASE_PERMISSION_DENIED", "the document is another user's"}
		}
		found = append(found, d)
	}
	return found, nil
}

func matches(d document, want map[string]any) (bool, *fault) {
	for field, value := range want {
		if operators, ok := value.(map[string]any); ok && operators["$eq"] != nil && len(operators) == 1 {
			value = operators["$eq"]
		}
		if _, ok := value.(map[string]any); ok || strings.HasPrefix(field, "$") {
			return false, &fault{http.StatusForbidden, "DATABASE_INVALID_OPERRATOR", "this gateway compares fields by equality"}
		}
		if !reflect.DeepEqual(d[field], value) {
			return false, nil
		}
	}
	return true, nil
}

// set writes fields of the first document that matches.
func (g *Gateway) set(by caller, collection string, filter, data []byte, now time.Time) (matched, updated int, bad *fault) {
	change, ok := parse(data, now).(map[string]any)
	fields, isSet := change["$set"].(map[string]any)
	if !ok || !isSet || len(change) != 1 {
		return 0, 0, &fault{http.StatusForbidden, "DATABASE_INVALID_OPERRATOR", "this gateway knows $set"}
	}
	if fields["_id"] != nil || fields["_openid"] != nil {
		return 0, 0, invalid("_id and _openid cannot be changed")
	}
	found, bad := g.query(by, collection, filter)
	if bad != nil || len(found) == 0 {
		return 0, 0, bad
	}
	before := maps.Clone(found[0])
	maps.Copy(found[0], fields)
	if reflect.DeepEqual(before, found[0]) {
		return 1, 0, nil
	}
	return 1, 1, nil
}

func (g *Gateway) insert(by caller, collection string, data []json.RawMessage, now time.Time) ([]string, *fault) {
	if _, ok := g.collections[collection]; !ok {
		return nil, &fault{http.StatusNotFound, "DATABASE_COLLECTION_NOT_EXIST", "the collection does not exist"}
	}
	var ids []string
	for _, text := range data {
		d, ok := parse(text, now).(map[string]any)
		if !ok {
			return ids, invalid("a document is not an object")
		}
		id, _ := d["_id"].(string)
		if id == "" {
			id = g.unique("document")
		}
		for _, other := range g.collections[collection] {
			if other["_id"] == id {
				return ids, &fault{http.StatusConflict, "DATABASE_DUPLICATE_KEY", "the _id is there already"}
			}
		}
		d["_id"] = id
		if by.owner != "" {
			d["_openid"] = by.owner
		}
		g.collections[collection] = append(g.collections[collection], d)
		ids = append(ids, id)
	}
	return ids, nil
}

// parse reads extended JSON: numbers are plain ones, and the server's date is now.
func parse(text []byte, now time.Time) any {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return nil
	}
	return plain(v, now)
}

func plain(v any, now time.Time) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = plain(v[i], now)
		}
	case map[string]any:
		for _, number := range []string{"$numberInt", "$numberLong", "$numberDouble"} {
			if s, ok := v[number].(string); ok {
				var n float64
				_ = json.Unmarshal([]byte(s), &n)
				return n
			}
		}
		for _, date := range []string{"$date", "$tcb_server_date"} {
			if d, ok := v[date].(map[string]any); ok && d["offset"] != nil {
				offset, _ := plain(d["offset"], now).(float64)
				return map[string]any{"$date": now.Add(time.Duration(offset) * time.Millisecond).UTC().Format(time.RFC3339Nano)}
			}
		}
		for k := range v {
			v[k] = plain(v[k], now)
		}
	}
	return v
}
