package cloudbase

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/afterput/afterput/pipeline"
)

// Object is an object of extended JSON, as a query or an update is.
type Object = map[string]any

// Int is a whole number in strict extended JSON, of the type that an SDK would give it.
func Int(n int64) Object {
	text := strconv.FormatInt(n, 10)
	if int64(int32(n)) == n {
		return Object{"$numberInt": text}
	}
	return Object{"$numberLong": text}
}

// ServerDate is the clock of the database, as a value of an update. It has the form that
// serverDate() of the SDK for the HTTP API sends.
func ServerDate() Object { return Object{"$date": Object{"offset": 0}} }

// Document holds the fields of one document, in strict extended JSON.
type Document map[string]json.RawMessage

// Updated says what an update found and changed: 0 or 1 each.
type Updated struct{ Matched, Changed int }

// Collection is a collection of the environment's document database, of its default
// instance. It is safe for concurrent use.
type Collection struct {
	c    *Client
	name string
	path string
}

// Collection gives the collection of a name, whether it exists or not.
func (c *Client) Collection(name string) *Collection {
	return &Collection{c, name, "/v1/database/instances/(default)/databases/(default)/collections/" + url.PathEscape(name) + "/documents"}
}

// Find gives at most limit documents that match a query, with these fields and _id, or with
// all fields where none is named.
func (col *Collection) Find(ctx context.Context, query Object, fields []string, limit int) ([]Document, error) {
	const op = "cloudbase.find"
	projection := Object{}
	for _, f := range fields {
		projection[f] = 1
	}
	q := url.Values{"offset": {"0"}, "limit": {strconv.Itoa(limit)}}
	for name, v := range map[string]Object{"query": query, "projection": projection} {
		text, err := encodeJSON(v)
		if err != nil {
			return nil, pipeline.Errorf(pipeline.Bug, op, col.name, "%w", err)
		}
		q.Set(name, string(text))
	}
	var out struct {
		answer
		List *[]Document
	}
	if _, err := col.c.call(ctx, op, http.MethodGet, col.path+"?"+q.Encode(), nil, &out); err != nil {
		return nil, err
	}
	if out.List == nil {
		return nil, out.incomplete(op, col.name)
	}
	return *out.List, nil
}

// Update changes the one document that matches a query, by update operators. An error of
// class Transient leaves open whether it did.
func (col *Collection) Update(ctx context.Context, query, change Object) (Updated, error) {
	const op = "cloudbase.update"
	in := Object{"query": query, "data": change, "multi": false, "upsert": false, "replaceMode": false}
	var out struct {
		answer
		Matched, Updated *int
	}
	if _, err := col.c.call(ctx, op, http.MethodPatch, col.path, in, &out); err != nil {
		return Updated{}, err
	}
	if out.Matched == nil || out.Updated == nil {
		return Updated{}, out.incomplete(op, col.name)
	}
	return Updated{*out.Matched, *out.Updated}, nil
}

// answer is what an answer with status 200 may say instead.
type answer struct{ Code, Message string }

func (a answer) incomplete(op, key string) error {
	return pipeline.Errorf(classOf(a.Code), op, key, "not an answer to what was asked: %.80s: %.200s", a.Code, a.Message)
}
