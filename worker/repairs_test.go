package worker

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger/ledgertest"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
)

const (
	checksHash     = "asynq:{checks}:t:"
	checksPending  = "asynq:{checks}:pending"
	checksActive   = "asynq:{checks}:active"
	checksLease    = "asynq:{checks}:lease"
	checksArchived = "asynq:{checks}:archived"
)

// pending announces a file and queues its check.
func (b *bench) pending(i int) (id string) {
	b.Helper()
	run := b.run(b.announce(fmt.Sprint(i, ".jpg"), "v1", ""), pipeline.StepCheck)
	b.task(run)
	return tasks.ID(run)
}

// breakage breaks one thing about the pending task with this ID.
type breakage struct {
	name string
	harm func(b *bench, id string)
	want []Repair
}

func breakages() []breakage {
	must := func(b *bench, cmd redis.Cmder) {
		b.Helper()
		require.NoError(b, cmd.Err())
	}
	return []breakage{
		{"a pending step without a task", func(b *bench, id string) {
			must(b, b.rdb.Del(b.Context(), checksHash+id))
			must(b, b.rdb.LRem(b.Context(), checksPending, 0, id))
		}, []Repair{RepairTaskMissing}},
		{"a task without its hash", func(b *bench, id string) {
			must(b, b.rdb.Del(b.Context(), checksHash+id))
		}, []Repair{RepairHashMissing}},
		{"a hash without a task", func(b *bench, id string) {
			must(b, b.rdb.HDel(b.Context(), checksHash+id, "msg"))
		}, []Repair{RepairGhost}},
		{"a hash that no list names", func(b *bench, id string) {
			must(b, b.rdb.LRem(b.Context(), checksPending, 0, id))
		}, []Repair{RepairGhost}},
		{"an active hash that no list names", func(b *bench, id string) {
			must(b, b.rdb.LRem(b.Context(), checksPending, 0, id))
			must(b, b.rdb.HSet(b.Context(), checksHash+id, "state", "active"))
			must(b, b.rdb.ZAdd(b.Context(), checksArchived, redis.Z{Member: id, Score: 1}))
		}, []Repair{RepairGhost}},
		{"a retry that no list names", func(b *bench, id string) {
			must(b, b.rdb.LRem(b.Context(), checksPending, 0, id))
			must(b, b.rdb.HSet(b.Context(), checksHash+id, "state", "retry"))
		}, []Repair{RepairGhost}},
		{"a scheduled task that no list names", func(b *bench, id string) {
			must(b, b.rdb.LRem(b.Context(), checksPending, 0, id))
			must(b, b.rdb.HSet(b.Context(), checksHash+id, "state", "scheduled"))
		}, []Repair{RepairGhost}},
		{"archived without a letter", func(b *bench, id string) {
			require.NoError(b, b.inspect.ArchiveTask(tasks.QueueChecks, id))
		}, []Repair{RepairArchived}},
		{"an archived hash that the archive has dropped", func(b *bench, id string) {
			require.NoError(b, b.inspect.ArchiveTask(tasks.QueueChecks, id))
			must(b, b.rdb.ZRem(b.Context(), checksArchived, id))
		}, []Repair{RepairArchived}},
		{"active without a lease", func(b *bench, id string) {
			must(b, b.rdb.LRem(b.Context(), checksPending, 0, id))
			must(b, b.rdb.LPush(b.Context(), checksActive, id))
			must(b, b.rdb.HSet(b.Context(), checksHash+id, "state", "active"))
		}, []Repair{RepairLease}},
		{"an active entry without a hash", func(b *bench, id string) {
			must(b, b.rdb.LRem(b.Context(), checksPending, 0, id))
			must(b, b.rdb.LPush(b.Context(), checksActive, id))
			must(b, b.rdb.Del(b.Context(), checksHash+id))
		}, []Repair{RepairHashMissing, RepairTaskMissing}},
	}
}

// repaired makes the rounds that find everything.
func (b *bench) repaired(s *sweeper, r *recoverer) error {
	for range 2 {
		r.round(b.Context())
	}
	_, err := s.sweep(b.Context())
	return err
}

