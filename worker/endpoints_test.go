package worker

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// board is a patchy sink for each endpoint.
type board map[string]*patchy

func (b board) Notify(ctx context.Context, endpoint string, e pipeline.Event) (bool, error) {
	return b[endpoint].Notify(ctx, endpoint, e)
}

// subscribe has the ledger notify these endpoints, each of its own events; none means all.
func (b *bench) subscribe(wants map[string][]string) {
	b.Helper()
	var err error
	b.ledger, err = ledger.New(ledger.Options{DB: b.db, Now: b.now, SweepGrace: b.grace, Subscribers: func(event string) (to []string) {
		for _, name := range []string{"", "crm", "shop"} {
			events, ok := wants[name]
			for _, e := range events {
				ok = ok && e == event
			}
			if ok {
				to = append(to, name)
			}
		}
		return to
	}})
	require.NoError(b, err)
}

// notify gives the notify steps of an upload by endpoint.
func (b *bench) notify(id string) map[string]pipeline.StepRecord {
	b.Helper()
	steps, err := b.ledger.Steps(b.Context(), id)
	require.NoError(b, err)
	out := map[string]pipeline.StepRecord{}
	for _, s := range steps {
		if s.Step == pipeline.StepNotify {
			out[s.Scope] = s
		}
	}
	return out
}

// told makes an attempt of each notify step of an upload that is pending.
func (b *bench) told(h *handler, id string) {
	b.Helper()
	for scope, s := range b.notify(id) {
		if s.State == pipeline.Pending {
			_ = h.ProcessTask(b.Context(), b.task(pipeline.Run{UploadID: id, Step: s.Step, Scope: scope, Gen: s.Gen}))
		}
	}
}

// TestEndpointsAreApart: one that is down has its own attempts and letter, and the others
// get everything.
func TestEndpointsAreApart(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	b.subscribe(map[string][]string{"": nil, "crm": nil, "shop": {"upload.gone"}})
	to := board{"": {}, "crm": {}, "shop": {}}
	to["crm"].set(pipeline.Errorf(pipeline.Transient, "hooks.send", "", "500"))
	h := b.handler()
	h.steps.Notifier = to
	id := b.outcomes(h, 1)[0]
	require.Len(t, b.notify(id), 2, "the third wants other events")
	for range 12 {
		b.told(h, id)
		clock.Add(27 * time.Hour)
	}
	require.Equal(t, []string{id + ".1 done"}, to[""].all())
	require.Equal(t, 10, to["crm"].hits)
	require.Zero(t, to["shop"].hits)
	require.Equal(t, pipeline.Done, b.notify(id)[""].State)
	require.Equal(t, pipeline.Dead, b.notify(id)["crm"].State)
	letters := b.letters()
	require.Len(t, letters, 1)
	require.Equal(t, "crm", letters[0].Scope)

	to["crm"].set(nil)
	made, err := b.ledger.Replay(t.Context(), letters[0].ID, "ann", "")
	require.NoError(t, err)
	require.Len(t, made, 1)
	b.told(h, id)
	require.Equal(t, []string{id + ".1 done"}, to["crm"].all(), "the same webhook-id as for the other")
	require.Len(t, to[""].all(), 1)
	require.Equal(t, pipeline.UploadDone, b.state(id))
}

// TestNobodyWantsTheEvent: the ledger still has a notify step, which says so.
func TestNobodyWantsTheEvent(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	b.subscribe(map[string][]string{"shop": {"upload.gone"}})
	h := b.handler()
	id := b.outcomes(h, 1)[0]
	require.Equal(t, []string{""}, keysOf(b.notify(id)))
	gaps, err := b.ledger.Gaps(t.Context(), ledger.GapStep, time.Time{}, ledger.Gap{}, 10)
	require.NoError(t, err)
	require.Empty(t, gaps)
}

func keysOf(m map[string]pipeline.StepRecord) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// TestEndpointsHaveTheirOwnTasks, so that the queue keeps them apart as well.
func TestEndpointsHaveTheirOwnTasks(t *testing.T) {
	t.Parallel()
	run := pipeline.Run{UploadID: "0af3", Step: pipeline.StepNotify, Gen: 1}
	shop := run
	shop.Scope = "shop"
	require.NotEqual(t, tasks.ID(run), tasks.ID(shop))
}

// TestHeldDeliveriesCostNothing: while the endpoint is paused there is no attempt, and no
// request; when that has lasted for longer than the schedule there is a letter.
func TestHeldDeliveriesCostNothing(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	h := b.handler()
	to := &patchy{}
	h.steps.Notifier = to
	hold := time.Minute
	h.steps.Held = func(endpoint string) time.Duration {
		require.Empty(t, endpoint)
		return hold
	}
	ids := b.outcomes(h, 2)
	for range 100 {
		var come *again
		require.ErrorAs(t, b.try(h, ids[0], pipeline.StepNotify), &come)
		require.False(t, isFailure(come))
		require.GreaterOrEqual(t, come.delay, hold)
		clock.Add(time.Minute)
	}
	require.Empty(t, b.classes(ids[0], pipeline.StepNotify))
	hold = 0
	require.NoError(t, b.try(h, ids[0], pipeline.StepNotify))
	require.Equal(t, []string{ids[0] + ".1 done"}, to.all())

	hold = time.Minute
	clock.Add(deliverFor)
	require.ErrorIs(t, b.try(h, ids[1], pipeline.StepNotify), asynq.SkipRetry)
	letters := b.letters()
	require.Len(t, letters, 1)
	require.Equal(t, pipeline.Transient, letters[0].Class)
	require.Contains(t, letters[0].Error, "was paused after failures")
	require.Equal(t, 1, to.hits, "no request")
}

// TestHangingEndpointLeavesWorkersToOthers: the deliveries to one endpoint never end, and
// the other one gets everything meanwhile.
func TestHangingEndpointLeavesWorkersToOthers(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Mini(t), nil)
	b.subscribe(map[string][]string{"": nil, "crm": nil})
	release, healthy := make(chan struct{}), &receiver{bodies: map[string][][]byte{}}
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(hanging.Close)
	server := httptest.NewServer(healthy)
	t.Cleanup(server.Close)
	of := func(name, url string) hooks.Options {
		return hooks.Options{
			Name: name, URL: url, Secrets: []string{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"},
			AllowPrivate: true, Timeout: time.Hour, MaxInFlight: 1,
		}
	}
	set, err := hooks.NewSet([]hooks.Options{of("", server.URL), of("crm", hanging.URL)})
	require.NoError(t, err)
	t.Cleanup(func() { _ = set.Close() })
	b.limits[pipeline.StepNotify] = time.Hour
	b.start(func(opt *Options) { opt.Steps.Notifier, opt.Steps.Held = set, set.Hold })
	t.Cleanup(func() { close(release) })
	q := tasks.NewEnqueuer(b.rdb, b.limits, b.now)
	const n = 6
	for i := range n {
		id := b.announce(string(rune('a'+i))+".jpg", "v1", "")
		_, err := q.Enqueue(t.Context(), pipeline.Wish{Run: b.run(id, pipeline.StepCheck), Bucket: bucket})
		require.NoError(t, err)
	}
	b.eventually(func() bool {
		return func() bool {
			healthy.mu.Lock()
			defer healthy.mu.Unlock()
			return len(healthy.bodies) == n
		}()
	}, "the healthy endpoint gets every outcome")
}
