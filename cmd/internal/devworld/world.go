package devworld

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// Bucket and Region are the bucket of the dev world.
const (
	Bucket = "afterput-dev-1250000000"
	Region = "ap-guangzhou"
)

// DevOwner is the openid of everybody who asks a dev world on loopback for an upload
// signature: no key is wanted there.
const DevOwner = "oDev"

// ConfigFile is where Start leaves the configuration, inside the world's folder. The
// other commands find the world by it.
const ConfigFile = "afterput.yaml"

// Options configure a World.
type Options struct {
	// Dir is the folder that holds everything; it is made if it is not there. Required.
	Dir string
	// Listen is the address of the HTTP API; "127.0.0.1:0" takes a free port. Required.
	Listen string
	// RedisURL uses a Redis that is there instead of the embedded one.
	RedisURL string
	// LedgerURL and OrdersURL use databases that are there instead of files in Dir; both may
	// be the same. The table orders is made where it is missing.
	LedgerURL, OrdersURL string
	// NoFile leaves no ConfigFile, which would hold the passwords of servers.
	NoFile bool
	// Tune may change the configuration before it is written.
	Tune func(*config.Config)
	// Deliver takes the COS events instead of the API, one at a time.
	Deliver func(event []byte)
	// Logger gets a line per webhook and per event that could not be delivered. Required.
	Logger *slog.Logger
}

// World is a running dev world, without the processes of afterput itself.
type World struct {
	// Config is the configuration that serve and worker run with.
	Config *config.Config
	// COS is the bucket's server.
	COS *coslocal.Server
	// Listener is where the HTTP API has to be served.
	Listener net.Listener
	// Key is the bearer key of the API.
	Key string
	// Hooks are the webhooks that were received.
	Hooks *Sink

	opt     Options
	id      identity
	redis   *miniredis.Miniredis
	servers []*http.Server
	stop    chan struct{}
	wg      sync.WaitGroup
	client  *http.Client
}

// identity is what a world keeps across restarts, so that its URLs and keys stay valid.
type identity struct {
	SecretID  string `json:"secretId"`
	SecretKey string `json:"secretKey"`
	APIKey    string `json:"apiKey"`
	HookKey   string `json:"hookKey"`
	COSAddr   string `json:"cosAddr"`
}

// Start builds the world in its folder, or takes up the one that is there.
func Start(ctx context.Context, opt Options) (*World, error) {
	w := &World{opt: opt, stop: make(chan struct{}), client: &http.Client{Timeout: 10 * time.Second}}
	for _, step := range []func(context.Context) error{w.folder, w.listen, w.startRedis, w.startCOS, w.startSink, w.orders, w.configure} {
		if err := step(ctx); err != nil {
			w.Close()
			return nil, fmt.Errorf("dev world: %w", err)
		}
	}
	return w, nil
}

func (w *World) folder(context.Context) error {
	dir, err := filepath.Abs(w.opt.Dir)
	if err != nil {
		return err
	}
	w.opt.Dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	b, err := os.ReadFile(w.path("identity.json"))
	switch {
	case err == nil:
		if err := json.Unmarshal(b, &w.id); err != nil {
			return fmt.Errorf("identity.json: %w: delete %s to begin anew", err, dir)
		}
	case errors.Is(err, fs.ErrNotExist):
		hook := make([]byte, 24)
		_, _ = rand.Read(hook) // never fails: crypto/rand.Read
		w.id = identity{
			SecretID: "AKID" + rand.Text(), SecretKey: rand.Text(), APIKey: rand.Text(),
			HookKey: "whsec_" + base64.StdEncoding.EncodeToString(hook), COSAddr: "127.0.0.1:0",
		}
	default:
		return err
	}
	w.Key = w.id.APIKey
	return nil
}

func (w *World) path(name string) string { return filepath.Join(w.opt.Dir, name) }

func (w *World) listen(ctx context.Context) (err error) {
	w.Listener, err = new(net.ListenConfig).Listen(ctx, "tcp", w.opt.Listen)
	return err
}

// startRedis starts the embedded Redis. Its keys only expire when its clock is moved.
func (w *World) startRedis(context.Context) error {
	if w.opt.RedisURL != "" {
		return nil
	}
	w.redis = miniredis.NewMiniRedis()
	if err := w.redis.StartAddr("127.0.0.1:0"); err != nil {
		return err
	}
	w.wg.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-tick.C:
				w.redis.FastForward(time.Second)
			}
		}
	})
	return nil
}

