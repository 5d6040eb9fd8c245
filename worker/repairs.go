package worker

import (
	"log/slog"
	"sync/atomic"
)

// Repair names something that the sweep or the recovery puts right. The names are stable
// and serve as labels of metrics and as keys in the log.
type Repair string

// The repairs.
const (
	// RepairTaskMissing: a pending step had no task in Redis. It is queued.
	RepairTaskMissing Repair = "task_missing"
	// RepairHashMissing: the lists of a queue named a task that Redis had lost. The entry
	// goes and the task is queued.
	RepairHashMissing Repair = "hash_missing"
	// RepairGhost: a task that holds nothing, or that no list of its queue names, blocked
	// the ID of a pending step. It goes and the task is queued.
	RepairGhost Repair = "ghost_dropped"
	// RepairArchived: the task of a pending step was archived, so that there was no letter.
	// It is queued again.
	RepairArchived Repair = "archived_requeued"
	// RepairForeign: an archived task that is not ours had no letter yet.
	RepairForeign Repair = "archived_foreign"
	// RepairTrimmed: an archive held more than 2,000 tasks. Each task that was removed counts.
	RepairTrimmed Repair = "archive_trimmed"
	// RepairLease: an active task had no lease, so that nobody would have missed it. It is
	// queued again, or has a lease again where a live worker works on it.
	RepairLease Repair = "lease_missing"
	// RepairVanished: an active task belonged to a worker that vanished. It is queued again.
	RepairVanished Repair = "worker_vanished"
	// RepairAttempt: an attempt was open although its worker had vanished. It is ended.
	RepairAttempt Repair = "attempt_open"
	// RepairQueue: asynq:queues did not name a queue of ours, so that inspectors did not see
	// it. It is named again, and every pending step is looked at.
	RepairQueue Repair = "queue_unlisted"
	// RepairLeftover: Redis kept a task that no list of its queue names and whose step has
	// ended. It goes.
	RepairLeftover Repair = "leftover_dropped"
	// RepairMemory: Redis was new, wiped or restarted. Every pending step was looked at.
	RepairMemory Repair = "redis_lost"
)

// Repairs lists the repairs.
func Repairs() []Repair {
	return []Repair{
		RepairTaskMissing, RepairHashMissing, RepairGhost, RepairArchived, RepairForeign, RepairTrimmed,
		RepairLease, RepairVanished, RepairAttempt, RepairQueue, RepairLeftover, RepairMemory,
	}
}

// tally counts the repairs of one round.
type tally map[Repair]int

// attrs gives what was done as attributes of a log line.
func (t tally) attrs() []any {
	var out []any
	for _, r := range Repairs() {
		if n := t[r]; n > 0 {
			out = append(out, slog.Int(string(r), n))
		}
	}
	return out
}

// repairCounts counts the repairs of a worker since it started.
type repairCounts struct {
	counts map[Repair]*atomic.Int64
}

func newRepairCounts() *repairCounts {
	c := &repairCounts{counts: make(map[Repair]*atomic.Int64)}
	for _, r := range Repairs() {
		c.counts[r] = new(atomic.Int64)
	}
	return c
}

func (c *repairCounts) add(t tally) {
	for r, n := range t {
		c.counts[r].Add(int64(n))
	}
}

// all gives every repair with its count.
func (c *repairCounts) all() map[Repair]int64 {
	out := make(map[Repair]int64, len(c.counts))
	for r, n := range c.counts {
		out[r] = n.Load()
	}
	return out
}
