package worker

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func orderEventID(order string, revision int) string {
	return fmt.Sprintf("ord_%s.%d", pipeline.OrderHash(order), revision)
}

// attached announces a photo for the order A1 and takes it through check and attach.
func (b *bench) attached(h *handler, key string) string {
	b.Helper()
	id := b.announce(key, "v1", "A1")
	require.NoError(b, b.try(h, id, pipeline.StepCheck))
	require.NoError(b, b.try(h, id, pipeline.StepAttach))
	return id
}

// TestOrdersAreTold: whoever subscribed gets the array that stands in the order in the end,
// and each array has a webhook-id of its own.
func TestOrdersAreTold(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		b.subscribe(map[string][]string{"": {"upload.done"}, "crm": {pipeline.OrderUpdated}})
		b.orders.create("A1")
		to := board{"": {}, "crm": {}}
		b.start(func(opt *Options) { opt.Steps.Notifier = to })
		var ids []string
		for i := range 6 {
			ids = append(ids, b.announce(fmt.Sprint(i, ".jpg"), "v1", "A1"))
			b.task(b.run(ids[i], pipeline.StepCheck))
		}
		b.eventually(func() bool {
			for _, id := range ids {
				if b.state(id) != pipeline.UploadDone {
					return false
				}
			}
			return true
		}, "every upload and every webhook ends")
		require.Len(t, b.orders.images("A1"), len(ids))
		require.Len(t, to[""].all(), len(ids), "who did not subscribe gets outcomes only")
		told := map[string]string{}
		newest := 0
		for _, s := range to["crm"].all() {
			id, array, _ := strings.Cut(s, " ")
			require.Contains(t, []string{"", array}, told[id], "one array under each webhook-id")
			told[id] = array
			var revision int
			_, err := fmt.Sscanf(id, "ord_"+pipeline.OrderHash("A1")+".%d", &revision)
			require.NoError(t, err)
			newest = max(newest, revision)
		}
		require.Equal(t, strings.Join(b.orders.images("A1"), ","), told[orderEventID("A1", newest)])
		require.Empty(t, b.letters())
	})
}

// TestOrderEventsHaveTheSchedule: while the endpoint is down nothing waits for it, a newer
// array takes the place of one that was not delivered, and in the end there is one letter
// whose replay delivers.
func TestOrderEventsHaveTheSchedule(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	b.subscribe(map[string][]string{"": {"upload.done"}, "crm": {pipeline.OrderUpdated}})
	b.orders.create("A1")
	to := board{"": {}, "crm": {}}
	to["crm"].set(pipeline.Errorf(pipeline.Transient, "hooks.send", "", "500"))
	h := b.handler()
	h.steps.Notifier = to
	h.steps.Held = func(endpoint string) time.Duration {
		require.Contains(t, []string{"", "crm"}, endpoint)
		return 0
	}
	first := b.attached(h, "a.jpg")
	b.told(h, first)
	require.Equal(t, 1, to["crm"].hits)
	b.attached(h, "b.jpg")
	require.Len(t, b.orders.images("A1"), 2, "no attach waits for an endpoint")
	for range 12 {
		b.told(h, first)
		clock.Add(27 * time.Hour)
	}
	require.Equal(t, 11, to["crm"].hits, "the newer one has a schedule of its own")
	letters := b.letters()
	require.Len(t, letters, 1)
	require.Equal(t, "crm/A1", letters[0].Scope)
	require.Equal(t, pipeline.Transient, letters[0].Class)

	to["crm"].set(nil)
	_, err := b.ledger.Replay(t.Context(), letters[0].ID, "ann", "it is back")
	require.NoError(t, err)
	b.told(h, first)
	require.Equal(t, []string{orderEventID("A1", 2) + " " + strings.Join(b.orders.images("A1"), ",")}, to["crm"].all())
	require.Equal(t, pipeline.LetterResolved, b.letters()[0].State)
}