func (w *World) startCOS(ctx context.Context) error {
	lc := new(net.ListenConfig)
	ln, err := lc.Listen(ctx, "tcp", w.id.COSAddr)
	if err != nil {
		// Somebody else has the port of the last time; old URLs are lost, nothing more.
		if ln, err = lc.Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	w.id.COSAddr = ln.Addr().String()
	onEvent := w.deliver
	if w.opt.Deliver != nil {
		onEvent = w.opt.Deliver
	}
	if w.COS, err = coslocal.New(coslocal.Options{
		Dir: w.path("cos"), Bucket: Bucket, Region: Region, Keys: map[string]string{w.id.SecretID: w.id.SecretKey},
		OnEvent: onEvent, Seed: 1, Logger: w.opt.Logger.With("part", "cos"),
	}); err != nil {
		_ = ln.Close()
		return err
	}
	w.serve(ln, w.COS)
	return nil
}

func (w *World) startSink(ctx context.Context) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if w.Hooks, err = newSink("http://"+ln.Addr().String()+"/", w.id.HookKey, w.opt.Logger); err != nil {
		_ = ln.Close()
		return err
	}
	w.serve(ln, w.Hooks)
	return nil
}

func (w *World) serve(ln net.Listener, h http.Handler) {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	w.servers = append(w.servers, s)
	w.wg.Go(func() { _ = s.Serve(ln) })
}

// orders makes the table that stands for the business's own.
func (w *World) orders(ctx context.Context) error {
	db, err := sqldb.Create(ctx, w.ordersURL())
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.SQL().ExecContext(ctx, "CREATE TABLE IF NOT EXISTS orders ("+ordersColumns(db.Engine)+")")
	return err
}

func (w *World) ordersURL() string { return cmp.Or(w.opt.OrdersURL, "sqlite://"+w.path("orders.db")) }

// ordersColumns are what such a table has in each engine. An order may be inserted with id
// and openid alone.
func ordersColumns(engine sqldb.Dialect) string {
	switch engine {
	case sqldb.Postgres:
		return `id text PRIMARY KEY, openid text NOT NULL, images jsonb NOT NULL DEFAULT '[]', updated_at timestamptz`
	case sqldb.MySQL:
		return `id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, openid VARCHAR(64) NOT NULL,
			images JSON NOT NULL DEFAULT ('[]'), updated_at DATETIME(3)`
	case sqldb.SQLite:
	}
	return `id TEXT PRIMARY KEY, openid TEXT NOT NULL, images TEXT NOT NULL DEFAULT '[]', updated_at TEXT`
}

func (w *World) configure(context.Context) error {
	c := config.Default()
	c.Redis.URL = config.URL(w.opt.RedisURL)
	if w.redis != nil {
		c.Redis.URL = config.URL("redis://" + w.redis.Addr() + "/0")
	}
	c.Ledger.URL = config.URL(cmp.Or(w.opt.LedgerURL, "sqlite://"+w.path("ledger.db")))
	c.Orders.URL = config.URL(w.ordersURL())
	c.Orders.OwnerColumn, c.Orders.UpdatedAtColumn = "openid", "updated_at"
	c.Buckets = []config.Bucket{{
		Name: Bucket, Region: Region, Endpoint: "http://" + w.id.COSAddr, Visibility: "probe",
		SecretID: w.id.SecretID, SecretKey: config.Secret(w.id.SecretKey),
	}}
	c.Owners.Required = true
	c.Hooks.URL, c.Hooks.Secrets, c.Hooks.AllowPrivate = config.URL(w.Hooks.url), []config.Secret{config.Secret(w.id.HookKey)}, true
	c.HTTP.Listen = w.Listener.Addr().String()
	c.Auth.Keys = []config.Key{{Name: "dev", Secret: config.Secret(w.id.APIKey), Scopes: []string{"admin"}}}
	if addr, ok := w.Listener.Addr().(*net.TCPAddr); ok && addr.IP.IsLoopback() {
		c.Sign.Auth, c.Sign.DevOwner = "none", DevOwner // elsewhere the key is asked for
	}
	if w.opt.Tune != nil {
		w.opt.Tune(c)
	}
	w.Config = c
	id, err := json.Marshal(w.id) //nolint:gosec // the keys of a dev world, for its own folder
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.path("identity.json"), id, 0o600); err != nil {
		return err
	}
	if w.opt.NoFile {
		return nil
	}
	return os.WriteFile(w.path(ConfigFile), []byte(config.Encode(c)), 0o600)
}

// URL is where the HTTP API answers.
func (w *World) URL() string { return "http://" + w.Listener.Addr().String() }

// COSURL is where the bucket answers.
func (w *World) COSURL() string { return "http://" + w.id.COSAddr }

// Close ends everything that Start began. The folder stays.
func (w *World) Close() {
	close(w.stop)
	if w.COS != nil {
		_ = w.COS.Close()
	}
	for _, s := range w.servers {
		_ = s.Close()
	}
	if w.redis != nil {
		w.redis.Close()
	}
	if w.Listener != nil {
		_ = w.Listener.Close()
	}
	w.client.CloseIdleConnections()
	w.wg.Wait()
}
