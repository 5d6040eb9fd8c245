package worker

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/hibiken/asynq"

	"github.com/afterput/afterput/pipeline"
)

// Budgets say how often a run may fail before its step dies. They count the attempts
// of the run in the ledger by class; the zero value of a field is its default.
type Budgets struct {
	// Transient is how many transient failures kill. Default 12: about 15 minutes.
	Transient int
	// Missing is how many times the object may be missing. Default 5: about 15 seconds.
	Missing int
	// Conflict is how many compare-and-sets may be lost. Default 40.
	Conflict int
	// ThrottledFor is how long others may ask us to slow down. Default 24 hours.
	ThrottledFor time.Duration
	// WaitingFor is how long a run waits for what others provide. Default 24 hours.
	WaitingFor time.Duration
}

func (b Budgets) withDefaults() Budgets {
	or := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	or(&b.Transient, 12)
	or(&b.Missing, 5)
	or(&b.Conflict, 40)
	if b.ThrottledFor <= 0 {
		b.ThrottledFor = 24 * time.Hour
	}
	if b.WaitingFor <= 0 {
		b.WaitingFor = 24 * time.Hour
	}
	return b
}

// next says when a run that failed with err is tried again; dies is true where its
// budget is spent or its class has none. spent counts the failures before this one.
func (b Budgets) next(err error, spent map[pipeline.Class]int, since, now time.Time) (readyAt time.Time, dies bool) {
	class := pipeline.ClassOf(err)
	n := spent[class]
	var delay time.Duration
	switch class {
	case pipeline.Transient:
		dies = n+1 >= b.Transient
		delay = jitter(backoff(time.Second, 5*time.Minute, n))
	case pipeline.Missing:
		dies = n+1 >= b.Missing
		delay = backoff(time.Second, 15*time.Second, n)
	case pipeline.Conflict:
		dies = n+1 >= b.Conflict
		delay = jitter(200 * time.Millisecond)
	case pipeline.Throttled:
		dies = now.Sub(since) >= b.ThrottledFor
		delay = jitter(backoff(5*time.Second, 5*time.Minute, n))
	case pipeline.Waiting:
		dies = now.Sub(since) >= b.WaitingFor
		delay = min(jitter(backoff(time.Second, time.Minute, n)), max(time.Second, since.Add(b.WaitingFor).Sub(now)))
	case pipeline.Interrupted:
		delay = time.Second
	case pipeline.Superseded, pipeline.Denied, pipeline.Invalid, pipeline.Poison, pipeline.Bug:
		dies = true
	}
	return now.Add(max(delay, pipeline.RetryAfterOf(err))), dies
}

// costs tells whether a failure of this class is charged to a budget of attempts.
func costs(class pipeline.Class) bool {
	return class == pipeline.Transient || class == pipeline.Missing || class == pipeline.Conflict
}

// backoff doubles base n times, up to limit.
func backoff(base, limit time.Duration, n int) time.Duration {
	if n > 20 {
		return limit
	}
	return min(base<<n, limit)
}

// jitter spreads d over its upper half, so that those who failed together do not come
// back together.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1) //nolint:gosec // jitter needs no secret
}

// again is what the handler tells asynq of a run that will be tried again.
type again struct {
	delay time.Duration
	class pipeline.Class
	err   error
}

func (a *again) Error() string { return string(a.class) + ": " + a.err.Error() }
func (a *again) Unwrap() error { return a.err }

// retryDelay is asynq's RetryDelayFunc: our own delay, or a second for tasks that come
// back from a vanished worker.
func retryDelay(_ int, err error, _ *asynq.Task) time.Duration {
	if a, ok := errors.AsType[*again](err); ok {
		return max(a.delay, 0)
	}
	return time.Second
}

// isFailure is asynq's IsFailure: what costs no budget does not raise its counter.
func isFailure(err error) bool {
	if a, ok := errors.AsType[*again](err); ok {
		return costs(a.class)
	}
	return !errors.Is(err, asynq.ErrLeaseExpired)
}
