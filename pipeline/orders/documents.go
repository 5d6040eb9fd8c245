package orders

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/cloudbase"
)

// Documents keeps orders in documents of a CloudBase collection, by the HTTP API of its
// environment (docs.cloudbase.net/http-api/nosql). It is safe for use by many goroutines.
type Documents struct {
	col *cloudbase.Collection
	opt DocumentOptions
}

var _ pipeline.OrderStore = (*Documents)(nil)

// NewDocuments makes an order store over a client of an environment. It asks for nothing:
// see Inspect. Errors name the option that is wrong.
func NewDocuments(c *cloudbase.Client, opt DocumentOptions) (*Documents, error) {
	if c == nil {
		return nil, errors.New("orders: no client of CloudBase")
	}
	opt = opt.withDefaults()
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	return &Documents{c.Collection(opt.Collection), opt}, nil
}

// ReadOrder reads one order. No document is Waiting, no collection Missing; two documents,
// and fields of other types than the options say, are Invalid.
func (s *Documents) ReadOrder(ctx context.Context, id string) (pipeline.Order, error) {
	const op = "orders.read"
	o, as, err := s.read(ctx, op, id)
	if err != nil {
		return pipeline.Order{}, err
	}
	version, err := json.Marshal(as)
	if err != nil {
		return pipeline.Order{}, pipeline.Errorf(pipeline.Bug, op, id, "%w", err)
	}
	o.Version = string(version)
	return o, nil
}

// asRead is what is kept of a document to write it: the version of an order.
type asRead struct {
	// Query finds the document only while all that an attach goes by is as it was.
	Query map[string]json.RawMessage `json:"query"`
	// Count is the version field; 0 where there is none yet.
	Count int64 `json:"count,omitempty"`
	// Null says that the array is null, which nothing can be added to.
	Null bool `json:"null,omitempty"`
}

func (s *Documents) read(ctx context.Context, op, id string) (o pipeline.Order, as asRead, err error) {
	if !utf8.ValidString(id) {
		return o, as, pipeline.Errorf(pipeline.Invalid, op, id, "no document has an ID that is not UTF-8")
	}
	found, err := s.col.Find(ctx, cloudbase.Object{s.opt.KeyField: named(id)}, s.opt.fields(), 2)
	switch {
	case err != nil:
		return o, as, fail(op, id, err)
	case len(found) == 0:
		return o, as, pipeline.Errorf(pipeline.Waiting, op, id, "no document of %q has this %s yet", s.opt.Collection, s.opt.KeyField)
	case len(found) > 1:
		return o, as, pipeline.Errorf(pipeline.Invalid, op, id,
			"two documents of %q have this %s: it has to be unique", s.opt.Collection, s.opt.KeyField)
	}
	o.ID = id
	if as, err = s.take(&o, found[0]); err != nil {
		return o, as, pipeline.Errorf(pipeline.Invalid, op, id, "a document of %q: %w", s.opt.Collection, err)
	}
	return o, as, nil
}

// take reads the fields of a document.
func (s *Documents) take(o *pipeline.Order, d cloudbase.Document) (as asRead, err error) {
	raw := d[s.opt.ImagesField]
	as.Null = isNull(raw)
	for _, f := range []struct {
		name string
		read func(raw json.RawMessage) error
	}{
		{s.opt.KeyField, func(raw json.RawMessage) error { return exactly(raw, o.ID) }},
		{s.opt.OwnerField, func(raw json.RawMessage) (err error) { o.Owner, err = textOf(raw); return err }},
		{s.opt.ImagesField, func(raw json.RawMessage) (err error) { o.Images, err = parseArray(string(raw)); return err }},
		{s.opt.VersionField, func(raw json.RawMessage) (err error) { as.Count, err = wholeNumber(raw); return err }},
	} {
		if f.name == "" {
			continue
		}
		if err := f.read(d[f.name]); err != nil {
			return as, fieldError(f.name, err)
		}
	}
	as.Query, err = s.query(d, as.Null)
	return as, err
}

// query is what finds a document while it is as it was read: what was not there must not be
// there. Without a version field the array is compared only where it is null.
func (s *Documents) query(d cloudbase.Document, null bool) (map[string]json.RawMessage, error) {
	if d["_id"] == nil {
		return nil, errors.New("the document has no _id")
	}
	query := map[string]json.RawMessage{"_id": d["_id"]}
	compared := []string{s.opt.KeyField, s.opt.OwnerField, s.opt.VersionField}
	if s.opt.VersionField != "" || null {
		compared = append(compared, s.opt.ImagesField)
	}
	for _, field := range compared {
		if raw, ok := d[field]; ok {
			query[field] = raw
		} else if field != "" {
			query[field] = json.RawMessage(`{"$exists":false}`)
		}
	}
	return query, nil
}

