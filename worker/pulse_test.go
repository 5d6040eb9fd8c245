package worker

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// beat runs a pulse over a Redis that answers while up is true.
func (b *bench) beat(up *atomic.Bool) *pulse {
	b.Helper()
	p := &pulse{every: 5 * time.Millisecond, limit: 50 * time.Millisecond, log: b.logger(), ping: func(context.Context) error {
		if up.Load() {
			return nil
		}
		return errors.New("no answer")
	}}
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.Context()))
	var wg sync.WaitGroup
	wg.Go(func() { p.run(ctx) })
	b.Cleanup(func() { cancel(); wg.Wait() })
	b.eventually(func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.alive != nil }, "it beats")
	return p
}

func TestSilenceCancelsWhatRuns(t *testing.T) {
	t.Parallel()
	for _, step := range []pipeline.Step{pipeline.StepThumbnail, pipeline.StepWarm} {
		t.Run(string(step), func(t *testing.T) {
			t.Parallel()
			b, _ := miniBench(t)
			var up atomic.Bool
			up.Store(true)
			h := b.handler()
			h.pulse = b.beat(&up)
			id := b.announce("a.jpg", "v1", "")
			require.NoError(t, b.try(h, id, pipeline.StepCheck))
			b.store.onCall(func(ctx context.Context, op, _ string) error {
				up.Store(false)
				<-ctx.Done()
				return ctx.Err()
			})
			b.urls.hook = func() error {
				up.Store(false)
				<-b.dead(h.pulse)
				return context.Canceled
			}
			err := b.try(h, id, step)
			if step != pipeline.StepWarm { // which queues its uploads one by one
				var come *again
				require.ErrorAs(t, err, &come)
				require.Equal(t, pipeline.Interrupted, come.class)
			}
			require.Equal(t, []string{"interrupted"}, b.classes(id, step))
			require.Empty(t, b.store.content("thumbs/small/a.jpg.jpg"))
			require.Empty(t, b.urls.kept)
			require.Empty(t, b.letters())
			require.Contains(t, b.log.String(), "redis gives no answer, what runs is cancelled")

			b.store.onCall(nil)
			b.urls.hook = nil
			up.Store(true)
			b.eventually(func() bool {
				h.pulse.mu.Lock()
				defer h.pulse.mu.Unlock()
				return h.pulse.alive.Err() == nil
			}, "redis answers again")
		})
	}
}

// dead ends when p has fallen silent.
func (b *bench) dead(p *pulse) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.alive.Done()
}

func TestWorkerCancelsWhatItRunsWhenRedisIsKilled(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	b := newBench(t, server.URL, nil)
	var puts, cancelled atomic.Int32
	b.store.onCall(func(ctx context.Context, op, _ string) error {
		if op != "put" {
			return nil
		}
		puts.Add(1)
		<-ctx.Done()
		cancelled.Add(1)
		return ctx.Err()
	})
	id := b.announce("a.jpg", "v1", "")
	b.task(b.run(id, pipeline.StepCheck))
	opt := Options{
		Ledger: b.ledger, Redis: redistest.Client(t, server.URL), Steps: b.steps(), Timeouts: b.limits,
		SweepEvery: 200 * time.Millisecond, ShutdownTimeout: 2 * time.Second, Logger: b.logger(),
	}
	for _, q := range tasks.Queues() {
		opt.Pools = append(opt.Pools, Pool{Queue: q, Concurrency: 1})
	}
	w, err := New(opt)
	require.NoError(t, err)
	w.pulse.every, w.pulse.limit = 20*time.Millisecond, 500*time.Millisecond
	require.NoError(t, w.Start(t.Context()))
	t.Cleanup(w.Shutdown)
	b.eventually(func() bool { return puts.Load() > 0 }, "the thumbnail is being written")
	server.Kill()
	b.eventually(func() bool { return cancelled.Load() > 0 }, "it is cancelled")
	b.eventually(func() bool {
		return len(b.classes(id, pipeline.StepThumbnail)) == 1 && b.classes(id, pipeline.StepThumbnail)[0] == "interrupted"
	}, "it costs nothing")
	b.store.onCall(nil)
	server.Run()
	b.eventually(func() bool { return b.state(id) == pipeline.UploadDone }, "the next attempt does it")
	require.Empty(t, b.letters())
}
