package worker

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
)

func TestDeliverKeepsTheSchedule(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := Budgets{Transient: 1, Missing: 1, ThrottledFor: 1}.withDefaults()
	var total time.Duration
	for failed, wait := range deliveries() {
		total += wait
		for _, class := range []pipeline.Class{pipeline.Transient, pipeline.Throttled, pipeline.Missing} {
			// Whatever failed before counts, but for what was interrupted.
			spent := map[pipeline.Class]int{pipeline.Throttled: failed / 2, pipeline.Transient: failed - failed/2, pipeline.Interrupted: 99}
			at, dies := b.deliver(pipeline.Errorf(class, "op", "", "no"), spent, now.Add(-total), now)
			require.False(t, dies)
			require.GreaterOrEqual(t, at.Sub(now), wait)
			require.LessOrEqual(t, at.Sub(now), wait+wait/10+1)
		}
	}
	require.Equal(t, 75*time.Hour+35*time.Minute+5*time.Second, total)
	_, dies := b.deliver(pipeline.Errorf(pipeline.Transient, "op", "", "no"), map[pipeline.Class]int{pipeline.Transient: 9}, now, now)
	require.True(t, dies, "the tenth failure")
	_, dies = b.deliver(pipeline.Errorf(pipeline.Denied, "op", "", "410"), nil, now, now)
	require.True(t, dies, "what is denied dies at once")
	refused := &pipeline.Error{Class: pipeline.Denied, Code: pipeline.CodeWebhookRefused}
	at, dies := b.deliver(refused, map[pipeline.Class]int{pipeline.Denied: 1}, now, now)
	require.False(t, dies, "a secret gets mended")
	require.GreaterOrEqual(t, at.Sub(now), 5*time.Minute)
	_, dies = b.deliver(refused, map[pipeline.Class]int{pipeline.Denied: 9}, now, now)
	require.True(t, dies)
	at, dies = b.deliver(pipeline.Errorf(pipeline.Interrupted, "op", "", "stopped"), map[pipeline.Class]int{pipeline.Transient: 9}, now, now)
	require.False(t, dies)
	require.Equal(t, now.Add(time.Second), at)
	at, _ = b.deliver(&pipeline.Error{Class: pipeline.Throttled, RetryAfter: time.Hour}, nil, now, now)
	require.Equal(t, now.Add(time.Hour), at, "the longer of the two waits")
	at, _ = b.deliver(&pipeline.Error{Class: pipeline.Throttled, RetryAfter: time.Second}, map[pipeline.Class]int{pipeline.Throttled: 3}, now, now)
	require.GreaterOrEqual(t, at.Sub(now), 2*time.Hour)
}

// patchy takes webhooks unless it is down.
type patchy struct {
	sink
	mu   sync.Mutex
	down error
	hits int
}

func (f *patchy) set(down error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *patchy) Notify(ctx context.Context, endpoint string, e pipeline.Event) (bool, error) {
	f.mu.Lock()
	f.hits++
	down := f.down
	f.mu.Unlock()
	if down != nil {
		return false, down
	}
	return f.sink.Notify(ctx, endpoint, e)
}

// outcomes announces n photos and takes them to their outcomes.
func (b *bench) outcomes(h *handler, n int) (ids []string) {
	b.Helper()
	for i := range n {
		id := b.announce(string(rune('a'+i))+".jpg", "v1", "")
		for _, step := range []pipeline.Step{pipeline.StepCheck, pipeline.StepThumbnail, pipeline.StepWarm} {
			require.NoError(b, b.try(h, id, step))
		}
		ids = append(ids, id)
	}
	return ids
}

// pass moves the clock on by span, and makes each notify attempt when it is due.
func (b *bench) pass(h *handler, clock *ledgertest.Clock, ids []string, span time.Duration) {
	b.Helper()
	for end := clock.Now().Add(span); ; {
		next := end
		for _, id := range ids {
			s := b.step(id, pipeline.StepNotify)
			if s.State != pipeline.Pending {
				continue
			}
			if s.ReadyAt.After(clock.Now()) {
				if s.ReadyAt.Before(next) {
					next = s.ReadyAt
				}
				continue
			}
			_ = b.try(h, id, pipeline.StepNotify)
			next = clock.Now()
		}
		if !clock.Now().Before(end) {
			return
		}
		clock.Add(next.Sub(clock.Now()))
	}
}

