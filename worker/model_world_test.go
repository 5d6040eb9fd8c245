package worker

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	orderdb "github.com/afterput/afterput/pipeline/orders"
	"github.com/afterput/afterput/pipeline/orders/orderstest"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

// modelTown is what outlives one check of the property: the databases, Redis and the
// receiver of webhooks. Each check begins with all of them empty.
type modelTown struct {
	*bench
	hooked *redis.Client
	shop   *sqldb.DB
	sender *hooks.Set
	sink   *receiver
	world  *modelWorld // of the check that runs
}

// modelWorld is the world of one check: the real parts, what disturbs them and the model.
type modelWorld struct {
	*modelTown
	model
	t         *rapid.T
	ctx       context.Context
	clock     *ledgertest.Clock
	processes int
	flights   []*flight // stand still
	faults    map[string]fault
	charged   map[charge]int
	events    []pipeline.Announcement // on their way
	sent      []sending
	made      map[string]bool // orders that exist
	late      map[string]bool // orders that did not exist from the beginning
	batches   int
	died      map[int64]time.Time // letters by their last death
	given     map[given]bool      // steps that an operator gave up
}

// given names a step by upload, step and order.
type given struct {
	upload string
	step   pipeline.Step
	order  string
}

// sending is one call of the door, which may come again.
type sending struct {
	inbound string
	anns    []pipeline.Announcement
}

func newModelTown(t *testing.T) *modelTown {
	t.Helper()
	town := &modelTown{sink: &receiver{bodies: map[string][][]byte{}}}
	url := redistest.Mini(t)
	// asynq compares with the clock of the wall: what the model calls future is future.
	clock := ledgertest.NewClock()
	clock.Add(100 * 365 * 24 * time.Hour)
	town.bench = newBench(t, url, clock)
	town.limits = map[pipeline.Step]time.Duration{}
	for _, s := range pipeline.Steps() {
		town.limits[s] = time.Hour // nothing may depend on how long a check of the property takes
	}
	town.budgets = Budgets{Transient: 3, Missing: 2, WaitingFor: 5 * time.Minute}
	town.hooked = redistest.Client(t, url)
	town.hooked.AddHook(redisLife{town})

	var err error
	town.shop, err = sqldb.Open(t.Context(), orderstest.Shop(t))
	require.NoError(t, err)
	t.Cleanup(func() { _ = town.shop.Close() })
	for _, db := range []*sqldb.DB{town.db, town.shop} {
		_, err := db.SQL().ExecContext(t.Context(), "PRAGMA synchronous = OFF") // no machine fails here
		require.NoError(t, err)
	}
	server := httptest.NewServer(town.sink)
	t.Cleanup(server.Close)
	town.sender, err = hooks.NewSet([]hooks.Options{{URL: server.URL, Secrets: []string{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}, AllowPrivate: true}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = town.sender.Close() })
	return town
}

// newWorld empties the town for one check.
func (town *modelTown) newWorld(t *rapid.T) *modelWorld {
	ctx := town.Context()
	clock := ledgertest.NewClock()
	clock.Add(100 * 365 * 24 * time.Hour)
	w := &modelWorld{
		modelTown: town, t: t, ctx: ctx, clock: clock,
		model: model{
			content: map[string]string{}, known: map[string]bool{}, absent: map[string]bool{},
			links: map[string][]*chosen{},
		},
		faults: map[string]fault{}, charged: map[charge]int{}, made: map[string]bool{}, late: map[string]bool{},
		died: map[int64]time.Time{}, given: map[given]bool{},
	}
	town.world, town.now = w, clock.Now
	town.store = &store{objects: map[string][]byte{}, private: map[string]bool{}}
	town.urls = &urls{fail: map[string]error{}, kept: map[string]string{}}
	town.sink.empty()
	town.log = &lines{}
	for _, table := range []string{
		"dead_letters", "order_links", "order_state", "attempts", "upload_steps", "uploads",
		"operations", "queues", "inbound_ids", "workers", "leases", "sqlite_sequence",
	} {
		_, err := town.db.SQL().ExecContext(ctx, "DELETE FROM "+table)
		w.noError(err, "empty %s", table)
	}
	_, err := town.shop.SQL().ExecContext(ctx, "DELETE FROM orders")
	w.noError(err, "empty orders")
	w.noError(town.rdb.FlushAll(ctx).Err(), "empty Redis")
	town.ledger, err = ledger.New(ledger.Options{DB: town.db, Now: clock.Now})
	w.noError(err, "ledger")
	t.Cleanup(w.bury)
	return w
}

func (w *modelWorld) noError(err error, format string, args ...any) {
	if err != nil {
		w.t.Fatalf(format+": %v", append(args, err)...)
	}
}

func (w *modelWorld) newLife(step pipeline.Step, key string, how disturbance, until int) *life {
	return &life{
		step: step, key: key, how: how, until: until, cancel: func() {},
		parked: make(chan struct{}), wake: make(chan struct{}),
	}
}

// ledgerOf opens the ledger for a process.
func (w *modelWorld) ledgerOf(l *life) *ledger.Ledger {
	led, err := ledger.New(ledger.Options{DB: w.db, Now: func() time.Time {
		l.boundary(true)
		return w.clock.Now()
	}})
	w.noError(err, "ledger")
	return led
}

func (w *modelWorld) queueOf() *tasks.Enqueuer {
	return tasks.NewEnqueuer(w.hooked, w.limits, w.clock.Now)
}

// process makes the wrapper of one process.
func (w *modelWorld) process(l *life, worker string) *handler {
	h := w.handler()
	h.ledger, h.queue, h.worker = w.ledgerOf(l), w.queueOf(), worker
	bucket := bucketLife{w.store, w}
	h.steps.Objects, h.steps.Visibility = bucket, pipeline.ProbeVisibility(bucket)
	h.steps.Probe, h.steps.Thumbnails = probeContent, engine{}
	h.steps.Orders = ordersLife{w.shopOrders(), w}
	h.steps.URLs, h.steps.Cache = urlsLife{w.urls, w}, urlsLife{w.urls, w}
	h.steps.Notifier = notifierLife{w.sender, w}
	return h
}

// shopOrders is the real order store.
func (w *modelWorld) shopOrders() *orderdb.SQL {
	shop, err := orderdb.NewSQL(w.shop.SQL(), orderdb.Options{OwnerColumn: "openid", UpdatedAtColumn: "updated_at"})
	w.noError(err, "orders")
	return shop
}

// bury ends the processes that stand still when a check is over, also one that failed.
func (w *modelWorld) bury() {
	for _, f := range w.flights {
		f.die()
		close(f.wake)
		w.logger().InfoContext(w.ctx, "buried", "task", f.id, "error", <-f.ended)
	}
	w.flights = nil
}
