package tasks

import (
	"errors"
	"sync/atomic"
	"time"
)

// ErrAway says that Redis did not take something within the last second and was not asked
// again.
var ErrAway = errors.New("redis is away")

// pause is how long nobody asks a Redis that failed.
const pause = time.Second

// line remembers for a while that Redis is away. A Redis that stands still costs everybody
// who asks it a timeout, and what waits for that piles up.
type line struct {
	began time.Time
	// closed is until when nobody asks, in nanoseconds since began; 0 while Redis works.
	closed atomic.Int64
}

// try tells whether to ask Redis. When a pause is over one caller asks and the others go on
// pausing.
func (l *line) try() bool {
	until, now := l.closed.Load(), time.Since(l.began)
	return until == 0 || int64(now) >= until && l.closed.CompareAndSwap(until, int64(now+pause))
}

func (l *line) failed() { l.closed.Store(int64(time.Since(l.began) + pause)) }

func (l *line) works() { l.closed.Store(0) }
