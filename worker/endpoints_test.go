package worker

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

// board is a patchy sink for each endpoint.
type board map[string]*patchy

func (b board) Notify(ctx context.Context, endpoint, id string, o pipeline.Outcome) (bool, error) {
	return b[endpoint].Notify(ctx, endpoint, id, o)
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
