package cloudbasetest

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// fault is what a call of the database is refused with.
type fault struct {
	status        int
	code, message string
}

func invalid(message string) *fault { return &fault{http.StatusBadRequest, "INVALID_PARAM", message} }

// collection are documents. They belong to their _openid, whom alone an end user is let near;
// where only backends may come no end user is.
type collection struct {
	documents []document
	adminOnly bool
}

// Collection makes an empty collection; its documents belong to their _openid, whom alone
// an end user is let near.
func (g *Gateway) Collection(name string) { g.do(func() { g.collections[name] = &collection{} }) }

// AdminOnly lets nobody but backends near a collection.
func (g *Gateway) AdminOnly(name string) { g.do(func() { g.collections[name].adminOnly = true }) }

// Insert puts a document in extended JSON into a collection, as a backend would.
func (g *Gateway) Insert(name, text string) {
	g.do(func() {
		if _, bad := g.insert(caller{}, name, []json.RawMessage{json.RawMessage(text)}, time.Now()); bad != nil {
			panic(bad.message)
		}
	})
}

// Find gives the fields of a document by its _id.
func (g *Gateway) Find(name, id string) map[string]any {
	fields := map[string]any{}
	g.do(func() {
		for _, d := range g.collections[name].documents {
			if d["_id"] == id {
				maps.Copy(fields, d)
			}
		}
	})
	return fields
}

// databasePath is the one instance and database that an environment has.
const databasePath = "/v1/database/instances/(default)/databases/(default)/collections/{collection}/documents"

// database routes the calls of the database's HTTP API (docs.cloudbase.net/http-api/nosql).
func (g *Gateway) database() {
	for pattern, answer := range map[string]func(*http.Request, caller, time.Time) (any, *fault){
		"GET " + databasePath:              g.find,
		"GET " + databasePath + "/{id}":    g.findOne,
		"PATCH " + databasePath:            g.update,
		"POST " + databasePath:             g.add,
		"POST " + databasePath + "/remove": g.remove,
	} {
		g.mux.HandleFunc(pattern, g.route(answer))
	}
}

// route serves one call. All of it happens at once, under one lock.
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
		write(w, http.StatusOK, strict(out))
	}
}

func (g *Gateway) find(r *http.Request, by caller, now time.Time) (any, *fault) {
	q := r.URL.Query()
	text := q.Get("query")
	if text == "" {
		text = "{}"
	}
	fields, bad := projection(q.Get("projection"), now)
	if bad != nil {
		return nil, bad
	}
	offset, limit := 0, 20
	for name, to := range map[string]*int{"offset": &offset, "limit": &limit} {
		if q.Get(name) == "" {
			continue
		}
		var err error
		if *to, err = strconv.Atoi(q.Get(name)); err != nil || *to < 0 {
			return nil, invalid(name + " is not a number")
		}
	}
	found, bad := g.query(by, r.PathValue("collection"), []byte(text))
	if bad != nil {
		return nil, bad
	}
	list := []any{}
	for _, d := range found[min(offset, len(found)):min(offset+limit, len(found))] {
		list = append(list, d.only(fields))
	}
	return map[string]any{"offset": offset, "limit": limit, "list": list, "total": len(found)}, nil
}

func (g *Gateway) findOne(r *http.Request, by caller, _ time.Time) (any, *fault) {
	filter, err := json.Marshal(map[string]string{"_id": r.PathValue("id")})
	if err != nil {
		return nil, invalid("the _id")
	}
	found, bad := g.query(by, r.PathValue("collection"), filter)
	if bad == nil && len(found) == 0 {
		bad = &fault{http.StatusNotFound, "DOCUMENT_NOT_FOUND", "the document does not exist"}
	}
	if bad != nil {
		return nil, bad
	}
	return found[0], nil
}

// projection reads the fields to give; none are all. Only inclusion is known.
func projection(text string, now time.Time) (map[string]any, *fault) {
	if text == "" {
		return nil, nil
	}
	fields, err := parseObject([]byte(text), now)
	if err != nil {
		return nil, invalid("projection: " + err.Error())
	}
	for field, include := range fields {
		if n, ok := include.(number); !ok || n.value != 1 {
			return nil, invalid("this gateway includes fields by 1: " + field)
		}
		if bad := checkField(field); bad != nil {
			return nil, bad
		}
	}
	return fields, nil
}

