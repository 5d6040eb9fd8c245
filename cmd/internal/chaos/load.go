package chaos

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/qsign"
)

// LoadOptions configure a load run.
type LoadOptions struct {
	// Binary is afterput. Required.
	Binary string
	// Dir keeps the run's databases and logs; it is emptied first. Required.
	Dir string
	// Ramp is how long it looks for what the machine can take. Defaults to 10 s.
	Ramp time.Duration
	// For is how long it announces at half of that. Defaults to 2 minutes.
	For time.Duration
	// Stop is how long Redis stands still in the middle of For. Defaults to 20 s.
	Stop time.Duration
	// Settle is how long the worker may take for what was accepted. Defaults to 10
	// minutes.
	Settle time.Duration
	// Progress gets a line for each part. Required.
	Progress io.Writer
}

func (o LoadOptions) withDefaults() LoadOptions {
	o.Ramp, o.For = cmp.Or(o.Ramp, 10*time.Second), cmp.Or(o.For, 2*time.Minute)
	o.Stop, o.Settle = cmp.Or(o.Stop, 20*time.Second), cmp.Or(o.Settle, 10*time.Minute)
	return o
}

// Load announces at half of what the machine can take, with Redis standing still in the
// middle, and counts afterwards what became of everything that was accepted. serve and
// worker run beside each other, with a ledger in SQLite and a redis-server with an
// append-only file. Every name leads to the same text file, which the check rejects, so
// that the run is about announcements and not about pictures.
func Load(ctx context.Context, opt LoadOptions) (LoadReport, error) {
	opt = opt.withDefaults()
	l := &loader{opt: opt}
	bucket := httptest.NewServer(http.HandlerFunc(l.object))
	defer bucket.Close()
	b, err := newBench(ctx, Options{Binary: opt.Binary}, Row{ID: "load", Tune: func(c *config.Config) {
		l.key = qsign.Key{ID: c.Buckets[0].SecretID, Secret: c.Buckets[0].SecretKey.Reveal()}
		c.Buckets[0].Endpoint = bucket.URL
		c.Hooks.URL, c.Hooks.Secrets = "", nil
	}}, 1, opt.Dir)
	if err != nil {
		return LoadReport{}, err
	}
	defer b.close()
	l.bench, l.phone = b, b.World.Phone()
	l.phone.Client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: maxInFlight}}
	defer l.phone.Client.CloseIdleConnections()
	if _, err := b.Both(ctx); err != nil {
		return LoadReport{}, err
	}
	r := LoadReport{For: opt.For, Stop: opt.Stop}
	if r.Capacity, err = l.ramp(ctx); err != nil {
		return r, err
	}
	r.Rate = r.Capacity / 2
	l.say("the machine takes %.0f announcements in a second: %s at %.0f", r.Capacity, opt.For, r.Rate)
	if err := l.middle(ctx, &r); err != nil {
		return r, err
	}
	return r, l.count(ctx, &r)
}

// object answers as COS does for a bucket in which every name is the same text.
func (l *loader) object(w http.ResponseWriter, r *http.Request) {
	lookup := func(id string) (string, bool) { return l.key.Secret, id == l.key.ID }
	if _, err := qsign.Verify(r, lookup, time.Now()); err != nil || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		http.Error(w, "<Error><Code>AccessDenied</Code></Error>", http.StatusForbidden)
		return
	}
	w.Header().Set("ETag", `"0cc175b9c0f1b6a831c399e269772661"`)
	w.Header().Set("X-Cos-Request-Id", "load")
	http.ServeContent(w, r, "", time.Unix(1_800_000_000, 0), bytes.NewReader([]byte("not a photo\n")))
}

// middle announces at the rate of r, stops Redis and watches the memory of serve.
func (l *loader) middle(ctx context.Context, r *LoadReport) error {
	r.began = time.Now()
	eg, ctx := errgroup.WithContext(ctx)
	watch, done := context.WithCancel(ctx)
	defer done()
	eg.Go(func() error {
		l.watch(watch, r)
		return nil
	})
	eg.Go(func() error { return l.standstill(ctx, r) })
	eg.Go(func() error {
		defer done()
		return l.steady(ctx, r.began, r.Rate)
	})
	return eg.Wait()
}

// standstill stops Redis as a machine does that hangs: connections stay and nothing
// answers.
func (l *loader) standstill(ctx context.Context, r *LoadReport) error {
	pause(ctx, (l.opt.For-l.opt.Stop)/2)
	redis := l.bench.Redis
	if err := redis.Pause(); err != nil {
		return err
	}
	r.stopped = time.Now()
	l.say("Redis stands still")
	ask, cancel := context.WithTimeout(ctx, min(l.opt.Stop, time.Second))
	err := redis.Client.Ping(ask).Err()
	cancel()
	pause(ctx, time.Until(r.stopped.Add(l.opt.Stop)))
	if err == nil {
		return fmt.Errorf("%w: Redis answered while it stood still", errPart)
	}
	if err := redis.Resume(); err != nil {
		return err
	}
	r.resumed = time.Now()
	l.say("Redis goes on")
	return ctx.Err()
}

// watch takes the resident set of serve once a second.
func (l *loader) watch(ctx context.Context, r *LoadReport) {
	for ctx.Err() == nil {
		r.RSS = append(r.RSS, float64(l.bench.serve.memory("VmRSS")))
		pause(ctx, time.Second)
	}
}

// count waits for the worker and compares the accepted with the ledger.
func (l *loader) count(ctx context.Context, r *LoadReport) error {
	ended := time.Now()
	l.say("waiting for the worker")
	// What does not come to rest is counted below.
	_ = until(ctx, l.opt.Settle, "everything has come to rest", l.quiet(ctx))
	r.Drained = time.Since(ended)
	known, err := l.keys(ctx, "SELECT object_key FROM uploads")
	if err != nil {
		return err
	}
	checked, err := l.keys(ctx, `SELECT u.object_key FROM uploads u JOIN upload_steps s ON s.upload_id = u.id
		WHERE s.step = 'check' AND s.state = 'done' AND EXISTS (SELECT 1 FROM attempts a WHERE a.upload_id = u.id AND a.step = 'check')`)
	if err != nil {
		return err
	}
	if !l.bench.serve.Running() {
		return fmt.Errorf("serve ended: see %s", filepath.Join(l.opt.Dir, "serve-1.log"))
	}
	r.judge(l.answers, known, checked)
	f, err := os.Create(filepath.Join(l.opt.Dir, "seconds.tsv"))
	if err != nil {
		return err
	}
	return errors.Join(r.seconds(f, l.answers), f.Close())
}

func (l *loader) keys(ctx context.Context, query string) (map[string]bool, error) {
	rows, err := l.bench.ledger.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	keys := map[string]bool{}
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		keys[key] = true
	}
	return keys, rows.Err()
}
