package worker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/tasks"
)

// The part of asynq's server, one task at a time and on the model's clock: it takes a task,
// hands it to the handler and says done, retry or archive, as the scripts of asynq 0.26 do.

// leaseFor is how long asynq gives a task to a worker between two renewals.
const leaseFor = 30 * time.Second

// errorField is the number of error_msg in asynq's protobuf message. It may stand there
// more than once: the last one counts.
const errorField = 7

// flight is a task that a process works on.
type flight struct {
	*life
	queue, id, worker string
	lost              bool // its lease was lost, so that it says nothing to Redis any more
	ended             chan error
}

func queueKey(queue, name string) string { return "asynq:{" + queue + "}:" + name }

// queuedTask is a task that waits; in is the list that holds it.
type queuedTask struct{ queue, in, id string }

// waiting lists the tasks that wait, warm tasks as one. Their order does not depend on
// the jitter of retries.
func (w *modelWorld) waiting() []queuedTask {
	var out []queuedTask
	seen := map[string]int{}
	warm := map[string]bool{}
	for _, q := range tasks.Queues() {
		pending := w.rdb.LRange(w.ctx, queueKey(q, "pending"), 0, -1)
		all := []queuedTask{}
		for _, id := range pending.Val() {
			all = append(all, queuedTask{q, "pending", id})
		}
		for _, in := range []string{"scheduled", "retry"} {
			for _, id := range w.rdb.ZRange(w.ctx, queueKey(q, in), 0, -1).Val() {
				all = append(all, queuedTask{q, in, id})
			}
		}
		for _, task := range all {
			if seen[task.id]++; seen[task.id] > 1 {
				w.t.Fatalf("task %s is queued twice", task.id)
			}
			name, _, _ := strings.Cut(task.id, ":")
			if name == string(pipeline.StepWarm) {
				if warm[q] {
					continue
				}
				warm[q] = true
			}
			out = append(out, task)
		}
	}
	slices.SortFunc(out, func(a, b queuedTask) int { return strings.Compare(a.id, b.id) })
	return out
}

// take gives a task to a worker, waiting for its time, and runs it under a disturbance.
func (w *modelWorld) take(task queuedTask, how disturbance, until int) {
	if task.in != "pending" {
		due := w.rdb.ZScore(w.ctx, queueKey(task.queue, task.in), task.id).Val()
		for w.clock.Now().Unix() < int64(due) {
			w.tick()
		}
		w.rdb.ZRem(w.ctx, queueKey(task.queue, task.in), task.id)
	}
	w.rdb.LRem(w.ctx, queueKey(task.queue, "pending"), 0, task.id)
	w.rdb.LPush(w.ctx, queueKey(task.queue, "active"), task.id)
	w.rdb.HSet(w.ctx, queueKey(task.queue, "t:"+task.id), "state", "active")
	w.rdb.ZAdd(w.ctx, queueKey(task.queue, "lease"), redis.Z{Member: task.id, Score: float64(w.clock.Now().Add(leaseFor).Unix())})
	info := w.look(task)
	job, err := tasks.Decode(info.Type, info.Payload)
	w.noError(err, "task %s", task.id)

	w.processes++
	f := &flight{
		life: w.newLife(job.Step, job.UploadID, how, until), queue: task.queue, id: task.id,
		worker: "w" + strconv.Itoa(w.processes), ended: make(chan error, 1),
	}
	if job.Step == pipeline.StepAttach && f.how == sleeps {
		f.how = stalls // the others would wait for the order by the clock of the wall
	}
	stall := f.how == stalls
	w.noError(w.ledger.Heartbeat(w.ctx, f.worker, "all:1"), "heartbeat")
	ctx, cancel := context.WithCancel(context.WithValue(w.ctx, lifeKey{}, f.life))
	f.cancel = cancel
	h := w.process(f.life, f.worker)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				f.ended <- fmt.Errorf("%w: %v", errPanic, p)
			}
		}()
		f.ended <- h.ProcessTask(ctx, asynq.NewTask(info.Type, info.Payload))
	}()
	select {
	case <-f.parked:
		f.lost = stall
		w.flights = append(w.flights, f)
		if stall {
			w.tick()
		}
	case err := <-f.ended:
		w.land(f, err)
	}
}