// whole asserts that each task is there exactly once, pending, and nothing else is.
func (b *bench) whole(ids []string) {
	b.Helper()
	got := b.rdb.LRange(b.Context(), checksPending, 0, -1).Val()
	require.ElementsMatch(b, ids, got)
	require.ElementsMatch(b, ids, b.queued(tasks.QueueChecks, asynq.TaskStatePending))
	require.Zero(b, b.rdb.Exists(b.Context(), checksActive, checksLease, checksArchived).Val())
	node, _, err := nodeOf(b.Context(), b.rdb, tasks.QueueChecks)
	require.NoError(b, err)
	hashes, err := node.Keys(b.Context(), checksHash+"*").Result()
	require.NoError(b, err)
	require.Len(b, hashes, len(ids))
}

func (b *bench) counts() map[Repair]int64 {
	out := b.repairs.all()
	maps.DeleteFunc(out, func(_ Repair, n int64) bool { return n == 0 })
	return out
}

func TestEachRepair(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		for _, c := range breakages() {
			t.Run(c.name, func(t *testing.T) {
				clock := ledgertest.NewClock()
				b := newBench(t, url, clock)
				redistest.Wipe(t, b.rdb)
				require.Zero(t, b.swept(), "the first round is a full one")
				ids := []string{b.pending(0), b.pending(1), b.pending(2)}
				b.repairs = newRepairCounts()
				c.harm(b, ids[1])
				clock.Add(2 * time.Minute)
				want := map[Repair]int64{}
				for _, r := range c.want {
					want[r] = 1
				}
				s, r := b.sweeper(), b.recoverer()
				require.NoError(t, b.repaired(s, r))
				b.whole(ids)
				require.Equal(t, want, b.counts())
				require.NoError(t, b.repaired(s, r))
				require.Equal(t, want, b.counts(), "there is nothing left to do")
				if c.want[0] != RepairLease {
					require.Regexp(t, `(?m)swept.* `+string(c.want[len(c.want)-1])+`=1`, b.log.String())
				}
			})
		}
	})
}

// Four sweepers and recoverers at once, with everything broken several times.
func TestRepairsInParallel(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		clock := ledgertest.NewClock()
		b := newBench(t, url, clock)
		b.swept()
		b.repairs = newRepairCounts()
		const each = 5
		var ids []string
		want := map[Repair]int64{}
		for i, c := range slices.Repeat(breakages(), each) {
			ids = append(ids, b.pending(i))
			c.harm(b, ids[i])
			for _, r := range c.want {
				want[r]++
			}
		}
		clock.Add(2 * time.Minute)
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			s, r := b.sweeper(), b.recoverer()
			wg.Go(func() { errs[i] = b.repaired(s, r) })
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		b.whole(ids)
		got := b.counts()
		// What one cleared away another one may find missing and queue.
		require.GreaterOrEqual(t, got[RepairTaskMissing], want[RepairTaskMissing])
		delete(got, RepairTaskMissing)
		delete(want, RepairTaskMissing)
		require.Equal(t, want, got, "each is counted once")
	})
}

func TestRepairOfALostOrDeletedQueue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		harm  func(t *testing.T, b *bench)
		kinds map[Repair]int64
	}{
		{"asynq:queues is lost", func(t *testing.T, b *bench) {
			require.NoError(t, b.rdb.Del(t.Context(), "asynq:queues").Err())
		}, map[Repair]int64{RepairQueue: 5}},
		{"the queue is deleted", func(t *testing.T, b *bench) {
			require.NoError(t, b.inspect.DeleteQueue(tasks.QueueChecks, true))
		}, map[Repair]int64{RepairQueue: 1, RepairTaskMissing: 3}},
		{"its lists are deleted", func(t *testing.T, b *bench) {
			require.NoError(t, b.rdb.Del(t.Context(), checksPending).Err())
			require.NoError(t, b.rdb.SRem(t.Context(), "asynq:queues", tasks.QueueChecks).Err())
		}, map[Repair]int64{RepairQueue: 1, RepairGhost: 3}},
	} {
		t.Run(c.name, func(t *testing.T) {
			redistest.Each(t, func(t *testing.T, url string) {
				b := newBench(t, url, ledgertest.NewClock())
				b.swept()
				ids := []string{b.pending(0), b.pending(1), b.pending(2)}
				b.repairs = newRepairCounts()
				c.harm(t, b)
				b.swept()
				require.Equal(t, c.kinds, b.counts(), "at once, though no step was due")
				b.whole(ids)
				queues, err := b.inspect.Queues()
				require.NoError(t, err)
				require.ElementsMatch(t, tasks.Queues(), queues)
				require.Contains(t, b.log.String(), "queue_unlisted=")
			})
		})
	}
}

