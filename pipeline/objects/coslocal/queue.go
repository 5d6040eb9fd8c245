package coslocal

import (
	"sync"
	"time"
)

// holdFor is how long EventReorder holds an event back when no other follows it.
const holdFor = 200 * time.Millisecond

type event struct {
	name, key string
	body      []byte
	flushed   chan struct{} // set in the marks of flush only
}

// queue gives events to the sink one after the other, from one goroutine. It has no
// bound: an event is small, and a lost one would be a fault that nobody asked for.
type queue struct {
	sink   func([]byte)
	faults *Faults
	gone   chan struct{} // closed when the goroutine has ended
	wake   chan struct{}

	mu      sync.Mutex
	waiting []event
	stopped bool
}

func newQueue(sink func([]byte), faults *Faults) *queue {
	q := &queue{sink: sink, faults: faults, gone: make(chan struct{}), wake: make(chan struct{}, 1)}
	go q.run()
	return q
}

// push queues an event; after stop it is dropped and push says so.
func (q *queue) push(e event) bool {
	q.mu.Lock()
	ok := !q.stopped
	if ok {
		q.waiting = append(q.waiting, e)
	}
	q.mu.Unlock()
	q.poke()
	return ok
}

func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) flush() {
	mark := event{flushed: make(chan struct{})}
	if q.push(mark) {
		<-mark.flushed
	}
}

// stop delivers what waits and ends the goroutine.
func (q *queue) stop() {
	q.mu.Lock()
	q.stopped = true
	q.mu.Unlock()
	q.poke()
	<-q.gone
}

func (q *queue) take() (events []event, stopped bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	events, q.waiting = q.waiting, nil
	return events, q.stopped
}

func (q *queue) run() {
	defer close(q.gone)
	var held []event
	release := func() {
		for _, e := range held {
			q.give(e)
		}
		held = nil
	}
	timer := time.NewTimer(holdFor)
	defer timer.Stop()
	for {
		events, stopped := q.take()
		for _, e := range events {
			switch {
			case e.flushed != nil:
				release()
				close(e.flushed)
			case len(held) == 0 && q.fires(EventReorder, e):
				held = append(held, e)
				timer.Reset(holdFor)
			default:
				q.give(e)
				release()
			}
		}
		if stopped {
			release()
			return
		}
		select {
		case <-q.wake:
		case <-timer.C:
			release()
		}
	}
}

func (q *queue) fires(kind Kind, e event) bool {
	_, ok := q.faults.fire(kind, e.name, e.key)
	return ok
}

// give hands one event to the sink, with the faults that lose and double it.
func (q *queue) give(e event) {
	if q.sink == nil || q.fires(EventLose, e) {
		return
	}
	q.sink(e.body)
	if q.fires(EventDouble, e) {
		q.sink(e.body)
	}
}