// look reads a task. asynq's inspector refuses a queue that a wiped Redis does not list,
// asynq's server does not.
func (w *modelWorld) look(task queuedTask) *asynq.TaskInfo {
	unlisted := w.rdb.SAdd(w.ctx, "asynq:queues", task.queue).Val() > 0
	info, err := w.inspect.GetTaskInfo(task.queue, task.id)
	w.noError(err, "task %s", task.id)
	if unlisted {
		w.rdb.SRem(w.ctx, "asynq:queues", task.queue)
	}
	return info
}

var errPanic = errors.New("panic")

// land says to Redis how a task ended.
func (w *modelWorld) land(f *flight, err error) {
	f.cancel()
	if f.dead {
		if strings.HasPrefix(f.id, string(pipeline.StepAttach)) {
			w.tick() // the hold of the order ends with the signs of life
		}
		return
	}
	if errors.Is(err, errPanic) {
		w.t.Fatalf("task %s: %v", f.id, err)
	}
	key := queueKey(f.queue, "t:"+f.id)
	if f.lost || w.rdb.LRem(w.ctx, queueKey(f.queue, "active"), 0, f.id).Val() == 0 {
		return
	}
	w.rdb.ZRem(w.ctx, queueKey(f.queue, "lease"), f.id)
	if err == nil {
		w.rdb.Del(w.ctx, key)
		return
	}
	msg := []byte(w.rdb.HGet(w.ctx, key, "msg").Val())
	msg = append(binary.AppendUvarint(append(msg, errorField<<3|2), uint64(len(err.Error()))), err.Error()...)
	to, at := "retry", w.clock.Now().Add(minute)
	switch delay := retryDelay(0, err, nil); {
	case errors.Is(err, asynq.SkipRetry):
		to, at = "archived", w.clock.Now()
	case delay > minute && !strings.HasPrefix(f.id, string(pipeline.StepNotify)): // webhooks have a schedule of days
		w.t.Fatalf("task %s waits for %s", f.id, delay)
	}
	w.rdb.HSet(w.ctx, key, "msg", msg, "state", to)
	w.rdb.ZAdd(w.ctx, queueKey(f.queue, to), redis.Z{Member: f.id, Score: float64(at.Unix())})
}

// wakeUp lets a process go on that stood still. One that lost its lease may hear so first.
// Not an attach: a step that is left behind would unlock its order at a time of its own.
func (w *modelWorld) wakeUp(f *flight, told bool) {
	w.flights = slices.DeleteFunc(w.flights, func(g *flight) bool { return g == f })
	if f.lost && told && f.step != pipeline.StepAttach {
		f.cancel()
	}
	close(f.wake)
	w.land(f, <-f.ended)
}

// minute is the step of the model's clock. Retries wait for at most as long, jittered, so
// that what happens at whole minutes does not depend on the jitter.
const minute = time.Minute

// tick lets a minute pass: those that live sign in and renew their leases, and the tasks of
// those that do not are taken back.
func (w *modelWorld) tick() {
	w.clock.Add(minute)
	for _, f := range w.flights {
		if f.lost {
			continue
		}
		w.noError(w.ledger.Heartbeat(w.ctx, f.worker, "all:1"), "heartbeat")
		w.rdb.ZAddXX(w.ctx, queueKey(f.queue, "lease"), redis.Z{Member: f.id, Score: float64(w.clock.Now().Add(leaseFor).Unix())})
	}
	r := w.recoverer()
	r.now = w.clock.Now
	for _, q := range tasks.Queues() {
		_, err := r.recover(w.ctx, q)
		w.noError(err, "recovery")
	}
}
