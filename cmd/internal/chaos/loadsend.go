package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/pipeline/qsign"
)

// maxInFlight bounds the announcements that have no answer yet. One that has to wait for
// it counts from when it was due.
const maxInFlight = 1000

// rampClients are how many clients announce at the end of the ramp, each the next as soon
// as it has its answer.
const rampClients = 16

// announced is one announcement and its answer.
type announced struct {
	key string
	// due is when it was to be sent.
	due time.Time
	// took is from due to the answer.
	took time.Duration
	// status is 0 where there was no answer.
	status int
	// ramp says that it was sent to find the capacity.
	ramp bool
}

// loader announces and keeps the answers.
type loader struct {
	opt   LoadOptions
	key   qsign.Key
	bench *Bench
	phone *devworld.Phone

	mu      sync.Mutex
	n       int
	answers []announced
}

func (l *loader) say(format string, args ...any) {
	_, _ = fmt.Fprintf(l.opt.Progress, format+"\n", args...)
}

// ramp gives how many announcements in a second the machine takes, from the door to the
// end of the check: what was accepted, by the time until the worker has nothing left to do.
// Clients begin one after the other over the first half.
func (l *loader) ramp(ctx context.Context) (float64, error) {
	began := time.Now()
	eg, group := errgroup.WithContext(ctx)
	for i := range rampClients {
		eg.Go(func() error {
			pause(group, l.opt.Ramp/2*time.Duration(i)/rampClients)
			for time.Since(began) < l.opt.Ramp && group.Err() == nil {
				l.announce(group, time.Now(), true)
			}
			return group.Err()
		})
	}
	if err := eg.Wait(); err != nil {
		return 0, err
	}
	accepted := 0
	for _, a := range l.answers {
		if a.status == http.StatusAccepted {
			accepted++
		}
	}
	l.say("the door took %d announcements in %.0f s", accepted, time.Since(began).Seconds())
	if accepted == 0 {
		return 0, fmt.Errorf("%w: serve accepted nothing", errPart)
	}
	err := until(ctx, l.opt.Settle, "everything has come to rest", l.quiet(ctx))
	return float64(accepted) / time.Since(began).Seconds(), err
}

// quiet tells whether nothing is pending.
func (l *loader) quiet(ctx context.Context) func() bool {
	return func() bool {
		open, err := l.bench.open(ctx)
		return err == nil && open == 0
	}
}

// steady announces at a rate, whether the answers come or not.
func (l *loader) steady(ctx context.Context, began time.Time, rate float64) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, maxInFlight)
	for i := 0; ; i++ {
		after := time.Duration(float64(i) / rate * float64(time.Second))
		if after >= l.opt.For {
			return nil
		}
		due := began.Add(after)
		if wait := time.Until(due); wait > 0 {
			pause(ctx, wait)
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		wg.Go(func() {
			defer func() { <-slots }()
			l.announce(ctx, due, false)
		})
	}
}

// announce sends one file of a new name.
func (l *loader) announce(ctx context.Context, due time.Time, ramp bool) {
	l.mu.Lock()
	l.n++
	key := fmt.Sprintf("users/o%03d/load/%08d.txt", l.n%100, l.n)
	l.mu.Unlock()
	body, _ := json.Marshal(map[string]any{"files": []string{key}}) // a string has JSON
	status, _, err := l.phone.Call(ctx, http.MethodPost, "/v1/uploads", body)
	if err != nil {
		status = 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, announced{key: key, due: due, took: time.Since(due), status: status, ramp: ramp})
}