// only gives a document with some fields and its _id.
func (d document) only(fields map[string]any) document {
	if len(fields) == 0 {
		return d
	}
	out := document{"_id": d["_id"]}
	for field := range fields {
		if value, ok := d[field]; ok {
			out[field] = value
		}
	}
	return out
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

func (g *Gateway) remove(r *http.Request, by caller, _ time.Time) (any, *fault) {
	var in struct {
		Query json.RawMessage
		Multi bool
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil || in.Multi {
		return nil, invalid("this gateway removes one document, by query")
	}
	name := r.PathValue("collection")
	found, bad := g.query(by, name, in.Query)
	if bad != nil || len(found) == 0 {
		return map[string]any{"deleted": 0}, bad
	}
	g.collections[name].replace(found[0], nil)
	return map[string]any{"deleted": 1}, nil
}

// query gives the documents that a filter asks for.
func (g *Gateway) query(by caller, name string, filter []byte) ([]document, *fault) {
	c, ok := g.collections[name]
	switch {
	case !ok:
		return nil, &fault{http.StatusNotFound, "DATABASE_COLLECTION_NOT_EXIST", "the collection does not exist"}
	case c.adminOnly && by.owner != "":
		return nil, &fault{http.StatusUnauthorized, "DATABASE_PERMISSION_DENIED", "the collection is for backends"}
	}
	want, err := parseObject(filter, time.Time{})
	if err != nil {
		return nil, invalid("query: " + err.Error())
	}
	found := []document{}
	for _, d := range c.documents {
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

// set changes the first document that a filter asks for.
func (g *Gateway) set(by caller, name string, filter, data []byte, now time.Time) (matched, updated int, bad *fault) {
	object, err := parseObject(data, now)
	if err != nil {
		return 0, 0, invalid("data: " + err.Error())
	}
	change, bad := asChange(object)
	if bad != nil {
		return 0, 0, bad
	}
	if _, bad = apply(document{}, change); bad != nil && bad.code != "DATABASE_REQUEST_FAILED" {
		return 0, 0, bad // what no document could be changed by is refused although there is none
	}
	found, bad := g.query(by, name, filter)
	if bad != nil || len(found) == 0 {
		return 0, 0, bad
	}
	next, bad := apply(found[0], change)
	if bad != nil {
		return 0, 0, bad
	}
	if equal(next, map[string]any(found[0])) {
		return 1, 0, nil
	}
	g.collections[name].replace(found[0], next)
	return 1, 1, nil
}

// replace puts a document in the place of another one; nil removes it.
func (c *collection) replace(old, next document) {
	for i, d := range c.documents {
		if !equal(d["_id"], old["_id"]) {
			continue
		}
		if next != nil {
			c.documents[i] = next
		} else {
			c.documents = append(c.documents[:i:i], c.documents[i+1:]...)
		}
		return
	}
}

func (g *Gateway) insert(by caller, name string, data []json.RawMessage, now time.Time) ([]any, *fault) {
	c, ok := g.collections[name]
	if !ok {
		return nil, &fault{http.StatusNotFound, "DATABASE_COLLECTION_NOT_EXIST", "the collection does not exist"}
	}
	ids := []any{}
	for _, text := range data {
		d, err := parseObject(text, now)
		if err != nil {
			return ids, invalid("a document: " + err.Error())
		}
		if d["_id"] == nil {
			d["_id"] = g.unique("document")
		}
		for _, other := range c.documents {
			if equal(other["_id"], d["_id"]) {
				return ids, &fault{http.StatusConflict, "DATABASE_DUPLICATE_WRITE", "the _id is there already"}
			}
		}
		if by.owner != "" {
			d["_openid"] = by.owner
		}
		c.documents = append(c.documents, d)
		ids = append(ids, d["_id"])
	}
	return ids, nil
}
