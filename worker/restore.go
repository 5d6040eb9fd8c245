package worker

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/tasks"
)

const (
	// sweepPage bounds what one round of the sweep holds in memory.
	sweepPage = 500
	// duePages bounds how many pages of due steps a round looks at, the oldest first. With
	// a very long queue the rounds take turns: each step is looked at less often then.
	duePages = 10
	// rollPage is how many steps a round looks at that are not due: see roll.
	rollPage = 100
	// shortList is how long a pending list may be to be searched for one task.
	shortList = 5000
	// maxLeftOut is how many tasks may refuse to be looked at before a round gives up.
	maxLeftOut = 10
)

// What looking for a task found. All but taskThere leave its ID free.
const (
	unlooked = iota - 1
	taskThere
	taskMissing
	taskHashMissing
	taskGhost
	taskArchived
)

// lookFor tells where the task of a pending step is, and clears away what blocks its ID:
// an archived copy, a hash without a task, which asynq's dequeue leaves behind when Redis
// has lost the task but not its place, a hash that no list of the queue names, and a place
// in a list whose hash is lost. asynq moves tasks by scripts as well, so that nothing is
// ever on its way between two lists here. A long pending list is not searched.
// KEYS: task hash, pending and active list, lease, scheduled, retry and archived zset.
// ARGV: task ID, shortList.
const lookFor = `
local function drop()
  redis.call("DEL", KEYS[1])
  local n = redis.call("LREM", KEYS[3], 0, ARGV[1])
  if redis.call("LLEN", KEYS[2]) <= tonumber(ARGV[2]) then
    n = n + redis.call("LREM", KEYS[2], 0, ARGV[1])
  end
  for i = 4, 7 do
    n = n + redis.call("ZREM", KEYS[i], ARGV[1])
  end
  return n
end
if redis.call("EXISTS", KEYS[1]) == 0 then
  if drop() > 0 then return 2 end
  return 1
end
local state = redis.call("HGET", KEYS[1], "state")
local there = redis.call("HEXISTS", KEYS[1], "msg") == 1
if there and state == "archived" then
  drop()
  return 4
elseif there and state == "pending" then
  there = redis.call("LLEN", KEYS[2]) > tonumber(ARGV[2]) or redis.call("LPOS", KEYS[2], ARGV[1], "RANK", -1)
elseif there and state == "active" then
  there = redis.call("LPOS", KEYS[3], ARGV[1])
elseif there and state == "scheduled" then
  there = redis.call("ZSCORE", KEYS[5], ARGV[1])
elseif there and state == "retry" then
  there = redis.call("ZSCORE", KEYS[6], ARGV[1])
end
if there then
  return 0
end
drop()
return 3`

// lookups is the script of every sweeper.
var lookups = redis.NewScript(lookFor)

// lookKeys are its keys for a task.
func lookKeys(queue, id string) []string {
	prefix := "asynq:{" + queue + "}:"
	return []string{
		prefix + "t:" + id, prefix + "pending", prefix + "active", prefix + "lease",
		prefix + "scheduled", prefix + "retry", prefix + "archived",
	}
}

// pass looks at the steps that are due, or at every pending one when all is set, and
// tells how many tasks it queued.
func (s *sweeper) pass(ctx context.Context, all bool, done tally) (requeued int, err error) {
	var cursor ledger.Cursor
	for page := 0; all || page < duePages; page++ {
		due, err := s.ledger.Due(ctx, all, cursor, sweepPage)
		if err != nil {
			return requeued, err
		}
		there, n, err := s.restoreAll(ctx, due.Wishes, done)
		requeued += n
		if err != nil {
			return requeued, err
		}
		// A full pass must not move steps ahead of its own cursor, or it never ends.
		if !all {
			if err := s.ledger.Swept(ctx, there); err != nil {
				return requeued, err
			}
		}
		if !due.More {
			break
		}
		cursor = due.Next
	}
	return requeued, nil
}

