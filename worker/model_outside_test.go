package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
)

// fault lets the next left calls of a kind fail. With late they fail after they have
// had their effect.
type fault struct {
	class pipeline.Class
	late  bool
	left  int
}

// charge names what a failure was injected into.
type charge struct {
	step  pipeline.Step
	key   string
	class pipeline.Class
}

// outside calls something outside of the process. It is a boundary before and after.
func (w *modelWorld) outside(ctx context.Context, kind string, call func() error) error {
	lifeOf(ctx).boundary(false)
	if err := ctx.Err(); err != nil {
		return pipeline.Errorf(pipeline.Transient, kind, "", "%w", err)
	}
	late := w.faults[kind].late
	err := w.fault(ctx, kind)
	if err == nil || late {
		if done := call(); done != nil {
			return done
		}
		lifeOf(ctx).boundary(false)
	}
	return err
}

// fault gives the error of a call that is to fail.
func (w *modelWorld) fault(ctx context.Context, kind string) error {
	f, l := w.faults[kind], lifeOf(ctx)
	if f.left == 0 || l == nil {
		return nil
	}
	f.left--
	w.faults[kind] = f
	w.charged[charge{l.step, l.key, f.class}]++
	return pipeline.Errorf(f.class, kind, "", "injected")
}

// bucketLife is the store with boundaries.
type bucketLife struct {
	*store
	w *modelWorld
}

func (b bucketLife) Head(ctx context.Context, bucket, key string) (pipeline.ObjectInfo, error) {
	info, body, err := b.store.Get(ctx, bucket, key, pipeline.ReadOptions{})
	if err == nil {
		err = body.Close()
	}
	return info, err
}

func (b bucketLife) Get(ctx context.Context, bucket, key string, opt pipeline.ReadOptions) (info pipeline.ObjectInfo, body io.ReadCloser, err error) {
	err = b.w.outside(ctx, "get", func() error {
		info, body, err = b.store.Get(ctx, bucket, key, opt)
		return err
	})
	return info, body, err
}

func (b bucketLife) Put(ctx context.Context, bucket, key string, body []byte, opt pipeline.PutOptions) (etag string, err error) {
	err = b.w.outside(ctx, "put", func() error {
		etag, err = b.store.Put(ctx, bucket, key, body, opt)
		return err
	})
	return etag, err
}

func (b bucketLife) Delete(ctx context.Context, bucket, key string) error {
	return b.w.outside(ctx, "delete", func() error { return b.store.Delete(ctx, bucket, key) })
}

// ordersLife is the business's database with boundaries.
type ordersLife struct {
	pipeline.OrderStore
	w *modelWorld
}

func (o ordersLife) ReadOrder(ctx context.Context, id string) (order pipeline.Order, err error) {
	err = o.w.outside(ctx, "read", func() error {
		order, err = o.OrderStore.ReadOrder(ctx, id)
		return err
	})
	return order, err
}

func (o ordersLife) WriteImages(ctx context.Context, was pipeline.Order, images []string) error {
	return o.w.outside(ctx, "write", func() error {
		return o.OrderStore.WriteImages(ctx, was, images)
	})
}

// urlsLife is the URL service and the cache with boundaries.
type urlsLife struct {
	*urls
	w *modelWorld
}

func (u urlsLife) PublicURLs(ctx context.Context, bucket string, keys []string) (out []pipeline.ResolvedURL, err error) {
	err = u.w.outside(ctx, "url", func() error {
		out, err = u.urls.PublicURLs(ctx, bucket, keys)
		return err
	})
	return out, err
}

func (u urlsLife) Set(ctx context.Context, t pipeline.TempURL) error {
	return u.w.outside(ctx, "cache", func() error { return u.urls.Set(ctx, t) })
}

func (u urlsLife) Delete(ctx context.Context, fileIDs ...string) error {
	return u.w.outside(ctx, "cache", func() error { return u.urls.Delete(ctx, fileIDs...) })
}

// notifierLife sends real webhooks with boundaries.
type notifierLife struct {
	pipeline.Notifier
	w *modelWorld
}

func (n notifierLife) Notify(ctx context.Context, endpoint string, e pipeline.Event) (sent bool, err error) {
	err = n.w.outside(ctx, "hook", func() error {
		sent, err = n.Notifier.Notify(ctx, endpoint, e)
		return err
	})
	return sent, err
}

// receiver takes webhooks: each body by its webhook-id, in the order of arrival.
type receiver struct {
	mu     sync.Mutex
	bodies map[string][][]byte
}

func (r *receiver) empty() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies = map[string][][]byte{}
}

func (r *receiver) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	id := req.Header.Get("webhook-id")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies[id] = append(r.bodies[id], body)
}

// outcome reads what was told under a webhook-id; same is false where it was not always
// the same.
func (r *receiver) outcome(id string) (o pipeline.Outcome, same bool, err error) {
	var event hooks.Event[pipeline.Outcome]
	r.mu.Lock()
	defer r.mu.Unlock()
	same = true
	for _, b := range r.bodies[id] {
		same = same && bytes.Equal(b, r.bodies[id][0])
		err = json.Unmarshal(b, &event)
	}
	return event.Data, same, err
}

// corrupt is content that looks like an image and cannot be decoded.
const corrupt = "corrupt"

// engine is copier for files that can be decoded.
type engine struct{ copier }

func (e engine) Thumbnails(ctx context.Context, src io.Reader, f pipeline.Facts, n int64, presets []pipeline.Preset) ([]pipeline.Thumbnail, error) {
	made, err := e.copier.Thumbnails(ctx, src, f, n, presets)
	if err == nil && string(made[0].Data) == corrupt {
		err = &pipeline.Error{Class: pipeline.Invalid, Op: "engine", Code: pipeline.CodeCorruptFile}
	}
	return made, err
}

// probeContent tells the type of the model's contents.
func probeContent(head []byte, _ int64) (pipeline.Facts, int) {
	f := pipeline.Facts{Type: "image/jpeg", Width: 10, Height: 10, Frames: 1}
	if strings.HasPrefix(string(head), "text") {
		f.Type = "text/plain"
	}
	return f, 0
}
