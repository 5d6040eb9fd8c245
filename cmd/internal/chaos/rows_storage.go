package chaos

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/afterput/afterput/cmd/internal/config"
	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

func storageRows() []Row {
	return []Row{
		{ID: "11", Name: "slow COS: a byte a second, stalls, late headers", Files: 120, Tune: impatient, Break: slowStore},
		{ID: "12", Name: "COS 503 SlowDown, 429 and RequestTimeout for 30 %", Files: 300, Break: throttledStore},
		{ID: "13", Name: "COS 403, 404, NoSuchBucket, objects that appear late", Short: true, Files: 60, Break: refusingStore},
		{ID: "14", Name: "truncated, damaged and replaced bodies", Files: 150, Break: damagedStore},
	}
}

// impatient shortens the deadlines of steps.
func impatient(c *config.Config) {
	c.Timeouts.Check, c.Timeouts.Thumbnail = 5*time.Second, 10*time.Second
}

// get are the methods by which workers read; the generator only writes while faults last.
var get = []string{http.MethodGet, http.MethodHead}

// during sets faults of the bucket's server, sends and lets them hit for a while.
func (b *Bench) during(ctx context.Context, d time.Duration, files int, faults ...coslocal.Fault) error {
	f := b.World.COS.Faults()
	before := map[string]int{}
	for _, x := range faults {
		before[x.Name] = f.Fired(x.Name)
		if err := f.Set(x); err != nil {
			return err
		}
	}
	wait := b.Sending(ctx, files)
	pause(ctx, d)
	for _, x := range faults {
		f.Clear(x.Name)
		hits := f.Fired(x.Name) - before[x.Name]
		if hits == 0 {
			return fmt.Errorf("%s: %w", x.Name, errPart)
		}
		b.Fired(x.Name, hits)
	}
	b.Mended()
	return wait()
}

func slowStore(ctx context.Context, b *Bench) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	return b.during(ctx, 20*time.Second, b.Files,
		coslocal.Fault{Name: "drip", Kind: coslocal.Drip, Methods: get, Prefix: "users/", Rate: 0.15, Delay: time.Second},
		coslocal.Fault{Name: "stall", Kind: coslocal.Stall, Methods: get, Prefix: "users/", Rate: 0.15},
		coslocal.Fault{Name: "late", Kind: coslocal.Latency, Methods: get, Prefix: "users/", Rate: 0.15, Delay: 20 * time.Second})
}

func throttledStore(ctx context.Context, b *Bench) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	return b.during(ctx, 20*time.Second, b.Files,
		coslocal.Fault{Name: "slowdown", Kind: coslocal.Refuse, Methods: get, Prefix: "users/", Rate: 0.2},
		coslocal.Fault{Name: "put-slowdown", Kind: coslocal.Refuse, Methods: []string{http.MethodPut}, Prefix: "thumbs/", Rate: 0.3},
		coslocal.Fault{Name: "429", Kind: coslocal.Refuse, Methods: get, Prefix: "users/", Rate: 0.1, Status: 429, Code: "TooManyRequests", RetryAfter: time.Second},
		coslocal.Fault{Name: "timeout", Kind: coslocal.Refuse, Methods: get, Prefix: "users/", Rate: 0.1, Status: 400, Code: "RequestTimeout"})
}

// refusingStore lets phones announce before they upload, then refuses everything for a
// while, and replays the letters that this makes.
func refusingStore(ctx context.Context, b *Bench) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	if err := b.gen.early(ctx, b.Files/4, 300*time.Millisecond); err != nil {
		return err
	}
	b.Fired("early", b.Files/4)
	for _, x := range []coslocal.Fault{
		{Name: "403", Kind: coslocal.Refuse, Methods: get, Prefix: "users/", Rate: 0.7, Status: 403, Code: "AccessDenied"},
		{Name: "no-bucket", Kind: coslocal.Refuse, Methods: get, Prefix: "users/", Rate: 0.7, Status: 404, Code: "NoSuchBucket"},
	} {
		if err := b.during(ctx, 4*time.Second, b.Files/3, x); err != nil {
			return err
		}
	}
	if err := b.calm(ctx); err != nil {
		return err
	}
	dead, err := b.count(ctx, "SELECT COUNT(*) FROM dead_letters WHERE state = 'open'")
	if err != nil {
		return err
	}
	b.Fired("letters", dead)
	b.Mended()
	return b.replayAll(ctx)
}

// calm waits until nothing is pending.
func (b *Bench) calm(ctx context.Context) error {
	return until(ctx, 10*time.Minute, "nothing is pending", func() bool {
		open, err := b.open(ctx)
		return err == nil && open == 0
	})
}

// replayAll replays every open letter from the command line and waits for the end.
func (b *Bench) replayAll(ctx context.Context) error {
	code, err := b.Command(ctx, "dead", "replay", "--all", "--note", "the fault is over", "--rate", "2000/s", "--yes", "--wait")
	// 3: some of them died again, such as the names under which nothing was uploaded.
	if err == nil && code != 0 && code != 3 {
		err = fmt.Errorf("dead replay ended with %d: see the logs in %s", code, b.Dir)
	}
	return err
}

// damagedStore damages bodies on their way, and lets users replace their photos while
// they are being worked on.
func damagedStore(ctx context.Context, b *Bench) error {
	if _, err := b.Both(ctx); err != nil {
		return err
	}
	if err := b.during(ctx, 10*time.Second, b.Files/2,
		coslocal.Fault{Name: "truncate", Kind: coslocal.Truncate, Methods: get, Prefix: "users/", Rate: 0.2},
		coslocal.Fault{Name: "flip-bit", Kind: coslocal.FlipBit, Methods: get, Prefix: "users/", Rate: 0.2},
		coslocal.Fault{Name: "wrong-crc", Kind: coslocal.WrongCRC, Prefix: "thumbs/", Rate: 0.2}); err != nil {
		return err
	}
	n, err := b.gen.replace(ctx, b.Files/2, false)
	b.Fired("replaced", n)
	return err
}

// slowReads delays every read of a photo.
func slowReads(d time.Duration) coslocal.Fault {
	return coslocal.Fault{Name: "slow", Kind: coslocal.Latency, Methods: get, Prefix: "users/", Delay: d}
}