// roll looks at a few of the steps that are not due, at others in each round. It is the
// net under the times that the ledger holds: a worker whose clock was wrong wrote them
// too.
func (s *sweeper) roll(ctx context.Context, done tally) (requeued int, err error) {
	ahead, err := s.ledger.Ahead(ctx, s.rolled, rollPage)
	if err != nil {
		return 0, err
	}
	_, requeued, err = s.restoreAll(ctx, ahead.Wishes, done)
	if s.rolled = ahead.Next; !ahead.More {
		s.rolled = ledger.Cursor{}
	}
	return requeued, err
}

// restoreAll queues the runs of a page again and gives those whose task is there now. A
// task that cannot be looked at does not keep the others from being queued, but many are
// a Redis that takes nothing.
func (s *sweeper) restoreAll(ctx context.Context, page []pipeline.Wish, done tally) (there []pipeline.Wish, requeued int, err error) {
	if len(page) == 0 {
		return nil, 0, nil
	}
	looks, err := s.look(ctx, page)
	if err != nil {
		return nil, 0, err
	}
	var leftOut []pipeline.Wish
	var why error
	warm := map[string]bool{}
	for i, w := range page {
		found, err := looks[i].found, looks[i].err
		fresh := false
		switch {
		case err != nil, found == taskThere:
		case w.Step == pipeline.StepWarm && warm[w.Bucket]: // one task serves the bucket
		default:
			fresh, err = s.queue.Enqueue(ctx, w)
			warm[w.Bucket] = warm[w.Bucket] || w.Step == pipeline.StepWarm && err == nil && !w.ReadyAt.After(s.now())
		}
		if err != nil {
			if leftOut, why = append(leftOut, w), err; len(leftOut) > maxLeftOut || s.rdb.Ping(ctx).Err() != nil {
				return there, requeued, err
			}
			continue
		}
		there = append(there, w)
		if fresh {
			requeued++
		}
		count(done, found, fresh)
	}
	if n := len(leftOut); n > 0 {
		w := leftOut[n-1]
		s.log.WarnContext(ctx, "sweep left out steps", "steps", n, "upload", w.UploadID, "step", w.Step, "order", w.Scope, "error", why)
	}
	return there, requeued, nil
}

// count notes what was put right. Several sweepers may look at the same time: only the
// one that cleared something away, or that queued what was missing, counts it.
func count(done tally, found int, fresh bool) {
	switch found {
	case taskMissing:
		if fresh {
			done[RepairTaskMissing]++
		}
	case taskHashMissing:
		done[RepairHashMissing]++
	case taskGhost:
		done[RepairGhost]++
	case taskArchived:
		done[RepairArchived]++
	}
}

// look is what became of looking for one task.
type look struct {
	found int
	err   error
}

// look looks for the tasks of a page in one round trip, and in a second one where a server
// does not know the script yet. The task of a warm step has no name of its own and counts
// as missing.
func (s *sweeper) look(ctx context.Context, page []pipeline.Wish) ([]look, error) {
	looks := make([]look, len(page))
	for i, w := range page {
		if w.Step == pipeline.StepWarm {
			looks[i].found = taskMissing
		} else {
			looks[i].found = unlooked
		}
	}
	if err := s.lookWith(ctx, page, looks, lookups.EvalSha); err != nil {
		return nil, err
	}
	return looks, s.lookWith(ctx, page, looks, lookups.Eval)
}

// lookWith looks for the tasks that nobody has looked for yet.
func (s *sweeper) lookWith(
	ctx context.Context, page []pipeline.Wish, looks []look,
	run func(ctx context.Context, c redis.Scripter, keys []string, args ...any) *redis.Cmd,
) error {
	cmds := map[int]*redis.Cmd{}
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, w := range page {
			if looks[i].found == unlooked {
				id := tasks.ID(w.Run)
				cmds[i] = run(ctx, p, lookKeys(tasks.QueueOf(w.Step), id), id, shortList)
			}
		}
		return nil
	})
	if _, answered := errors.AsType[redis.Error](err); err != nil && !answered {
		return fmt.Errorf("redis: %w", err)
	}
	for i, cmd := range cmds {
		if found, err := cmd.Int(); !redis.HasErrorPrefix(err, "NOSCRIPT") {
			looks[i] = look{found, err}
		}
	}
	return nil
}
