package chaos

import (
	"context"
	"time"

	"github.com/afterput/afterput/pipeline/objects/coslocal"
)

func mixedRows() []Row {
	return []Row{{ID: "M", Name: "everything at once, for ten minutes", Files: 3000, Break: everything}}
}

// everything breaks something every few seconds while files are sent, with three workers.
func everything(ctx context.Context, b *Bench) error {
	if _, err := b.Serve(ctx, ""); err != nil {
		return err
	}
	workers := make([]*Process, 3)
	var err error
	for i := range workers {
		if workers[i], err = b.Worker(ctx, ""); err != nil {
			return err
		}
	}
	for _, f := range []coslocal.Fault{
		{Name: "slowdown", Kind: coslocal.Refuse, Methods: get, Prefix: "users/", Rate: 0.05},
		{Name: "truncate", Kind: coslocal.Truncate, Methods: get, Prefix: "users/", Rate: 0.03},
		{Name: "flip-bit", Kind: coslocal.FlipBit, Methods: get, Prefix: "users/", Rate: 0.03},
		{Name: "put-500", Kind: coslocal.Refuse, Methods: []string{"PUT"}, Prefix: "thumbs/", Rate: 0.03, Status: 500, Code: "InternalError"},
	} {
		if err := b.World.COS.Faults().Set(f); err != nil {
			return err
		}
	}
	harms := []struct {
		name string
		do   func() error
	}{
		{"kill worker", func() (err error) {
			i := b.Rand.IntN(len(workers))
			workers[i].Kill()
			workers[i], err = b.Worker(ctx, "")
			return err
		}},
		{"restart worker", func() (err error) {
			i := b.Rand.IntN(len(workers))
			if err = workers[i].Stop(); err == nil {
				workers[i], err = b.Worker(ctx, "")
			}
			return err
		}},
		{"kill serve", func() (err error) {
			b.serve.Kill()
			_, err = b.Serve(ctx, "")
			return err
		}},
		{"kill redis", func() error {
			if err := b.Redis.Kill(ctx); err != nil {
				return err
			}
			return b.Redis.Start(ctx)
		}},
		{"flushall", func() error { return b.Redis.Client.FlushAll(ctx).Err() }},
		{"delete keys", func() error { return breakKeys(ctx, b) }},
		{"cut line", func() error {
			if err := b.Redis.Cut(ctx); err != nil {
				return err
			}
			pause(ctx, time.Duration(b.Rand.IntN(8000))*time.Millisecond)
			return b.Redis.Join(ctx)
		}},
	}
	end := time.Now().Add(10 * time.Minute)
	wait := b.Sending(ctx, b.Files)
	for time.Now().Before(end) && ctx.Err() == nil {
		h := harms[b.Rand.IntN(len(harms))]
		if err := h.do(); err != nil {
			return err
		}
		b.Fired(h.name, 1)
		pause(ctx, time.Duration(1000+b.Rand.IntN(6000))*time.Millisecond)
	}
	for _, name := range []string{"slowdown", "truncate", "flip-bit", "put-500"} {
		b.Fired(name, b.World.COS.Faults().Fired(name))
		b.World.COS.Faults().Clear(name)
	}
	b.Mended()
	return wait()
}
