package worker

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"strings"
	"sync"

	"github.com/afterput/afterput/pipeline"
)

// store is an object store in memory. hook sees every call before it happens: op is
// get, put or delete.
type store struct {
	mu      sync.Mutex
	objects map[string][]byte
	hook    func(ctx context.Context, op, key string) error
	private map[string]bool
	// read, if not nil, may refuse what get allowed.
	read func(opt pipeline.ReadOptions) error
}

func etagOf(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

func (s *store) ask(ctx context.Context, op, key string) error {
	s.mu.Lock()
	hook := s.hook
	s.mu.Unlock()
	if hook != nil {
		return hook(ctx, op, key)
	}
	return nil
}

// onCall replaces the hook.
func (s *store) onCall(hook func(ctx context.Context, op, key string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

func (s *store) set(key, content string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = []byte(content)
}

func (s *store) remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, key)
}

func (s *store) content(key string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.objects[key])
}

func (s *store) Head(context.Context, string, string) (pipeline.ObjectInfo, error) {
	panic("no step uses Head")
}

func (s *store) Get(ctx context.Context, _, key string, opt pipeline.ReadOptions) (pipeline.ObjectInfo, io.ReadCloser, error) {
	if err := s.ask(ctx, "get", key); err != nil {
		return pipeline.ObjectInfo{}, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read != nil {
		if err := s.read(opt); err != nil {
			return pipeline.ObjectInfo{}, nil, err
		}
	}
	b, ok := s.objects[key]
	switch {
	case !ok:
		return pipeline.ObjectInfo{}, nil, pipeline.Errorf(pipeline.Missing, "store.get", key, "404")
	case opt.IfMatch != "" && opt.IfMatch != etagOf(b):
		return pipeline.ObjectInfo{}, nil, pipeline.Errorf(pipeline.Superseded, "store.get", key, "412")
	}
	return pipeline.ObjectInfo{ETag: etagOf(b), Size: int64(len(b))}, io.NopCloser(bytes.NewReader(b)), nil
}

func (s *store) Put(ctx context.Context, _, key string, body []byte, _ pipeline.PutOptions) (string, error) {
	if err := s.ask(ctx, "put", key); err != nil {
		return "", err
	}
	s.set(key, string(body))
	return etagOf(body), nil
}

func (s *store) Delete(ctx context.Context, _, key string) error {
	if err := s.ask(ctx, "delete", key); err != nil {
		return err
	}
	s.remove(key)
	return nil
}

func (s *store) Public(_ context.Context, _, key string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.private[key], nil
}

// copier makes thumbnails that hold the original, so that tests see whose they are.
type copier struct{}

func (copier) Thumbnails(_ context.Context, src io.Reader, _ pipeline.Facts, _ int64, presets []pipeline.Preset) ([]pipeline.Thumbnail, error) {
	b, err := io.ReadAll(src)
	var out []pipeline.Thumbnail
	for _, p := range presets {
		out = append(out, pipeline.Thumbnail{Preset: p.Name, Width: 1, Height: 1, Type: "image/jpeg", Data: b})
	}
	return out, err
}

// orders is an order store in memory.
type orders struct {
	mu   sync.Mutex
	rows map[string][]string
}

func (o *orders) ReadOrder(_ context.Context, id string) (pipeline.Order, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	images, ok := o.rows[id]
	if !ok {
		return pipeline.Order{}, pipeline.Errorf(pipeline.Waiting, "orders.read", id, "no such order")
	}
	return pipeline.Order{ID: id, Images: images, Version: pipeline.ArrayHash(images)}, nil
}

func (o *orders) WriteImages(_ context.Context, was pipeline.Order, images []string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if pipeline.ArrayHash(o.rows[was.ID]) != was.Version {
		return pipeline.Errorf(pipeline.Conflict, "orders.write", was.ID, "changed meanwhile")
	}
	o.rows[was.ID] = images
	return nil
}

func (o *orders) create(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rows[id] = []string{}
}

func (o *orders) images(id string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rows[id]
}

// urls resolves and caches URLs in memory.
type urls struct {
	mu    sync.Mutex
	calls []int
	fail  map[string]error
	hook  func() error
	kept  map[string]string
}

func (u *urls) PublicURLs(_ context.Context, _ string, keys []string) ([]pipeline.ResolvedURL, error) {
	if u.hook != nil {
		if err := u.hook(); err != nil {
			return nil, err
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls = append(u.calls, len(keys))
	out := make([]pipeline.ResolvedURL, len(keys))
	for i, k := range keys {
		out[i] = pipeline.ResolvedURL{URL: "https://u/" + k, Err: u.fail[k]}
	}
	return out, nil
}

func (u *urls) Set(_ context.Context, t pipeline.TempURL) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.kept[t.FileID] = t.URL
	return nil
}

func (u *urls) Delete(_ context.Context, fileIDs ...string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, f := range fileIDs {
		delete(u.kept, f)
	}
	return nil
}

func (u *urls) heal(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.fail, key)
}

// sink takes webhooks.
type sink struct {
	mu   sync.Mutex
	sent []string
}

func (s *sink) Notify(_ context.Context, _ string, e pipeline.Event) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what := e.Type
	switch d := e.Data.(type) {
	case pipeline.Outcome:
		what = string(d.State)
	case pipeline.OrderUpdate:
		what = strings.Join(d.FileIDs, ",")
	}
	s.sent = append(s.sent, e.ID+" "+what)
	return true, nil
}

func (s *sink) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.sent...)
}
