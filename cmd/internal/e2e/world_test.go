package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/probe/samples"
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
	status, _, err := devworld.PhoneOf(cfg).Call(context.Background(), http.MethodGet, "/readyz", nil)
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
	return c.phone().Put(ctx, key, body, devworld.Chosen{Order: order, Position: position, Public: position%3 == 0})
}

// announce posts an order as a mini program does, again and again until it is taken.
func (c *client) announce(ctx context.Context, o order) error {
	for {
		status, answer, err := c.phone().Announce(ctx, o.id, o.owner, "b-"+o.id, o.keys)
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

func (c *client) phone() *devworld.Phone { return devworld.PhoneOf(c.cfg) }
