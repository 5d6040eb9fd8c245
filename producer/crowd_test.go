package producer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/producer"
	"github.com/afterput/afterput/producer/sign"
)

// TestAcceptCrowd: while the ledger's writer is busy 64 announcements wait for it. Who comes
// later is answered at once, so that memory does not grow with the queue, and nobody who was
// let in is forgotten.
func TestAcceptCrowd(t *testing.T) {
	t.Parallel()
	const crowd = 64
	w := newWorld(t)
	busy, err := w.db.SQL().BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = busy.Rollback() }()
	announce := func(n int) answer { return w.announce(fmt.Sprintf(`{"files":["users/o1/%d.jpg"]}`, n)) }

	var wg sync.WaitGroup
	answers := make([]answer, crowd)
	for n := range crowd {
		wg.Go(func() { answers[n] = announce(n) })
	}
	require.Eventually(t, func() bool { return w.db.SQL().Stats().WaitCount >= crowd }, time.Minute, 5*time.Millisecond)
	for range 3 {
		res := announce(crowd)
		res.requireError(t, 503, "UNAVAILABLE")
		require.Equal(t, "5", res.header.Get("Retry-After"))
	}
	require.NoError(t, busy.Rollback())
	wg.Wait()
	for _, res := range answers {
		require.Equal(t, 202, res.status, "%s", res.body)
	}
	require.Len(t, w.uploads(), crowd)
	require.Equal(t, 202, announce(crowd).status, "whoever was refused may come again")
}

// stuckHints is a ledger that reads nothing until it is let go.
type stuckHints struct {
	asked chan struct{} // one for each call; who finds it full is one too many
	free  chan struct{} // closed to let them go
}

func (h stuckHints) Signed(context.Context, ...string) (map[string]ledger.Signed, error) {
	select {
	case <-h.free:
	case h.asked <- struct{}{}:
		<-h.free
	default:
		return nil, errors.New("one too many waits for the ledger")
	}
	return nil, nil
}

// TestAcceptCrowdOfReaders: a ledger that does not even read makes no longer line, and one
// log line is enough to say so.
func TestAcceptCrowdOfReaders(t *testing.T) {
	t.Parallel()
	const crowd = 64
	h := stuckHints{asked: make(chan struct{}, crowd), free: make(chan struct{})}
	free := sync.OnceFunc(func() { close(h.free) })
	defer free()
	var log lockedBuffer
	w := newWorld(t, withCallbacks, func(o *producer.Options) {
		o.Hints, o.Logger = h, slog.New(slog.NewTextHandler(&log, nil))
	})
	var wg sync.WaitGroup
	for n := range crowd {
		wg.Go(func() {
			if n%2 == 0 {
				w.announce(fmt.Sprintf(`{"files":["users/o1/%d.jpg"]}`, n))
				return
			}
			key := fmt.Sprintf("users/o1/%d.jpg", n)
			w.event(cosEvent("ObjectCreated:Put", key, key, ""))
		})
	}
	require.Eventually(t, func() bool { return len(h.asked) == crowd }, time.Minute, time.Millisecond)
	const one = "users/o1/one.jpg"
	for range 5 {
		w.announce(`{"files":["`+one+`"]}`).requireError(t, 503, "UNAVAILABLE")
		w.event(cosEvent("ObjectCreated:Put", one, one, "")).requireError(t, 503, "UNAVAILABLE")
		w.event(`{"Records":[{}]}`).requireError(t, 503, "UNAVAILABLE")
		_, err := w.p.Signed(t.Context(), pipeline.UploadID(bucket, one))
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(err))
		require.Equal(t, pipeline.Transient, pipeline.ClassOf(w.p.Sign(t.Context(), ledger.Signed{Bucket: bucket, Key: one})))
	}
	require.Empty(t, w.letters())
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"), "%s", log.String())
	require.NotContains(t, log.String(), "level=ERROR")
	free()
	wg.Wait()
	require.Len(t, w.uploads(), crowd)
	require.NoError(t, w.p.Sign(t.Context(), ledger.Signed{Bucket: bucket, Key: one}))
}

// TestNamesWhileAway: a bucket that does not answer makes one log line, however many records
// an event has whose names are in doubt.
func TestNamesWhileAway(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	w := newWorld(t, func(o *producer.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	w.objects.err = errAway
	var records []string
	for n := range 30 {
		key := fmt.Sprintf("users/o1/a%%20%d.jpg", n)
		one := cosEvent("ObjectCreated:Put", key, key, "")
		records = append(records, strings.TrimSuffix(strings.TrimPrefix(one, `{"Records":[`), `]}`))
	}
	require.Equal(t, 202, w.event(`{"Records":[`+strings.Join(records, ",")+`]}`).status)
	require.Len(t, w.uploads(), 30)
	require.Len(t, w.objects.asked, 60)
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"), "%s", log.String())
}

var _ sign.Recorder = (*producer.Producer)(nil)

// lockedBuffer is a log that many write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
