package chaos

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
)

// Redis is a redis-server with an append-only file, behind a proxy that can cut the line.
type Redis struct {
	// URL goes through the line, Client does not.
	URL    string
	Client *redis.Client

	dir  string
	port int
	line *toxiproxy.Proxy
	proc *Process
}

func startRedis(ctx context.Context, dir string) (*Redis, error) {
	r := &Redis{dir: dir}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, err
	}
	var err error
	for range 5 { // the port was free a moment ago, which is all that can be known
		if r.port, err = freePort(ctx); err != nil {
			return nil, err
		}
		if err = r.Start(ctx); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	metrics := toxiproxy.NewMetricsContainer(prometheus.NewRegistry())
	r.line = toxiproxy.NewProxy(toxiproxy.NewServer(metrics, zerolog.New(io.Discard)), "redis", "127.0.0.1:0", r.addr())
	if err := r.line.Start(); err != nil {
		r.proc.Kill()
		return nil, err
	}
	r.URL = "redis://" + r.line.Listen + "/0"
	return r, nil
}

func (r *Redis) addr() string { return "127.0.0.1:" + strconv.Itoa(r.port) }

// Start runs the server on what it has kept.
func (r *Redis) Start(ctx context.Context) (err error) {
	r.proc, err = launch(ctx, filepath.Join(r.dir, "log"), os.Environ(), "redis-server", "--port", strconv.Itoa(r.port),
		"--bind", "127.0.0.1", "--dir", r.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec")
	if err != nil {
		return err
	}
	if r.Client == nil {
		r.Client = redis.NewClient(&redis.Options{Addr: r.addr(), DialTimeout: time.Second, MaxRetries: -1})
	}
	return until(ctx, 30*time.Second, "redis-server answers", func() bool {
		return r.proc.Running() && r.Client.Ping(ctx).Err() == nil
	})
}

// Kill ends the server as kill -9 does.
func (r *Redis) Kill() { r.proc.Kill() }

// Forget removes what a killed server has kept.
func (r *Redis) Forget() error {
	files, err := filepath.Glob(filepath.Join(r.dir, "appendonly*"))
	for _, f := range files {
		if err == nil {
			err = os.RemoveAll(f)
		}
	}
	return err
}

// Cut closes the line: connections end and none can be made. Join opens it again.
func (r *Redis) Cut() { r.line.Stop() }

// Join opens the line.
func (r *Redis) Join() error { return r.line.Start() }

// Toxic spoils the line in both directions until Heal, by a toxic of toxiproxy.
func (r *Redis) Toxic(kind, attributes string) error {
	for _, stream := range []string{"upstream", "downstream"} {
		_, err := r.line.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
			`{"name":%q,"type":%q,"stream":%q,"toxicity":1,"attributes":%s}`, kind+"-"+stream, kind, stream, attributes)))
		if err != nil {
			return err
		}
	}
	return nil
}

// Heal takes every toxic off the line.
func (r *Redis) Heal(ctx context.Context) { r.line.Toxics.ResetToxics(ctx) }

func (r *Redis) close() {
	r.line.Stop()
	r.proc.Kill()
	_ = r.Client.Close()
}

func freePort(ctx context.Context) (int, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = ln.Close() }()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}