func TestSinkDownForTenMinutesGetsEverythingAfterwards(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	h := b.handler()
	to := &patchy{}
	h.steps.Notifier = to
	to.set(pipeline.Errorf(pipeline.Transient, "hooks.send", "", "connection refused"))
	ids := b.outcomes(h, 5)
	b.pass(h, clock, ids, 10*time.Minute)
	require.Empty(t, to.all())
	require.Equal(t, []string{"transient", "transient", "transient"}, b.classes(ids[0], pipeline.StepNotify), "at 0 s, 5 s and 5 min")
	to.set(nil)
	b.pass(h, clock, ids, 30*time.Minute)
	require.Len(t, to.all(), len(ids))
	for _, id := range ids {
		require.Contains(t, to.all(), id+".1 done")
		require.Equal(t, pipeline.UploadDone, b.state(id))
	}
	require.Empty(t, b.letters())
}

func TestSinkDownForDaysEndsInLetters(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	h := b.handler()
	to := &patchy{}
	h.steps.Notifier = to
	to.set(pipeline.Errorf(pipeline.Transient, "hooks.send", "", "the endpoint answered 500"))
	ids := b.outcomes(h, 3)
	b.pass(h, clock, ids, 72*time.Hour)
	require.Empty(t, b.letters(), "the last attempt comes after more than 75 hours")
	b.pass(h, clock, ids, 12*time.Hour)
	letters := b.letters()
	require.Len(t, letters, len(ids))
	for _, l := range letters {
		require.Equal(t, pipeline.Transient, l.Class)
		require.Equal(t, pipeline.StepNotify, l.Step)
		require.Equal(t, 10, l.Attempts)
	}
	require.Equal(t, 30, to.hits)

	// Replay gives a letter its schedule again.
	to.set(nil)
	for _, l := range letters {
		_, err := b.ledger.Replay(t.Context(), l.ID, "ann", "it is back")
		require.NoError(t, err)
	}
	b.pass(h, clock, ids, time.Second)
	require.Len(t, to.all(), len(ids))
}

func TestSinkThatIsGoneEndsAtOnce(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	h := b.handler()
	to := &patchy{}
	h.steps.Notifier = to
	to.set(pipeline.Errorf(pipeline.Denied, "hooks.send", "", "410"))
	id := b.outcomes(h, 1)[0]
	require.ErrorIs(t, b.try(h, id, pipeline.StepNotify), asynq.SkipRetry)
	require.Len(t, b.letters(), 1)
	require.Equal(t, pipeline.Denied, b.letters()[0].Class)
}

// TestSinkThatRefusesEndsInALetterThatSaysSo: 401 and 403 have the whole schedule, and then
// a letter of the class that alerts.
func TestSinkThatRefusesEndsInALetterThatSaysSo(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	h := b.handler()
	var hits atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		hits.Add(1)
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(server.Close)
	sender, err := hooks.NewSet([]hooks.Options{{
		URL: server.URL, Secrets: []string{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}, AllowPrivate: true, Now: clock.Now,
	}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = sender.Close() })
	h.steps.Notifier = sender
	ids := b.outcomes(h, 1)
	b.pass(h, clock, ids, 72*time.Hour)
	require.Empty(t, b.letters())
	b.pass(h, clock, ids, 12*time.Hour)
	require.EqualValues(t, 10, hits.Load())
	letters := b.letters()
	require.Len(t, letters, 1)
	require.Equal(t, pipeline.Denied, letters[0].Class)
	require.Equal(t, pipeline.CodeWebhookRefused, letters[0].Code)
	require.Contains(t, letters[0].Error, "the endpoint answered 403: it refuses our webhooks")
}
