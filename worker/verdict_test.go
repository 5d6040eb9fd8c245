package worker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
)

// queuedRun is a task as asynq holds it.
type queuedRun struct {
	task    *asynq.Task
	due     time.Time
	retried int
	done    bool
	ended   error // why it was archived, if it was
}

// deliver hands a task to the handler as asynq does, and keeps what follows from the answer.
func (b *bench) deliver(ctx context.Context, h *handler, q *queuedRun) {
	err := h.ProcessTask(ctx, q.task)
	switch {
	case err == nil:
		q.done = true
	case errors.Is(err, asynq.SkipRetry):
		q.done, q.ended = true, err
	case ctx.Err() != nil: // the task comes back by the recovery
		q.due = b.now().Add(20 * time.Second)
	default:
		q.due = b.now().Add(retryDelay(q.retried, err, q.task))
		if isFailure(err) {
			q.retried++
		}
	}
}

// drive delivers tasks at their times until all have ended or until has come.
func (b *bench) drive(h *handler, clock *ledgertest.Clock, all []*queuedRun, until time.Time) {
	b.Helper()
	for clock.Now().Before(until) {
		open := 0
		for _, q := range all {
			if !q.done && !q.due.After(clock.Now()) {
				b.deliver(b.Context(), h, q)
			}
			if !q.done {
				open++
			}
		}
		if open == 0 {
			return
		}
		clock.Add(time.Second)
	}
}

func TestLedgerAwayForFortyMinutes(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	b.budgets = Budgets{Transient: 3}
	h := b.handler()
	fates := map[pipeline.Class]error{
		"":                 nil,
		pipeline.Denied:    pipeline.Errorf(pipeline.Denied, "store.get", "", "403"),
		pipeline.Transient: pipeline.Errorf(pipeline.Transient, "store.get", "", "503"),
	}
	kinds := []pipeline.Class{"", pipeline.Denied, pipeline.Transient}
	fate := map[string]pipeline.Class{} // by key
	var ids []string
	var all []*queuedRun
	for i := range 9 {
		key := fmt.Sprint(i, ".jpg")
		fate[key] = kinds[i%len(kinds)]
		ids = append(ids, b.announce(key, "v1", ""))
		all = append(all, &queuedRun{task: b.task(b.run(ids[i], pipeline.StepCheck)), due: clock.Now()})
	}
	// The ledger goes away while the fourth runs, after one ended, one died and one failed once.
	first := b.db
	b.store.onCall(func(_ context.Context, op, key string) error {
		if op == "get" && key == "3.jpg" {
			_ = first.Close()
		}
		return fates[fate[key]]
	})
	for _, q := range all {
		b.deliver(t.Context(), h, q)
	}
	before := make([]int, len(all))
	for i, q := range all {
		before[i] = q.retried
	}
	down := clock.Now()
	b.drive(h, clock, all, down.Add(40*time.Minute))
	require.GreaterOrEqual(t, clock.Now().Sub(down), 40*time.Minute)
	for i, q := range all {
		require.Equal(t, before[i], q.retried, "asynq counted none of it: %d", i)
		require.Equal(t, i < 2, q.done, "what has not ended comes back: %d", i)
	}

	b.ledger, b.db = b.open()
	h = b.handler()
	b.drive(h, clock, all, clock.Now().Add(20*time.Minute))
	letters := map[string]int{}
	for _, l := range b.letters() {
		letters[l.UploadID]++
	}
	for i, id := range ids {
		require.True(t, all[i].done, "%d", i)
		switch kind := fate[fmt.Sprint(i, ".jpg")]; kind {
		case "":
			require.Equal(t, pipeline.Done, b.step(id, pipeline.StepCheck).State)
			require.Zero(t, letters[id])
		default:
			require.Equal(t, pipeline.Dead, b.step(id, pipeline.StepCheck).State)
			require.Equal(t, 1, letters[id])
			n := 0
			for _, class := range b.classes(id, pipeline.StepCheck) {
				if class == string(kind) {
					n++
				}
			}
			require.Equal(t, map[pipeline.Class]int{pipeline.Denied: 1, pipeline.Transient: 3}[kind], n, "the outage cost no budget")
		}
	}
}

