package worker

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/pipeline/sqldb"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const bucket = "photos-1250000000"

// lines collects log lines.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// bench is a ledger, a Redis and the back ends of one test.
type bench struct {
	*testing.T
	ledger  *ledger.Ledger
	db      *sqldb.DB
	path    string
	rdb     redis.UniversalClient
	url     string
	inspect *asynq.Inspector
	now     func() time.Time
	grace   time.Duration // of the sweep; zero for the default
	store   *store
	orders  *orders
	urls    *urls
	sink    *sink
	log     *lines
	budgets Budgets
	limits  map[pipeline.Step]time.Duration
	repairs *repairCounts // of all its sweepers and recoverers
}

// newBench makes a bench; a nil clock is the real one.
func newBench(t *testing.T, url string, clock *ledgertest.Clock) *bench {
	t.Helper()
	b := &bench{
		T: t, url: url, rdb: redistest.Universal(t, url), now: time.Now, log: &lines{},
		path:   ledgertest.SQLite(t),
		store:  &store{objects: map[string][]byte{}, private: map[string]bool{}},
		orders: &orders{rows: map[string][]string{}},
		urls:   &urls{fail: map[string]error{}, kept: map[string]string{}},
		sink:   &sink{}, limits: tasks.DefaultTimeouts(), repairs: newRepairCounts(),
	}
	if clock != nil {
		b.now = clock.Now
	} else {
		b.grace = 3 * time.Second
	}
	b.ledger, b.db = b.open()
	b.inspect = asynq.NewInspectorFromRedisClient(b.rdb)
	return b
}

// miniBench is a bench on the embedded Redis with a clock that the test moves.
func miniBench(t *testing.T) (*bench, *ledgertest.Clock) {
	t.Helper()
	clock := ledgertest.NewClock()
	return newBench(t, redistest.Mini(t), clock), clock
}

// open opens the ledger once more, as another process would.
func (b *bench) open() (*ledger.Ledger, *sqldb.DB) {
	b.Helper()
	db, err := sqldb.Create(b.Context(), b.path)
	require.NoError(b, err)
	b.Cleanup(func() { _ = db.Close() })
	l, err := ledger.New(ledger.Options{DB: db, Now: b.now, SweepGrace: b.grace})
	require.NoError(b, err)
	return l, db
}

func (b *bench) steps() Steps {
	return Steps{
		Rules: Rules{
			Policy:    pipeline.Policy{Types: []string{"image/jpeg"}, MaxImageBytes: 1 << 20, MaxPixels: 1 << 20, MaxFrames: 1},
			Thumbnail: pipeline.ThumbnailOptions{Presets: []pipeline.Preset{{Name: "small"}, {Name: "large"}}},
		},
		Objects: b.store, Probe: func([]byte, int64) (pipeline.Facts, int) {
			return pipeline.Facts{Type: "image/jpeg", Width: 10, Height: 10, Frames: 1}, 0
		},
		Visibility: pipeline.ProbeVisibility(b.store),
		Thumbnails: copier{},
		Orders:     b.orders, URLs: b.urls, Cache: b.urls, Notifier: b.sink,
	}
}

func (b *bench) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b.log, nil)) }

// handler makes the wrapper alone, without asynq's server.
func (b *bench) handler() *handler {
	return &handler{
		ledger: b.ledger, queue: tasks.NewEnqueuer(b.rdb, b.limits, b.now), inspect: b.inspect, steps: b.steps(),
		budgets: b.budgets.withDefaults(), timeouts: b.limits, worker: "w1", now: b.now, log: b.logger(),
	}
}

// sweeper makes the sweep alone.
func (b *bench) sweeper() *sweeper {
	return &sweeper{
		ledger: b.ledger, queue: tasks.NewEnqueuer(b.rdb, b.limits, b.now), desk: tasks.NewDesk(b.rdb), rdb: b.rdb, inspect: b.inspect,
		every: time.Second, repairs: b.repairs, now: b.now, log: b.logger(),
	}
}

// announce puts an object into the store and announces it, for an order if one is named.
func (b *bench) announce(key, content, order string) string {
	b.Helper()
	if content != "" {
		b.store.set(key, content)
	}
	res, err := b.ledger.Announce(b.Context(), "", []pipeline.Announcement{{
		Bucket: bucket, Key: key, FileID: "cos://" + bucket + "/" + key, Order: order, Source: "api",
	}})
	require.NoError(b, err)
	return res.Announced[0].UploadID
}

