package coslocal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is what a fault does.
type Kind string

// The kinds of faults.
const (
	// Refuse answers with Status and Code before anything is done. Defaults to 503
	// SlowDown.
	Refuse Kind = "refuse"
	// Latency waits Delay before anything is done.
	Latency Kind = "latency"
	// Skew adds Delay to the server's clock: with a negative one signatures are not valid
	// yet (RequestTimeTooSkewed), with a positive one they have expired.
	Skew Kind = "skew"
	// Truncate cuts the body of a GET in the middle and closes the connection.
	Truncate Kind = "truncate"
	// Stall sends half the body of a GET and then nothing until the client leaves.
	Stall Kind = "stall"
	// Drip sends the body of a GET one byte per Delay, which defaults to one second.
	Drip Kind = "drip"
	// FlipBit changes one bit in the middle of the body of a GET.
	FlipBit Kind = "flip-bit"
	// WrongCRC answers with another x-cos-hash-crc64ecma.
	WrongCRC Kind = "wrong-crc"
	// EventLose, EventDouble and EventReorder drop an event, give it twice, and give it
	// after the one that follows. Their methods are event names.
	EventLose    Kind = "event-lose"
	EventDouble  Kind = "event-double"
	EventReorder Kind = "event-reorder"
)

// Fault is one switch.
type Fault struct {
	// Name is what Fired and Clear know it by. Defaults to the kind.
	Name string
	Kind Kind
	// Methods narrows it to HTTP methods, or event names; empty is any.
	Methods []string
	// Prefix narrows it to keys that begin so.
	Prefix string
	// Rate is the share of matching requests that it hits, from 0 to 1. 0 means all.
	Rate float64
	// Times is after how many hits it stops; 0 means never.
	Times int
	// Delay is what Latency, Skew and Drip say of it.
	Delay time.Duration
	// Status, Code and RetryAfter are the answer of Refuse. RetryAfter is rounded up to
	// seconds; zero sends no header.
	Status     int
	Code       string
	RetryAfter time.Duration
}

// Faults is the registry of a server's faults. It is safe for concurrent use, and what
// fires at a rate is the same in every run with the same seed and order of requests.
type Faults struct {
	mu    sync.Mutex
	rng   *rand.Rand
	set   []Fault
	fired map[string]int
}

func newFaults(seed uint64) *Faults {
	return &Faults{rng: rand.New(rand.NewPCG(seed, 0)), fired: make(map[string]int)} //nolint:gosec // repeatable on purpose
}

// Set switches a fault on; one of the same name is replaced and keeps its count.
func (f *Faults) Set(fault Fault) error {
	kinds := []Kind{
		Refuse, Latency, Skew, Truncate, Stall, Drip, FlipBit, WrongCRC, EventLose, EventDouble, EventReorder,
	}
	if !slices.Contains(kinds, fault.Kind) {
		return fmt.Errorf("coslocal: unknown fault %q", fault.Kind)
	}
	if fault.Rate < 0 || fault.Rate > 1 || fault.Times < 0 {
		return errors.New("coslocal: a fault's rate is not from 0 to 1, or its times are negative")
	}
	if fault.Name == "" {
		fault.Name = string(fault.Kind)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(fault.Name)
	f.set = append(f.set, fault)
	return nil
}

// Clear switches a fault off. Its count stays.
func (f *Faults) Clear(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(name)
}

// Reset switches every fault off and forgets the counts.
func (f *Faults) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.set, f.fired = nil, make(map[string]int)
}

// Fired tells how often a fault has hit. A test of a fault that never fired proves
// nothing.
func (f *Faults) Fired(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fired[name]
}

func (f *Faults) drop(name string) {
	f.set = slices.DeleteFunc(f.set, func(x Fault) bool { return x.Name == name })
}

// fire gives the first fault of the kind that hits, and counts it.
func (f *Faults) fire(kind Kind, method, key string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.set {
		x := &f.set[i]
		if x.Kind != kind || !strings.HasPrefix(key, x.Prefix) ||
			(len(x.Methods) > 0 && !slices.Contains(x.Methods, method)) {
			continue
		}
		if x.Rate > 0 && f.rng.Float64() >= x.Rate {
			continue
		}
		hit := *x
		f.fired[hit.Name]++
		if x.Times > 0 {
			if x.Times--; x.Times == 0 {
				f.drop(hit.Name)
			}
		}
		return hit, true
	}
	return Fault{}, false
}

// requestFaults applies what happens before a request is looked at.
func (x *exchange) requestFaults() error {
	if f, ok := x.faults.fire(Latency, x.r.Method, x.key); ok {
		x.wait(f.Delay)
	}
	f, ok := x.faults.fire(Refuse, x.r.Method, x.key)
	if !ok {
		return nil
	}
	if f.RetryAfter > 0 {
		x.w.Header().Set("Retry-After", itoa(int64((f.RetryAfter+time.Second-1)/time.Second)))
	}
	if f.Status == 0 {
		f.Status, f.Code = http.StatusServiceUnavailable, "SlowDown"
	}
	return refuse(f.Status, f.Code, "Please reduce your request rate.")
}

// wait returns after d, or when the client leaves or the server closes.
func (x *exchange) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.r.Context().Done():
	case <-x.done:
	}
	return false
}