// Whatever happens to the last attempt of a run ends in exactly one letter or a success,
// also when asynq delivers the task again and again.
func TestLastAttemptEndsOnce(t *testing.T) {
	t.Parallel()
	fails := pipeline.Errorf(pipeline.Transient, "store.get", "a.jpg", "503")
	for _, c := range []struct {
		name string
		// disturb makes the last attempt.
		disturb func(b *bench, h *handler, q *queuedRun)
		// heals tells whether a store that works again saves it.
		heals bool
		class pipeline.Class
	}{
		{"it times out", func(b *bench, h *handler, q *queuedRun) {
			h.timeouts = map[pipeline.Step]time.Duration{pipeline.StepCheck: time.Millisecond}
			b.store.onCall(func(ctx context.Context, _, _ string) error {
				<-ctx.Done()
				return ctx.Err()
			})
			b.deliver(b.Context(), h, q)
			h.timeouts = b.limits
		}, false, pipeline.Transient},
		{"it panics", func(b *bench, h *handler, q *queuedRun) {
			b.store.onCall(func(context.Context, string, string) error { panic("boom") })
			b.deliver(b.Context(), h, q)
		}, false, pipeline.Bug},
		{"its lease is lost", func(b *bench, h *handler, q *queuedRun) {
			ctx, cancel := context.WithCancel(b.Context())
			b.store.onCall(func(context.Context, string, string) error {
				cancel()
				return fails
			})
			b.deliver(ctx, h, q)
			require.Equal(b, "open", b.classes(pipeline.UploadID(bucket, "a.jpg"), pipeline.StepCheck)[2], "nothing is written")
		}, true, pipeline.Transient},
		{"its worker is killed", func(b *bench, _ *handler, q *queuedRun) {
			_, err := b.ledger.Begin(b.Context(), b.run(pipeline.UploadID(bucket, "a.jpg"), pipeline.StepCheck), "w0", beginHold)
			require.NoError(b, err)
			q.due = b.now().Add(20 * time.Second)
		}, true, pipeline.Transient},
		{"its worker is killed, and the sweep ends its attempt", func(b *bench, _ *handler, q *queuedRun) {
			_, err := b.ledger.Begin(b.Context(), b.run(pipeline.UploadID(bucket, "a.jpg"), pipeline.StepCheck), "w0", beginHold)
			require.NoError(b, err)
			_, err = b.ledger.Reap(b.Context())
			require.NoError(b, err)
			q.due = b.now().Add(20 * time.Second)
		}, true, pipeline.Transient},
	} {
		for _, heals := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, heals %t", c.name, heals), func(t *testing.T) {
				t.Parallel()
				b, clock := miniBench(t)
				b.budgets = Budgets{Transient: 3}
				h := b.handler()
				id := b.announce("a.jpg", "v1", "")
				q := &queuedRun{task: b.task(b.run(id, pipeline.StepCheck))}
				b.store.onCall(func(context.Context, string, string) error { return fails })
				for range 2 {
					b.deliver(t.Context(), h, q)
					clock.Add(time.Minute)
				}
				require.False(t, q.done)
				c.disturb(b, h, q)
				b.store.onCall(func(context.Context, string, string) error {
					if heals {
						return nil
					}
					return fails
				})
				b.drive(h, clock, []*queuedRun{q}, clock.Now().Add(time.Hour))
				require.True(t, q.done)
				want, state := 1, pipeline.Dead
				if heals && c.heals {
					want, state = 0, pipeline.Done
				}
				tries := len(b.attempts(id))
				for range 3 { // said again, as after a lost answer
					require.Len(t, b.letters(), want)
					require.Equal(t, state, b.step(id, pipeline.StepCheck).State)
					require.Len(t, b.attempts(id), tries)
					b.deliver(t.Context(), h, &queuedRun{task: q.task})
				}
				if want == 1 {
					require.Equal(t, c.class, b.letters()[0].Class)
					require.ErrorIs(t, q.ended, asynq.SkipRetry)
				}
			})
		}
	}
}
