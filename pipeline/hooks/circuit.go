package hooks

import (
	"sync"
	"time"
)

// The circuit of an endpoint.
const (
	// tripAfter is how many failures in a row pause an endpoint.
	tripAfter = 5
	// The first pause, and the longest that doubling it leads to.
	firstPause = 30 * time.Second
	maxPause   = 5 * time.Minute
	// busyWait is how long a delivery waits when others are under way to the endpoint.
	busyWait = time.Second
)

// circuit keeps one process from spending its workers on an endpoint that fails. After
// failures in a row the endpoint is paused; then one delivery at a time tries whether it
// is back.
type circuit struct {
	now func() time.Time
	// most is how many deliveries may be under way at once; 0 is any number.
	most int

	mu     sync.Mutex
	failed int // in a row
	pause  time.Duration
	until  time.Time
	flying int
}

// hold tells how long a delivery would have to wait; 0 is not at all.
func (c *circuit) hold() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wait()
}

func (c *circuit) wait() time.Duration {
	switch left := c.until.Sub(c.now()); {
	case left > 0:
		return left
	case c.failed >= tripAfter && c.flying > 0, c.most > 0 && c.flying >= c.most:
		return busyWait
	}
	return 0
}

// enter begins a delivery, or tells how long to wait instead. Who enters has to leave.
func (c *circuit) enter() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := c.wait()
	if wait == 0 {
		c.flying++
	}
	return wait
}

// leave ends a delivery that told nothing about the endpoint.
func (c *circuit) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flying--
}

// succeeded ends a delivery. closed tells that the endpoint was paused before.
func (c *circuit) succeeded() (closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flying--
	closed = c.failed >= tripAfter
	c.failed, c.pause, c.until = 0, 0, time.Time{}
	return closed
}

// failure ends a delivery that failed. asked is the pause that the endpoint asked for.
// opened is how long it is paused from now on; 0 says that it is not, or was already.
func (c *circuit) failure(asked time.Duration) (opened time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flying--
	c.failed++
	if asked > 0 {
		c.failed = max(c.failed, tripAfter)
	}
	now := c.now()
	if c.failed < tripAfter || c.until.After(now) {
		return 0 // what was under way when it was paused says nothing new
	}
	c.pause = min(max(2*c.pause, firstPause), maxPause)
	opened = min(max(c.pause, asked), maxPause)
	c.until = now.Add(opened)
	return opened
}
