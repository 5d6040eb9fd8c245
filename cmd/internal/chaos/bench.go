package chaos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// faultsEnv is where a process finds its faults: see wire.FaultsEnv, which only a binary
// with the tag chaos has.
const faultsEnv = "CHAOS_FAULTS"

// Bench is one run: a world, a Redis, and the processes on them.
type Bench struct {
	// World is everything around afterput, Redis the real one.
	World *devworld.World
	Redis *Redis
	// Files is how many files the run sends.
	Files int
	// Rand is the run's chance, made from its seed. Only Break may use it.
	Rand *rand.Rand
	// Dir keeps what was sent and counted.
	Dir string

	// On is what it stands on, Long the form of the battery.
	On   Backends
	Long bool

	row    Row
	binary string
	gen    *generator
	ledger *sqldb.DB
	shop   *sqldb.DB
	// servers are nil with SQLite.
	servers *servers
	procs   []*Process
	serve   *Process
	mended  time.Time
	// ledgerURL and shopURL put the ledger and the orders somewhere else.
	ledgerURL, shopURL string
	// unacked is how often tasks had to be taken back although they had ended.
	unacked int
	closers []func()

	mu    sync.Mutex
	fired map[string]int
}

func newBench(ctx context.Context, opt Options, row Row, seed uint64, dir string) (made *Bench, err error) {
	b := &Bench{
		Files: row.Files, Dir: dir, On: row.on(opt.On), Long: opt.Long, row: row, binary: opt.Binary, fired: map[string]int{},
		Rand: rand.New(rand.NewPCG(seed, 2)), //nolint:gosec // repeatable on purpose
	}
	if opt.Files > 0 {
		b.Files = opt.Files
	}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if b.Redis, err = startRedis(ctx, filepath.Join(dir, "redis"), b.On.Redis); err != nil {
		return nil, err
	}
	b.closers = append(b.closers, b.Redis.close)
	if err := b.databases(ctx); err != nil {
		return nil, err
	}
	if row.Prepare != nil {
		if err := row.Prepare(ctx, b); err != nil {
			return nil, err
		}
	}
	events := &postbox{}
	if b.World, err = devworld.Start(ctx, devworld.Options{
		Dir: dir, Listen: "127.0.0.1:0", RedisURL: b.Redis.URL, Deliver: events.put, Logger: slog.New(slog.DiscardHandler),
		LedgerURL: b.ledgerURL, OrdersURL: b.shopURL, Tune: row.Tune,
	}); err != nil {
		return nil, err
	}
	b.closers = append(b.closers, b.World.Close)
	if err := b.World.Listener.Close(); err != nil { // serve takes the address
		return nil, err
	}
	if err := b.connect(ctx); err != nil {
		return nil, err
	}
	b.gen, err = newGenerator(b.World, b.shop, events, filepath.Join(dir, "sent.jsonl"), seed)
	if err == nil {
		b.closers = append(b.closers, b.gen.close)
	}
	return b, err
}

func (b *Bench) close() {
	for _, p := range b.procs {
		if p.Running() {
			p.Kill()
		}
	}
	for _, closer := range slices.Backward(b.closers) {
		closer()
	}
}

// run starts a command of afterput on the world's configuration.
func (b *Bench) run(ctx context.Context, faults string, args ...string) (*Process, error) {
	log := filepath.Join(b.Dir, fmt.Sprintf("%s-%d.log", args[0], len(b.procs)+1))
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "AFTERPUT_") {
			env = append(env, kv)
		}
	}
	env = append(env, faultsEnv+"="+faults)
	p, err := launch(ctx, log, env, b.binary, append(args, "--config", filepath.Join(b.Dir, devworld.ConfigFile))...)
	if err == nil {
		b.procs = append(b.procs, p)
	}
	return p, err
}

// Serve starts the HTTP side with faults and waits until it answers.
func (b *Bench) Serve(ctx context.Context, faults string) (*Process, error) {
	p, err := b.run(ctx, faults, "serve")
	if err != nil {
		return nil, err
	}
	b.serve = p
	phone := b.World.Phone()
	return p, until(ctx, 60*time.Second, "serve answers", func() bool {
		status, _, err := phone.Call(ctx, http.MethodGet, "/readyz", nil)
		return err == nil && status == http.StatusOK
	})
}

// Worker starts a worker with faults and waits until it has signed in, or has ended.
func (b *Bench) Worker(ctx context.Context, faults string) (*Process, error) {
	p, err := b.run(ctx, faults, "worker")
	if err != nil {
		return nil, err
	}
	return p, until(ctx, 60*time.Second, "the worker has started", func() bool {
		return p.said("worker started") > 0 || !p.Running()
	})
}

// Both starts a healthy serve and a healthy worker.
func (b *Bench) Both(ctx context.Context) (worker *Process, err error) {
	if _, err = b.Serve(ctx, ""); err == nil {
		worker, err = b.Worker(ctx, "")
	}
	return worker, err
}

// Command runs a command of afterput to its end and gives its exit code.
func (b *Bench) Command(ctx context.Context, args ...string) (int, error) {
	p, err := b.run(ctx, "", args...)
	if err != nil {
		return 0, err
	}
	if err := p.Ended(ctx, 10*time.Minute); err != nil {
		p.Kill()
		return 0, err
	}
	return p.Exit(), nil
}

// Send sends n files and returns when all are accepted.
func (b *Bench) Send(ctx context.Context, n int) error { return b.gen.send(ctx, n) }