// step reads one step of an upload; its zero value where there is none.
func (b *bench) step(id string, step pipeline.Step) pipeline.StepRecord {
	b.Helper()
	steps, err := b.ledger.Steps(context.WithoutCancel(b.Context()), id)
	require.NoError(b, err)
	for _, s := range steps {
		if s.Step == step {
			return s
		}
	}
	return pipeline.StepRecord{}
}

func (b *bench) state(id string) pipeline.State {
	b.Helper()
	steps, err := b.ledger.Steps(b.Context(), id)
	require.NoError(b, err)
	u, err := b.ledger.Upload(b.Context(), id)
	require.NoError(b, err)
	return pipeline.DeriveState(u.Reason, steps)
}

func (b *bench) run(id string, step pipeline.Step) pipeline.Run {
	b.Helper()
	s := b.step(id, step)
	require.NotZero(b, s.Gen, "the upload has no step %s", step)
	return pipeline.Run{UploadID: id, Step: step, Scope: s.Scope, Gen: s.Gen}
}

// task makes the task of a run as the queue would deliver it.
func (b *bench) task(run pipeline.Run) *asynq.Task {
	b.Helper()
	wish := pipeline.Wish{Run: run, Bucket: bucket}
	q := tasks.NewEnqueuer(b.rdb, b.limits, b.now)
	_, err := q.Enqueue(b.Context(), wish)
	require.NoError(b, err)
	if run.Step == pipeline.StepWarm {
		return asynq.NewTask(tasks.TypeOf(run.Step), []byte(`{"v":1,"bucket":"`+bucket+`"}`))
	}
	info, err := b.inspect.GetTaskInfo(tasks.QueueOf(run.Step), tasks.ID(run))
	require.NoError(b, err)
	return asynq.NewTask(info.Type, info.Payload)
}

// try makes one attempt of the current run of a step.
func (b *bench) try(h *handler, id string, step pipeline.Step) error {
	b.Helper()
	return h.ProcessTask(b.Context(), b.task(b.run(id, step)))
}

// classes lists the classes of a step's attempts; "open" for one that has not ended.
func (b *bench) classes(id string, step pipeline.Step) []string {
	b.Helper()
	all, err := b.ledger.Attempts(b.Context(), id)
	require.NoError(b, err)
	var out []string
	for _, a := range all {
		switch {
		case a.Step != step:
		case a.EndedAt.IsZero():
			out = append(out, "open")
		default:
			out = append(out, string(a.Class))
		}
	}
	return out
}

func (b *bench) attempts(id string) []pipeline.Attempt {
	b.Helper()
	all, err := b.ledger.Attempts(b.Context(), id)
	require.NoError(b, err)
	return all
}

func (b *bench) letters() []pipeline.Letter {
	b.Helper()
	all, err := b.ledger.Letters(b.Context(), ledger.LetterFilter{})
	require.NoError(b, err)
	return all
}

// queued lists the task IDs of a queue in the given state.
func (b *bench) queued(queue string, state asynq.TaskState) []string {
	b.Helper()
	list := map[asynq.TaskState]func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
		asynq.TaskStatePending: b.inspect.ListPendingTasks, asynq.TaskStateActive: b.inspect.ListActiveTasks,
		asynq.TaskStateScheduled: b.inspect.ListScheduledTasks, asynq.TaskStateRetry: b.inspect.ListRetryTasks,
		asynq.TaskStateArchived: b.inspect.ListArchivedTasks,
	}[state]
	infos, err := list(queue, asynq.PageSize(1000))
	if err != nil {
		return nil
	}
	var ids []string
	for _, i := range infos {
		ids = append(ids, i.ID)
	}
	return ids
}

// start runs a worker over every queue until the test ends.
func (b *bench) start(change func(*Options)) *Worker {
	b.Helper()
	rdb := redistest.Universal(b.T, b.url)
	opt := Options{
		Ledger: b.ledger, Redis: rdb, Steps: b.steps(), Budgets: b.budgets, Timeouts: b.limits,
		SweepEvery: 200 * time.Millisecond, ShutdownTimeout: 2 * time.Second, Logger: b.logger(),
	}
	for _, q := range tasks.Queues() {
		opt.Pools = append(opt.Pools, Pool{Queue: q, Concurrency: 2})
	}
	if change != nil {
		change(&opt)
	}
	w, err := New(opt)
	require.NoError(b, err)
	require.NoError(b, w.Start(b.Context()))
	stop := sync.OnceFunc(w.Shutdown)
	b.Cleanup(stop)
	return w
}

// eventually polls until ok, for at most half a minute.
func (b *bench) eventually(ok func() bool, msg string) {
	b.Helper()
	require.Eventually(b, ok, 30*time.Second, 20*time.Millisecond, msg)
}
