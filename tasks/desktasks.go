package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
)

// ErrNoTask says that Redis holds no such task. It has run, or the sweep has still to
// queue it: the ledger tells.
var ErrNoTask = errors.New("not in Redis")

// TaskState is where a task is in Redis.
type TaskState string

// The states of tasks.
const (
	TaskActive    TaskState = "active"    // a worker runs it
	TaskPending   TaskState = "pending"   // waits for its turn
	TaskRetry     TaskState = "retry"     // failed, runs again at its time
	TaskScheduled TaskState = "scheduled" // runs at its time
	TaskArchived  TaskState = "archived"  // died; the letter is in the ledger
)

// TaskStates lists the states, those nearest to running first.
func TaskStates() []TaskState {
	return []TaskState{TaskActive, TaskPending, TaskRetry, TaskScheduled, TaskArchived}
}

// IDs reads at most n IDs of the tasks of a queue in one state, from the offset on; the
// next to run comes first, of archived tasks the oldest. Offsets count from what is there
// now: tasks that end or begin meanwhile move the others.
func (d *Desk) IDs(ctx context.Context, queue string, state TaskState, offset, n int) ([]string, error) {
	if n <= 0 {
		return nil, nil
	}
	key, from, to := "asynq:{"+queue+"}:"+string(state), int64(offset), int64(offset+n)
	var ids []string
	var err error
	if state == TaskActive || state == TaskPending {
		// asynq pushes to the head of a list and takes from its end.
		ids, err = d.rdb.LRange(ctx, key, -to, -from-1).Result()
		slices.Reverse(ids)
	} else {
		ids, err = d.rdb.ZRange(ctx, key, from, to-1).Result()
	}
	if err != nil {
		return nil, fmt.Errorf("queue %s: %w", queue, err)
	}
	return ids, nil
}

// Task is one task as Redis holds it.
type Task struct {
	Queue, ID, Type string
	State           TaskState
	Payload         []byte
	// Job is what it asks for; it is empty where Unreadable says why.
	Job        Job
	Unreadable error
	// Retried is how often asynq saw it fail. What counts against a budget are the
	// attempts in the ledger.
	Retried      int
	LastError    string
	LastFailedAt time.Time
	// NextAt is when a retry or scheduled task runs.
	NextAt time.Time
	// Orphaned says that the task is active and its lease has run out: its worker has
	// vanished, and another one takes it back within seconds.
	Orphaned bool
}

// Task reads a task of a queue. ErrNoTask where there is none.
func (d *Desk) Task(ctx context.Context, queue, id string) (Task, error) {
	if err := ctx.Err(); err != nil {
		return Task{}, err
	}
	info, err := d.inspect.GetTaskInfo(queue, id)
	if errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound) {
		return Task{}, fmt.Errorf("task %s: %w", id, ErrNoTask)
	}
	if err != nil {
		return Task{}, fmt.Errorf("task %s: %w", id, err)
	}
	t := Task{
		Queue: queue, ID: id, Type: info.Type, State: TaskState(info.State.String()), Payload: info.Payload,
		Retried: info.Retried, LastError: info.LastErr, LastFailedAt: info.LastFailedAt, Orphaned: info.IsOrphaned,
	}
	if t.State == TaskRetry || t.State == TaskScheduled {
		t.NextAt = info.NextProcessAt
	}
	if t.Type == "" {
		t.Unreadable = errors.New("redis has lost what it held")
		return t, nil
	}
	t.Job, t.Unreadable = Decode(t.Type, t.Payload)
	return t, nil
}

// FindTask looks for a task in the queue of its step, and then in the others. ErrNoTask
// where there is none.
func (d *Desk) FindTask(ctx context.Context, id string) (Task, error) {
	queues := Queues()
	if step, _, _, ok := ParseID(id); ok {
		own := QueueOf(step)
		queues = append([]string{own}, slices.DeleteFunc(queues, func(q string) bool { return q == own })...)
	}
	for _, queue := range queues {
		t, err := d.Task(ctx, queue, id)
		if !errors.Is(err, ErrNoTask) {
			return t, err
		}
	}
	return Task{}, fmt.Errorf("task %s: %w", id, ErrNoTask)
}

// cancelChannel is where asynq's servers listen for the IDs of tasks to cancel.
const cancelChannel = "asynq:cancel"

// Cancel asks the worker that runs a task to stop this attempt. heard is how many pools
// listen; with 0 nobody does. The message is not kept and not answered. The task comes
// back after a second: its attempt counts as interrupted, which costs no budget.
func (d *Desk) Cancel(ctx context.Context, id string) (heard int, err error) {
	n, err := d.rdb.Publish(ctx, cancelChannel, id).Result()
	if err != nil {
		return 0, fmt.Errorf("cancel %s: %w", id, err)
	}
	// A node of a cluster counts its own listeners alone, although those of other nodes
	// hear it too.
	nodes, ok := d.rdb.(*redis.ClusterClient)
	if !ok || n > 0 {
		return int(n), nil
	}
	var all atomic.Int64
	err = nodes.ForEachShard(ctx, func(ctx context.Context, node *redis.Client) error {
		listen, err := node.PubSubNumSub(ctx, cancelChannel).Result()
		all.Add(listen[cancelChannel])
		return err
	})
	if err != nil && all.Load() == 0 {
		return 0, fmt.Errorf("cancel %s: %w", id, err)
	}
	return int(all.Load()), nil
}

// OfOrder tells whether the ID is that of an attach to this order.
func OfOrder(id, order string) bool {
	step, uploadID, _, ok := ParseID(id)
	return ok && SameStep(id, pipeline.Run{UploadID: uploadID, Step: step, Scope: order})
}

// SameStep tells whether the ID names a run of the same step, at whatever gen.
func SameStep(id string, run pipeline.Run) bool {
	_, _, gen, ok := ParseID(id)
	run.Gen = gen
	return ok && ID(run) == id
}