// WriteImages replaces the array by one update that finds the document only if owner, array
// and version field are as they were read. Without a version field it only adds and takes
// away: see DocumentOptions.VersionField.
func (s *Documents) WriteImages(ctx context.Context, was pipeline.Order, images []string) error {
	const op = "orders.write"
	if _, err := formatArray(images); err != nil {
		return pipeline.Errorf(pipeline.Invalid, op, was.ID, "%w", err)
	}
	var as asRead
	if err := json.Unmarshal([]byte(was.Version), &as); err != nil || as.Query == nil {
		return pipeline.Errorf(pipeline.Bug, op, was.ID, "the version is not one of ReadOrder")
	}
	if s.opt.VersionField == "" && !as.Null {
		return s.add(ctx, op, was, as, images)
	}
	return s.update(ctx, op, was.ID, as, s.replace(images), func(now pipeline.Order, then asRead) bool {
		counted := s.opt.VersionField == "" || then.Count == as.Count+1
		return counted && now.Owner == was.Owner && slices.Equal(now.Images, images)
	})
}

// replace is the update that stores an array.
func (s *Documents) replace(images []string) cloudbase.Object {
	if images == nil {
		images = []string{}
	}
	change := cloudbase.Object{"$set": s.set(cloudbase.Object{s.opt.ImagesField: images})}
	if s.opt.VersionField != "" {
		change["$inc"] = cloudbase.Object{s.opt.VersionField: cloudbase.Int(1)}
	}
	return change
}

// set adds the clock of the database to the fields of a $set.
func (s *Documents) set(fields cloudbase.Object) cloudbase.Object {
	if s.opt.UpdatedAtField != "" {
		fields[s.opt.UpdatedAtField] = cloudbase.ServerDate()
	}
	return fields
}

// update runs one update. Where its answer was lost, done tells from the order as it is now
// whether it happened.
func (s *Documents) update(ctx context.Context, op, id string, as asRead, change cloudbase.Object, done func(pipeline.Order, asRead) bool) error {
	query := cloudbase.Object{}
	for field, raw := range as.Query {
		query[field] = raw
	}
	got, err := s.col.Update(ctx, query, change)
	switch {
	case pipeline.ClassOf(err) == pipeline.Transient:
		if now, then, rerr := s.read(ctx, op, id); rerr == nil && done(now, then) {
			return nil
		}
		return fail(op, id, err)
	case err != nil:
		return fail(op, id, err)
	case got.Matched > 0:
		return nil
	}
	if _, _, err := s.read(ctx, op, id); pipeline.ClassOf(err) == pipeline.Waiting {
		return err
	}
	return pipeline.Errorf(pipeline.Conflict, op, id, "the order was written by somebody else since it was read")
}

// add brings the array as near to images as taking away and adding can. It compares nothing
// but the owner, so that the array may end in another order.
func (s *Documents) add(ctx context.Context, op string, was pipeline.Order, as asRead, images []string) error {
	gone, fresh := missing(was.Images, images), missing(images, was.Images)
	for _, step := range []struct {
		operator string
		entries  []string
		operand  any
		there    bool // whether the entries are to be there afterwards
	}{
		{"$pullAll", gone, gone, false},
		{"$addToSet", fresh, cloudbase.Object{"$each": fresh}, true},
	} {
		if len(step.entries) == 0 {
			continue
		}
		change := cloudbase.Object{step.operator: cloudbase.Object{s.opt.ImagesField: step.operand}}
		if fields := s.set(cloudbase.Object{}); len(fields) > 0 {
			change["$set"] = fields
		}
		err := s.update(ctx, op, was.ID, as, change, func(now pipeline.Order, _ asRead) bool {
			return !slices.ContainsFunc(step.entries, func(f string) bool { return slices.Contains(now.Images, f) != step.there })
		})
		if err != nil {
			return err
		}
	}
	now, _, err := s.read(ctx, op, was.ID)
	if err != nil {
		return err
	}
	if !slices.Equal(now.Images, images) {
		return &pipeline.Error{Class: pipeline.Conflict, Op: op, Key: was.ID, Err: pipeline.ErrNotAsAsked}
	}
	return nil
}

// missing gives the entries of list that others has not, each once.
func missing(list, others []string) []string {
	var out []string
	for _, f := range list {
		if !slices.Contains(others, f) && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// fail keeps the class of the client's error, and names the order.
func fail(op, id string, err error) error {
	return &pipeline.Error{Class: pipeline.ClassOf(err), Op: op, Key: id, RetryAfter: pipeline.RetryAfterOf(err), Err: err}
}
