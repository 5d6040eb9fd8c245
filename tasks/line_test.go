package tasks_test

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// undated is a connection of the world outside, where another time counts.
type undated struct{ net.Conn }

func (undated) SetDeadline(time.Time) error      { return nil }
func (undated) SetReadDeadline(time.Time) error  { return nil }
func (undated) SetWriteDeadline(time.Time) error { return nil }

// TestEnqueueAllStandstill: a Redis that takes connections and never answers costs one
// caller in a second its timeout, and everybody else nothing; when it is back it is used.
func TestEnqueueAllStandstill(t *testing.T) {
	t.Parallel()
	const timeout = 500 * time.Millisecond
	up, err := redis.ParseURL(redistest.Mini(t))
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int64
		var back atomic.Bool
		rdb := redis.NewClient(&redis.Options{
			MaxRetries: -1, DialerRetries: 1, DialTimeout: timeout, ReadTimeout: timeout, WriteTimeout: timeout, PoolTimeout: timeout,
			Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
				dials.Add(1)
				if back.Load() {
					c, err := new(net.Dialer).DialContext(context.WithoutCancel(ctx), "tcp", up.Addr)
					return undated{c}, err
				}
				near, far := net.Pipe()
				go func() { _, _ = io.Copy(io.Discard, far) }()
				return near, nil
			},
		})
		defer func() { require.NoError(t, rdb.Close()) }()
		e, one := tasks.NewEnqueuer(rdb, nil, nil), []pipeline.Wish{wish(pipeline.StepCheck, "0af3", 1)}
		enqueue := func() (time.Duration, error) {
			began := time.Now()
			err := e.EnqueueAll(t.Context(), one)
			return time.Since(began), err
		}
		took, err := enqueue()
		require.Error(t, err)
		require.NotErrorIs(t, err, tasks.ErrAway)
		require.Equal(t, timeout, took)
		for range 10 {
			before := dials.Load()
			asked, done := new(atomic.Int64), make(chan struct{})
			for range 100 {
				go func() {
					if took, err := enqueue(); err == nil || took > 0 {
						asked.Add(1)
					}
					done <- struct{}{}
				}()
			}
			for range 100 {
				<-done
			}
			require.LessOrEqual(t, asked.Load(), int64(1), "who waits for Redis")
			require.LessOrEqual(t, dials.Load(), before+1)
			time.Sleep(time.Second)
		}
		require.GreaterOrEqual(t, dials.Load(), int64(5), "it is asked now and then")
		back.Store(true)
		require.Eventually(t, func() bool { _, err := enqueue(); return err == nil }, 3*time.Second, 100*time.Millisecond)
		_, err = enqueue()
		require.NoError(t, err)
	})
}

// TestEnqueueAllGivenUp: callers who gave up tell nothing about Redis, and one who wishes
// for nothing does not ask.
func TestEnqueueAllGivenUp(t *testing.T) {
	t.Parallel()
	q := newQueue(t, redistest.Mini(t))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, q.EnqueueAll(gone, []pipeline.Wish{wish(pipeline.StepCheck, "0af3", 1)}), context.Canceled)
	require.NoError(t, q.EnqueueAll(gone, nil))
	require.NoError(t, q.EnqueueAll(t.Context(), []pipeline.Wish{wish(pipeline.StepCheck, "0af3", 1)}))
}
