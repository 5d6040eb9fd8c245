package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestNewWantsItsParts(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	whole := Options{Ledger: b.ledger, Redis: b.rdb, Logger: b.logger(), Pools: []Pool{{Queue: tasks.QueueChecks, Concurrency: 1}}}
	for name, drop := range map[string]func(*Options){
		"ledger": func(o *Options) { o.Ledger = nil },
		"redis":  func(o *Options) { o.Redis = nil },
		"logger": func(o *Options) { o.Logger = nil },
		"pools":  func(o *Options) { o.Pools = nil },
	} {
		opt := whole
		drop(&opt)
		_, err := New(opt)
		require.ErrorContains(t, err, "worker: ", name)
	}
	w, err := New(whole)
	require.NoError(t, err)
	w.Shutdown() // of a worker that never started, which has no patience any more
	require.NoError(t, b.db.Close())
	require.Error(t, w.Start(t.Context()), "the ledger must be there")
}

// lock holds SQLite's write lock as another process may, until the returned func.
func (b *bench) lock() func() {
	b.Helper()
	raw, err := sql.Open("sqlite", "file:"+strings.TrimPrefix(b.path, "sqlite://"))
	require.NoError(b, err)
	raw.SetMaxOpenConns(1)
	_, err = raw.ExecContext(b.Context(), "BEGIN IMMEDIATE")
	require.NoError(b, err)
	return func() {
		_, err := raw.ExecContext(context.WithoutCancel(b.Context()), "ROLLBACK")
		require.NoError(b, err)
		require.NoError(b, raw.Close())
	}
}

func TestWorkerWaitsForALedgerThatIsLocked(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		patience time.Duration
		opens    bool
	}{
		{"it opens", time.Minute, true},
		{"its patience ends", 50 * time.Millisecond, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, redistest.Mini(t), nil)
			_, err := b.db.SQL().ExecContext(t.Context(), "PRAGMA busy_timeout = 1") // of the one writer
			require.NoError(t, err)
			w, err := New(Options{
				Ledger: b.ledger, Redis: redistest.Client(t, b.url), Steps: b.steps(), Logger: b.logger(),
				Pools: []Pool{{Queue: tasks.QueueChecks, Concurrency: 1}},
			})
			require.NoError(t, err)
			w.patience = tc.patience
			open := b.lock()
			started := make(chan error, 1)
			go func() { started <- w.Start(context.WithoutCancel(t.Context())) }()
			b.eventually(func() bool { return strings.Contains(b.log.String(), "does not let the worker in yet") }, "it says why it waits")
			if tc.opens {
				open()
				require.NoError(t, <-started)
			} else {
				require.Error(t, <-started)
				open()
			}
			w.Shutdown()
		})
	}
}

func TestWorkerDoesTheWholeLine(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		b.orders.create("A1")
		w1, w2 := b.start(nil), b.start(nil)
		require.NotEqual(t, w1.ID(), w2.ID())
		var ids []string
		for i := range 12 {
			ids = append(ids, b.announce(fmt.Sprint(i, ".jpg"), fmt.Sprint("v", i), "A1"))
			b.task(b.run(ids[i], pipeline.StepCheck))
		}
		b.eventually(func() bool {
			for _, id := range ids {
				if b.state(id) != pipeline.UploadDone {
					return false
				}
			}
			return true
		}, "every upload ends")
		require.Len(t, b.orders.images("A1"), len(ids))
		require.Len(t, b.urls.kept, len(ids))
		seen := map[string]int{}
		for _, s := range b.sink.all() {
			seen[s]++
		}
		for _, id := range ids {
			require.Equal(t, 1, seen[id+".1 done"], "one webhook for each upload")
		}
		require.Empty(t, b.letters())
		workers := map[string]bool{}
		for _, id := range ids {
			for _, a := range b.attempts(id) {
				if a.Class != pipeline.Conflict { // on a busy machine a file may lose its turn at the order
					require.Empty(t, a.Class, a.Error)
				}
				workers[a.Worker] = true
			}
		}
		more := 0
		b.eventually(func() bool {
			id := b.announce(fmt.Sprint("more", more, ".jpg"), "v", "")
			b.task(b.run(id, pipeline.StepCheck))
			more++
			for _, a := range b.attempts(pipeline.UploadID(bucket, fmt.Sprint("more", max(0, more-2), ".jpg"))) {
				workers[a.Worker] = true
			}
			return len(workers) == 2
		}, "both take their part")
	})
}

func TestShutdownInterruptsAndChargesNobody(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		var began atomic.Int32
		b.store.onCall(func(ctx context.Context, op, _ string) error {
			if op != "get" {
				return nil
			}
			began.Add(1)
			<-ctx.Done()
			return ctx.Err()
		})
		id := b.announce("a.jpg", "v1", "")
		b.task(b.run(id, pipeline.StepCheck))
		w := b.start(func(o *Options) { o.ShutdownTimeout = 200 * time.Millisecond })
		b.eventually(func() bool { return began.Load() > 0 }, "it runs")
		start := time.Now()
		w.Shutdown()
		require.Less(t, time.Since(start), 10*time.Second)
		require.Equal(t, []string{"interrupted"}, b.classes(id, pipeline.StepCheck))
		info, err := b.inspect.GetTaskInfo(tasks.QueueChecks, tasks.ID(b.run(id, pipeline.StepCheck)))
		require.NoError(t, err)
		require.Equal(t, asynq.TaskStatePending, info.State)
		require.Zero(t, info.Retried)

		b.store.onCall(nil)
		b.start(nil)
		b.eventually(func() bool { return b.state(id) == pipeline.UploadDone }, "the next worker does it")
		require.Equal(t, []string{"interrupted", ""}, b.classes(id, pipeline.StepCheck))
	})
}

func TestWorkerBringsEverythingHomeAfterFlushAll(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		var flushed atomic.Bool
		rdb := redistest.Universal(t, url)
		b.store.onCall(func(ctx context.Context, op, key string) error {
			if op == "put" && flushed.CompareAndSwap(false, true) {
				return errors.Join(redistest.Flush(ctx, rdb), pipeline.Errorf(pipeline.Transient, "store.put", key, "no"))
			}
			return nil
		})
		var ids []string
		for i := range 6 {
			ids = append(ids, b.announce(fmt.Sprint(i, ".jpg"), "v1", ""))
			b.task(b.run(ids[i], pipeline.StepCheck))
		}
		b.start(nil)
		b.eventually(func() bool {
			for _, id := range ids {
				if b.state(id) != pipeline.UploadDone {
					return false
				}
			}
			return flushed.Load()
		}, "nothing is lost")
		require.Empty(t, b.letters())
	})
}
