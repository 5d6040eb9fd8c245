//go:build chaos

package wire

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
)

// FaultsEnv holds the faults of a process, separated by commas:
//
//	kill=POINT:N   ends the process, as kill -9 does, when it comes to a point the Nth time
//	clock=D        shifts its clock, also the one that asynq writes leases by
//	leases=D       shifts only the times that reach Redis: the guard at the start is blind
//	hook=off       leaves out the hook that lets asynq's late commands through
const FaultsEnv = "CHAOS_FAULTS"

// Poison kills every process that decodes an image with these bytes in it.
const Poison = "afterput-poison-pill"

// faults are what the battery asks of this process. Its points are named after the
// effect that was just made: ledger.<op>, objects.put, orders.write, redis.set,
// hooks.sent, http.respond; objects.got comes before the decoding.
type faults struct {
	kill        string
	nth         int64
	count       *atomic.Int64
	clock, skew time.Duration
	noHook      bool
}

func newFaults() faults {
	f := faults{count: new(atomic.Int64)}
	for part := range strings.SplitSeq(os.Getenv(FaultsEnv), ",") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "kill":
			point, n, _ := strings.Cut(value, ":")
			f.kill = point
			f.nth, _ = strconv.ParseInt(cmp.Or(n, "1"), 10, 64)
		case "clock":
			f.clock, _ = time.ParseDuration(value)
			f.skew = f.clock
		case "leases":
			f.skew, _ = time.ParseDuration(value)
		case "hook":
			f.noHook = value == "off"
		}
	}
	return f
}

// at is a point that the process has come to.
func (f faults) at(point string) {
	if f.kill == point && f.count.Add(1) == f.nth {
		die(point)
	}
}

// die ends the process and never returns.
func die(point string) {
	fmt.Fprintln(os.Stderr, "chaos: killed at", point)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

func (f faults) now() func() time.Time {
	return func() time.Time { return time.Now().Add(f.clock) }
}

func (f faults) committed() func(op string) {
	return func(op string) { f.at("ledger." + op) }
}

func (f faults) redis(c redis.UniversalClient) redis.UniversalClient {
	c.AddHook(redisFaults{f})
	if f.noHook {
		return deaf{c}
	}
	return c
}

// deaf takes no hooks.
type deaf struct{ redis.UniversalClient }

func (deaf) AddHook(redis.Hook) {}

// redisFaults shifts every time in a command and knows when a URL was cached.
type redisFaults struct{ f faults }

func (redisFaults) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (h redisFaults) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h.shift(cmd)
		err := next(ctx, cmd)
		h.f.at("redis." + strings.ToLower(cmd.Name()))
		return err
	}
}

func (h redisFaults) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			h.shift(cmd)
		}
		err := next(ctx, cmds)
		h.f.at("redis.pipeline")
		return err
	}
}

// shift moves whatever looks like a Unix time of this week, in seconds or nanoseconds.
func (h redisFaults) shift(cmd redis.Cmder) {
	if h.f.skew == 0 {
		return
	}
	const week = 7 * 24 * time.Hour
	args := cmd.Args()
	for i, a := range args {
		switch v := a.(type) {
		case int64:
			if d := time.Since(time.Unix(v, 0)); d.Abs() < week {
				args[i] = v + int64(h.f.skew/time.Second)
			} else if d := time.Since(time.Unix(0, v)); d.Abs() < week {
				args[i] = v + int64(h.f.skew)
			}
		case float64:
			if d := time.Since(time.Unix(int64(v), 0)); d.Abs() < week {
				args[i] = v + h.f.skew.Seconds()
			}
		}
	}
}

func (f faults) objects(o pipeline.Objects) pipeline.Objects { return objectFaults{o, f} }

type objectFaults struct {
	pipeline.Objects
	f faults
}

func (o objectFaults) Put(ctx context.Context, bucket, key string, body []byte, opt pipeline.PutOptions) (string, error) {
	etag, err := o.Objects.Put(ctx, bucket, key, body, opt)
	o.f.at("objects.put")
	return etag, err
}

func (f faults) orders(o pipeline.OrderStore) pipeline.OrderStore { return orderFaults{o, f} }

type orderFaults struct {
	pipeline.OrderStore
	f faults
}

func (o orderFaults) WriteImages(ctx context.Context, was pipeline.Order, images []string) error {
	err := o.OrderStore.WriteImages(ctx, was, images)
	o.f.at("orders.write")
	return err
}

func (f faults) notifier(n pipeline.Notifier) pipeline.Notifier { return hookFaults{n, f} }

type hookFaults struct {
	pipeline.Notifier
	f faults
}

func (n hookFaults) Notify(ctx context.Context, endpoint string, e pipeline.Event) (bool, error) {
	sent, err := n.Notifier.Notify(ctx, endpoint, e)
	n.f.at("hooks.sent")
	return sent, err
}

func (f faults) engine(e pipeline.Thumbnailer) pipeline.Thumbnailer { return engineFaults{e, f} }

type engineFaults struct {
	pipeline.Thumbnailer
	f faults
}

func (e engineFaults) Thumbnails(
	ctx context.Context, src io.Reader, facts pipeline.Facts, size int64, presets []pipeline.Preset,
) ([]pipeline.Thumbnail, error) {
	made, err := e.Thumbnailer.Thumbnails(ctx, ThumbChildInput(src), facts, size, presets)
	e.f.at("thumb.decoded")
	return made, err
}

// ThumbChildInput is what the thumbnail child reads: an image that is poison kills it.
func ThumbChildInput(r io.Reader) io.Reader { return &taster{r: r} }

type taster struct {
	r    io.Reader
	tail []byte
}

func (t *taster) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.tail = append(t.tail, p[:n]...)
	if bytes.Contains(t.tail, []byte(Poison)) {
		die("poison")
	}
	t.tail = append([]byte(nil), t.tail[max(0, len(t.tail)-len(Poison)):]...)
	return n, err
}

// handler ends the process before it answers an announcement.
func (f faults) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(respondFaults{w, f}, r)
	})
}

type respondFaults struct {
	http.ResponseWriter
	f faults
}

func (w respondFaults) WriteHeader(status int) {
	if status == http.StatusAccepted {
		w.f.at("http.respond")
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w respondFaults) Unwrap() http.ResponseWriter { return w.ResponseWriter }
