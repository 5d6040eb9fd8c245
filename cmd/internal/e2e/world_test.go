package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/qsign"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// client is a phone's and a shop's view of one world: everything that a test does to it
// goes by the addresses and keys of its configuration.
type client struct {
	cfg  *config.Config
	app  *wire.App
	shop *sql.DB
}

func connect(t *testing.T, cfg *config.Config) *client {
	t.Helper()
	app, err := wire.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = app.Close() })
	db, err := sqldb.Create(t.Context(), cfg.Orders.URL.Reveal())
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return &client{cfg: cfg, app: app, shop: db.SQL()}
}

// world is a dev world in the test, around processes that are not.
type world struct {
	*client
	*devworld.World

	t    *testing.T
	file string // the configuration
}

// newWorld starts a world on a Redis.
func newWorld(t *testing.T, redisURL string) *world {
	t.Helper()
	dir := t.TempDir()
	dw, err := devworld.Start(t.Context(), devworld.Options{
		Dir: dir, Listen: "127.0.0.1:0", RedisURL: redisURL, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	t.Cleanup(dw.Close)
	require.NoError(t, dw.Listener.Close(), "serve takes the address")
	return &world{client: connect(t, dw.Config), World: dw, t: t, file: filepath.Join(dir, devworld.ConfigFile)}
}

// run starts a command on the world's configuration.
func (w *world) run(args ...string) *process {
	w.t.Helper()
	return start(w.t, w.t.TempDir(), append(args, "--config", w.file)...)
}

// serve starts the HTTP side and waits until it answers.
func (w *world) serve(args ...string) *process {
	w.t.Helper()
	p := w.run(append([]string{"serve"}, args...)...)
	require.Eventually(w.t, func() bool { return ready(w.cfg) }, 20*time.Second, 20*time.Millisecond, "serve does not answer")
	return p
}

func ready(cfg *config.Config) bool {
	c := client{cfg: cfg}
	status, _, err := c.call(context.Background(), http.MethodGet, "/readyz", nil)
	return err == nil && status == http.StatusOK
}

// order is one order with the photos that a user chose for it.
type order struct {
	id, owner string
	keys      []string
	bodies    [][]byte
}

// photo gives one of eight photos that are rendered once for all tests: small ones, so
// that a run takes no long time, and two as WeChat sends them.
func photo(n int) []byte { return rendered()[n%8] }

var rendered = sync.OnceValue(func() [][]byte {
	all := make([][]byte, 8)
	for i := range all {
		opt := samples.Options{Width: 640, Height: 480, Seed: uint64(i) + 1}
		if i%4 == 3 {
			opt.Width, opt.Height = 1080, 1920
		}
		all[i] = samples.Photo(opt)
	}
	return all
})

// plan deals n photos to orders of nine and makes their rows in the shop.
func (c *client) plan(t *testing.T, n int) []order {
	t.Helper()
	var orders []order
	for i := range n {
		if i%9 == 0 {
			o := order{id: fmt.Sprintf("E%02d", len(orders)+1), owner: fmt.Sprintf("oE2E%d", len(orders)%3)}
			_, err := c.shop.ExecContext(t.Context(), "INSERT INTO orders (id, openid) VALUES (?, ?)", o.id, o.owner)
			require.NoError(t, err)
			orders = append(orders, o)
		}
		o := &orders[len(orders)-1]
		o.keys = append(o.keys, fmt.Sprintf("users/%s/%s/photo_%02d.jpg", o.owner, o.id, i))
		o.bodies = append(o.bodies, photo(i))
	}
	return orders
}

// send uploads and announces orders, four phones at once.
func (c *client) send(ctx context.Context, orders []order) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, o := range orders {
		g.Go(func() error {
			for i, key := range o.keys {
				if err := c.put(ctx, o.id, i, key, o.bodies[i]); err != nil {
					return err
				}
			}
			return c.announce(ctx, o)
		})
	}
	return g.Wait()
}

// put uploads a file with the headers by which its event finds the order. Every third
// file is public.
func (c *client) put(ctx context.Context, order string, position int, key string, body []byte) error {
	b := c.cfg.Buckets[0]
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, b.Endpoint+"/"+qsign.EscapePath(key), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("x-cos-meta-order-id", order)
	req.Header.Set("x-cos-meta-position", strconv.Itoa(position))
	if position%3 == 0 {
		req.Header.Set("x-cos-acl", coslocal.ACLPublicRead)
	}
	now := time.Now()
	req.Header.Set("Authorization", qsign.Authorization(qsign.Key{ID: b.SecretID, Secret: b.SecretKey.Reveal()},
		qsign.Request{Method: http.MethodPut, Path: "/" + key, Header: qsign.Host(req.URL.Host)},
		qsign.Window{Start: now.Add(-time.Minute), End: now.Add(time.Hour)}))
	status, answer, err := do(req)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("put %s: status %d: %s", key, status, answer)
	}
	return err
}

// announce posts an order as a mini program does, again and again until it is taken.
func (c *client) announce(ctx context.Context, o order) error {
	body, err := json.Marshal(map[string]any{"order": o.id, "owner": o.owner, "batch": "b-" + o.id, "files": o.keys})
	if err != nil {
		return err
	}
	for {
		status, answer, err := c.call(ctx, http.MethodPost, "/v1/uploads", body)
		if err == nil && status == http.StatusAccepted {
			return nil
		}
		if err == nil && status != http.StatusServiceUnavailable {
			return fmt.Errorf("announce %s: status %d: %s", o.id, status, answer)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("announce %s: status %d: %s: %w", o.id, status, answer, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// call asks the API with the world's key.
func (c *client) call(ctx context.Context, method, path string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.cfg.HTTP.Listen+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.cfg.Auth.Keys[0].Secret.Reveal())
	return do(req)
}

func do(req *http.Request) (int, []byte, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, answer, err
}