func TestRepairOfAnArchiveThatIsTooLong(t *testing.T) {
	t.Parallel()
	b := newBench(t, redistest.Start(t).URL, ledgertest.NewClock())
	b.swept()
	b.repairs = newRepairCounts()
	const over = 1200
	_, err := b.rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := range keepArchived + over {
			id := fmt.Sprint("check:gone", i, ":1")
			p.ZAdd(t.Context(), checksArchived, redis.Z{Member: id, Score: float64(i)})
			if i%2 == 0 { // the others are places without a task
				p.HSet(t.Context(), checksHash+id, "state", "archived", "msg", "x")
			}
		}
		return nil
	})
	require.NoError(t, err)
	b.swept()
	require.EqualValues(t, keepArchived+over-trimPage, b.rdb.ZCard(t.Context(), checksArchived).Val(), "a page in each round")
	b.swept()
	require.EqualValues(t, keepArchived, b.rdb.ZCard(t.Context(), checksArchived).Val())
	require.Equal(t, fmt.Sprint("check:gone", over, ":1"), b.rdb.ZRange(t.Context(), checksArchived, 0, 0).Val()[0], "the oldest go")
	require.Equal(t, map[Repair]int64{RepairTrimmed: over}, b.counts())
	b.swept()
	require.Equal(t, map[Repair]int64{RepairTrimmed: over}, b.counts())
}

func TestRepairOfAForeignTaskThatWasArchivedByHand(t *testing.T) {
	redistest.Each(t, func(t *testing.T, url string) {
		b := newBench(t, url, ledgertest.NewClock())
		b.swept()
		b.repairs = newRepairCounts()
		client := asynq.NewClientFromRedisClient(b.rdb)
		_, err := client.Enqueue(asynq.NewTask("somebody:else", []byte("?"), asynq.TaskID("alien"), asynq.Queue(tasks.QueueHooks)))
		require.NoError(t, err)
		require.NoError(t, b.inspect.ArchiveTask(tasks.QueueHooks, "alien"))
		s := b.sweeper()
		for range 3 {
			_, err := s.sweep(t.Context())
			require.NoError(t, err)
		}
		require.Equal(t, map[Repair]int64{RepairForeign: 1}, b.counts())
		require.Len(t, b.letters(), 1)
		require.Equal(t, "somebody:else", b.letters()[0].TaskType)
		require.Equal(t, []string{"alien"}, b.queued(tasks.QueueHooks, asynq.TaskStateArchived), "it stays in view")
	})
}

func TestRepairNamesAreComplete(t *testing.T) {
	t.Parallel()
	b, _ := miniBench(t)
	w, err := New(Options{Ledger: b.ledger, Redis: b.rdb, Logger: b.logger(), Pools: []Pool{{Queue: tasks.QueueChecks, Concurrency: 1}}})
	require.NoError(t, err)
	got := w.Repairs()
	require.Len(t, got, len(Repairs()))
	for _, r := range Repairs() {
		require.Regexp(t, "^[a-z_]+$", string(r))
		require.Contains(t, got, r)
	}
	w.repairs.add(tally{RepairGhost: 2})
	require.EqualValues(t, 2, w.Repairs()[RepairGhost])
}