// TestOrderEventsOutliveRedis: what the ledger committed with the attach is delivered, also
// when nothing of it ever came into the queue.
func TestOrderEventsOutliveRedis(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		b.subscribe(map[string][]string{"crm": {pipeline.OrderUpdated}})
		b.orders.create("A1")
		to := board{"": {}, "crm": {}}
		h := b.handler()
		h.steps.Notifier = to
		id := b.attached(h, "a.jpg")
		require.Zero(t, len(to["crm"].all()))
		run := pipeline.Run{UploadID: id, Step: pipeline.StepNotify, Scope: "crm/A1", Gen: 1}
		require.Contains(t, b.queued(tasks.QueueHooks, asynq.TaskStatePending), tasks.ID(run), "it is queued with the attach")
		redistest.Wipe(t, b.rdb)
		b.start(func(opt *Options) { opt.Steps.Notifier = to })
		b.eventually(func() bool { return len(to["crm"].all()) == 1 }, "the sweep queues it again")
		require.Equal(t, orderEventID("A1", 1)+" cos://"+bucket+"/a.jpg", to["crm"].all()[0])
	})
}

// TestOrderEventOfAWriteThatWasNotHeard: the worker dies between the write of the order and
// its commit; the next run tells it.
func TestOrderEventOfAWriteThatWasNotHeard(t *testing.T) {
	t.Parallel()
	b, clock := miniBench(t)
	b.subscribe(map[string][]string{"crm": {pipeline.OrderUpdated}})
	b.orders.create("A1")
	to := board{"": {}, "crm": {}}
	h := b.handler()
	h.steps.Notifier = to
	id := b.announce("a.jpg", "v1", "A1")
	require.NoError(t, b.try(h, id, pipeline.StepCheck))
	h.steps.Orders = ackLost{b.orders}
	require.Error(t, b.try(h, id, pipeline.StepAttach))
	require.Len(t, b.orders.images("A1"), 1)
	require.Empty(t, b.notify(id))
	h.steps.Orders = b.orders
	clock.Add(time.Minute)
	require.NoError(t, b.try(h, id, pipeline.StepAttach))
	b.told(h, id)
	require.Len(t, to["crm"].all(), 1)
	gaps, err := b.ledger.Gaps(t.Context(), ledger.GapStep, time.Time{}, ledger.Gap{}, 10)
	require.NoError(t, err)
	require.Empty(t, gaps)
}

// ackLost writes, and says that it does not know.
type ackLost struct{ *orders }

func (o ackLost) WriteImages(ctx context.Context, was pipeline.Order, images []string) error {
	if err := o.orders.WriteImages(ctx, was, images); err != nil {
		return err
	}
	return pipeline.Errorf(pipeline.Transient, "orders.write", was.ID, "the acknowledgement was lost")
}

// TestOrderEventIsNoOutcome: that an order was told does not hide that an outcome was not.
func TestOrderEventIsNoOutcome(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	b.subscribe(map[string][]string{"crm": {pipeline.OrderUpdated}})
	b.orders.create("A1")
	h := b.handler()
	id := b.attached(h, "a.jpg")
	for _, step := range []pipeline.Step{pipeline.StepThumbnail, pipeline.StepWarm} {
		require.NoError(t, b.try(h, id, step))
	}
	b.told(h, id)
	missing := func() []ledger.Gap {
		gaps, err := b.ledger.Gaps(t.Context(), ledger.GapStep, time.Time{}, ledger.Gap{}, 10)
		require.NoError(t, err)
		return gaps
	}
	require.Empty(t, missing())
	_, err := b.db.SQL().ExecContext(t.Context(), "DELETE FROM upload_steps WHERE step = 'notify' AND scope = ''")
	require.NoError(t, err)
	require.Equal(t, []ledger.Gap{{UploadID: id, Step: pipeline.StepNotify, Key: "a.jpg"}}, missing())
}

// TestOutcomesThatNobodyWants: the default endpoint does not hear of outcomes that no
// endpoint subscribed to.
func TestOutcomesThatNobodyWants(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, nil)
		b.subscribe(map[string][]string{"": {pipeline.OrderUpdated}})
		b.orders.create("A1")
		to := board{"": {}}
		b.start(func(opt *Options) { opt.Steps.Notifier = to })
		id := b.announce("a.jpg", "v1", "A1")
		b.task(b.run(id, pipeline.StepCheck))
		b.eventually(func() bool { return b.state(id) == pipeline.UploadDone }, "every step and every webhook ends")
		require.Equal(t, []string{orderEventID("A1", 1) + " cos://" + bucket + "/a.jpg"}, to[""].all())
	})
}