// Sending sends n files beside what goes on. wait returns when all are accepted.
func (b *Bench) Sending(ctx context.Context, n int) (wait func() error) {
	done := make(chan error, 1)
	go func() { done <- b.gen.send(ctx, n) }()
	return func() error { return <-done }
}

// Middle waits until a run is well under way: some of its thumbnails are in the bucket.
func (b *Bench) Middle(ctx context.Context) error {
	return until(ctx, 2*time.Minute, "the first thumbnails are there", func() bool { return b.thumbnails() >= 9 })
}

func (b *Bench) thumbnails() (n int) {
	for _, key := range b.World.COS.Keys() {
		if strings.HasPrefix(key, "thumbs/") {
			n++
		}
	}
	return n
}

// Fired notes that a fault hit n times.
func (b *Bench) Fired(name string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fired[name] += n
}

// Mended notes that the fault is over: recovery counts from here.
func (b *Bench) Mended() { b.mended = time.Now() }

// hits gives the faults that fired, those of the bucket's server among them.
func (b *Bench) hits() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	hits := maps.Clone(b.fired)
	maps.DeleteFunc(hits, func(_ string, n int) bool { return n == 0 })
	return hits
}

// stateOf counts rows of the ledger.
func (b *Bench) count(ctx context.Context, query string, args ...any) (n int, err error) {
	err = b.ledger.QueryRowContext(ctx, query, args...).Scan(&n)
	return n, err
}

// errPart says that a fault never showed.
var errPart = errors.New("the fault did not show")

// rest lets a healthy serve and worker finish what is left. What does not come to rest
// is counted as stuck.
func (b *Bench) rest(ctx context.Context, within time.Duration, r *Result) error {
	if b.mended.IsZero() {
		b.Mended()
	}
	if err := b.healthy(ctx); err != nil {
		return err
	}
	if b.row.Control {
		within = min(within, 30*time.Second)
	}
	quiet := func() bool {
		open, err := b.open(ctx)
		return err == nil && open == 0
	}
	if err := until(ctx, within, "everything has come to rest", quiet); err != nil {
		open, err := b.open(ctx)
		if err != nil {
			return err
		}
		r.Counts.Stuck = open
		r.Details = append(r.Details, b.stuck(ctx)...)
	}
	r.Recovery = time.Since(b.mended)
	if r.Counts.Stuck == 0 {
		// What nobody waits for any more goes by and by; the judge counts what is left.
		_ = until(ctx, time.Minute, "no ghosts", func() bool {
			ghosts, err := b.ghosts(ctx)
			return err == nil && len(ghosts) == 0
		})
	}
	for _, p := range b.procs {
		if err := p.Stop(); err != nil {
			return err
		}
	}
	return nil
}

// healthy sees to a serve and a worker without faults. Rows that leave their own running
// keep them.
func (b *Bench) healthy(ctx context.Context) error {
	if b.serve == nil || !b.serve.Running() {
		if _, err := b.Serve(ctx, ""); err != nil {
			return err
		}
	}
	for _, p := range b.procs {
		if p.Running() && p.cmd.Args[1] == "worker" {
			return nil
		}
	}
	_, err := b.Worker(ctx, "")
	return err
}

// queues are the queues of asynq that the worker serves.
var queues = []string{"checks", "thumbnails", "orders", "urls", "hooks"}

// open counts the pending steps, the tasks that will still run, and the files that were
// accepted and are in no row.
func (b *Bench) open(ctx context.Context) (int, error) {
	open, err := b.count(ctx, "SELECT COUNT(*) FROM upload_steps WHERE state = 'pending'")
	if err != nil {
		return 0, err
	}
	for _, q := range queues {
		prefix := "asynq:{" + q + "}:"
		for _, list := range []string{"pending", "active"} {
			n, err := b.Redis.Client.LLen(ctx, prefix+list).Result()
			if err != nil {
				return 0, err
			}
			open += int(n)
		}
		for _, set := range []string{"scheduled", "retry", "lease"} {
			n, err := b.Redis.Client.ZCard(ctx, prefix+set).Result()
			if err != nil {
				return 0, err
			}
			open += int(n)
		}
	}
	return open, nil
}

// stuck describes the first pending steps.
func (b *Bench) stuck(ctx context.Context) (lines []string) {
	rows, err := b.ledger.QueryContext(ctx, `SELECT u.object_key, s.step, s.scope, s.gen FROM upload_steps s
		JOIN uploads u ON u.id = s.upload_id WHERE s.state = 'pending' LIMIT 5`)
	if err != nil {
		return []string{err.Error()}
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var key, step, scope string
		var gen int
		if err := rows.Scan(&key, &step, &scope, &gen); err != nil {
			return append(lines, err.Error())
		}
		lines = append(lines, fmt.Sprintf("stuck: %s %s %s gen %d", key, step, scope, gen))
	}
	if err := rows.Err(); err != nil {
		lines = append(lines, err.Error())
	}
	return lines
}

// peak is the most memory that a worker held.
func (b *Bench) peak() (most int64) {
	for _, p := range b.procs {
		if len(p.cmd.Args) > 1 && p.cmd.Args[1] == "worker" {
			most = max(most, p.peak)
		}
	}
	return most
}

// thumbnailKey names a thumbnail of an object.
func (b *Bench) thumbnailKey(preset, key string) string {
	return pipeline.ThumbnailOptions{Prefix: b.World.Config.Thumbnails.Prefix}.Key(preset, key)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
