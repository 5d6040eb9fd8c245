package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/afterput/afterput/pipeline"
)

var (
	errNetwork = errors.New("connection reset")
	checkedAt  = time.Unix(1_700_000_000, 0)
)

// memObjects is a bucket in memory. Its ETag of an object is "v" and its length.
type memObjects struct {
	data   map[string]string
	public map[string]bool
	log    []string
	fail   map[string]error // by "op key"
	onRead func()
}

func (m *memObjects) step(op, key string) error {
	m.log = append(m.log, op+" "+key)
	return m.fail[op+" "+key]
}

func (m *memObjects) info(key string) (pipeline.ObjectInfo, error) {
	body, ok := m.data[key]
	if !ok {
		return pipeline.ObjectInfo{}, pipeline.Errorf(pipeline.Missing, "objects", key, "404")
	}
	return pipeline.ObjectInfo{ETag: fmt.Sprintf("v%d", len(body)), VersionID: "ver", Size: int64(len(body))}, nil
}

func (m *memObjects) Head(_ context.Context, _, key string) (pipeline.ObjectInfo, error) {
	if err := m.step("head", key); err != nil {
		return pipeline.ObjectInfo{}, err
	}
	return m.info(key)
}

func (m *memObjects) Get(_ context.Context, _, key string, opt pipeline.ReadOptions) (pipeline.ObjectInfo, io.ReadCloser, error) {
	if err := m.step(fmt.Sprintf("get[%d:%d]%s", opt.Offset, opt.Length, opt.IfMatch), key); err != nil {
		return pipeline.ObjectInfo{}, nil, err
	}
	info, err := m.info(key)
	if err != nil {
		return info, nil, err
	}
	if opt.IfMatch != "" && opt.IfMatch != info.ETag {
		return info, nil, pipeline.Errorf(pipeline.Superseded, "objects", key, "412")
	}
	body := m.data[key][min(opt.Offset, info.Size):]
	if opt.Length > 0 && int64(len(body)) > opt.Length {
		body = body[:opt.Length]
	}
	if m.onRead != nil {
		m.onRead()
	}
	return info, io.NopCloser(bytes.NewReader([]byte(body))), nil
}

func (m *memObjects) Put(_ context.Context, _, key string, body []byte, _ pipeline.PutOptions) (string, error) {
	if err := m.step("put", key); err != nil {
		return "", err
	}
	m.data[key] = string(body)
	return "etag", nil
}

func (m *memObjects) Delete(_ context.Context, _, key string) error {
	if err := m.step("delete", key); err != nil {
		return err
	}
	delete(m.data, key)
	return nil
}

func (m *memObjects) Public(_ context.Context, _, key string) (bool, error) {
	return m.public[key], m.step("public", key)
}

// memOrders is one order that compares and sets by its content, as the SQL store does.
type memOrders struct {
	owner   string
	images  []string
	missing bool
	writes  int
	at      func(point string) error
	// adds says that it adds and takes away, and does not arrange or compare.
	adds bool
}

func (m *memOrders) ReadOrder(_ context.Context, id string) (pipeline.Order, error) {
	if err := m.at("read"); err != nil {
		return pipeline.Order{}, err
	}
	if m.missing {
		return pipeline.Order{}, pipeline.Errorf(pipeline.Waiting, "orders.read", id, "no such order")
	}
	return pipeline.Order{ID: id, Owner: m.owner, Images: slices.Clone(m.images), Version: pipeline.ArrayHash(m.images)}, nil
}

func (m *memOrders) WriteImages(_ context.Context, was pipeline.Order, images []string) error {
	if err := m.at("before write"); err != nil {
		return err
	}
	if m.adds {
		return m.add(was, images)
	}
	if was.Version != pipeline.ArrayHash(m.images) {
		return pipeline.Errorf(pipeline.Conflict, "orders.write", was.ID, "lost the race")
	}
	m.images, m.writes = slices.Clone(images), m.writes+1
	return m.at("after write")
}

func (m *memOrders) add(was pipeline.Order, images []string) error {
	m.writes++
	m.images = slices.DeleteFunc(m.images, func(f string) bool { return slices.Contains(was.Images, f) && !slices.Contains(images, f) })
	for _, f := range images {
		if !slices.Contains(was.Images, f) && !slices.Contains(m.images, f) {
			m.images = append(m.images, f)
		}
	}
	if err := m.at("after write"); err != nil {
		return err
	}
	if !slices.Equal(m.images, images) {
		return &pipeline.Error{Class: pipeline.Conflict, Op: "orders.write", Key: was.ID, Err: pipeline.ErrNotAsAsked}
	}
	return nil
}

// memBook is the ledger's side of one order.
type memBook struct {
	state  pipeline.OrderState
	holder string
	known  string // the array as subscribers know it
	told   []pipeline.OrderUpdate
	at     func(point string) error
}

func (b *memBook) LockOrder(_ context.Context, order, holder string) (pipeline.OrderState, error) {
	if b.holder != "" && b.holder != holder {
		return pipeline.OrderState{}, pipeline.Errorf(pipeline.Conflict, "book.lock", order, "held by %s", b.holder)
	}
	b.holder = holder
	if err := b.at("before lock"); err != nil {
		return pipeline.OrderState{}, err
	}
	st := pipeline.OrderState{Links: slices.Clone(b.state.Links), Last: slices.Clone(b.state.Last)}
	if b.state.Intent != nil {
		in := *b.state.Intent
		st.Intent = &in
	}
	return st, b.at("after lock")
}

func (b *memBook) held(order, holder string) error {
	if b.holder != holder {
		return pipeline.Errorf(pipeline.Conflict, "book", order, "the hold is lost")
	}
	return nil
}

func (b *memBook) SaveIntent(_ context.Context, order, holder string, in pipeline.Intent) error {
	if err := errors.Join(b.at("before intent"), b.held(order, holder)); err != nil {
		return err
	}
	b.state.Intent = &in
	if b.known == "" {
		b.known = in.Before
	}
	return b.at("after intent")
}

func (b *memBook) CommitOrder(_ context.Context, order, holder string, c pipeline.OrderCommit) error {
	if err := b.at("before commit"); err != nil {
		return err
	}
	if err := b.held(order, holder); err != nil {
		return err
	}
	b.state.Intent, b.state.Last = nil, slices.Clone(c.Last)
	for _, l := range c.Links {
		for i := range b.state.Links {
			if b.state.Links[i].Seq == l.Seq {
				b.state.Links[i].Attached, b.state.Links[i].Written = l.Attached, l.Written
			}
		}
	}
	if c.Now != nil && b.known != "" && b.known != pipeline.ArrayHash(c.Now.FileIDs) {
		b.known = pipeline.ArrayHash(c.Now.FileIDs)
		b.told = append(b.told, *c.Now)
	}
	return b.at("after commit")
}

func (b *memBook) UnlockOrder(_ context.Context, _, holder string) error {
	if err := b.at("before unlock"); err != nil {
		return err
	}
	if b.holder == holder {
		b.holder = ""
	}
	return nil
}
