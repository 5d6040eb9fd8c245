package worker

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/pipeline"
)

func TestBudgetsNext(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, c := range []struct {
		class    pipeline.Class
		spent    int
		since    time.Duration // how long ago the run began
		dies     bool
		min, max time.Duration
	}{
		{pipeline.Transient, 0, 0, false, 500 * time.Millisecond, time.Second},
		{pipeline.Transient, 3, 0, false, 4 * time.Second, 8 * time.Second},
		{pipeline.Transient, 10, 3 * day, false, 150 * time.Second, 5 * time.Minute},
		{pipeline.Transient, 11, 0, true, 0, 5 * time.Minute},
		{pipeline.Missing, 0, 0, false, time.Second, time.Second},
		{pipeline.Missing, 3, 0, false, 8 * time.Second, 8 * time.Second},
		{pipeline.Missing, 4, 0, true, 0, 15 * time.Second},
		{pipeline.Conflict, 38, 0, false, 100 * time.Millisecond, 200 * time.Millisecond},
		{pipeline.Conflict, 39, 0, true, 0, 200 * time.Millisecond},
		{pipeline.Throttled, 500, day - time.Second, false, 150 * time.Second, 5 * time.Minute},
		{pipeline.Throttled, 0, day, true, 0, 5 * time.Minute},
		{pipeline.Waiting, 500, time.Hour, false, 30 * time.Second, time.Minute},
		{pipeline.Waiting, 9, day - 5*time.Second, false, time.Second, 5 * time.Second},
		{pipeline.Waiting, 0, day, true, 0, time.Second},
		{pipeline.Interrupted, 1000, 30 * day, false, time.Second, time.Second},
		{pipeline.Denied, 0, 0, true, 0, 0},
		{pipeline.Invalid, 0, 0, true, 0, 0},
		{pipeline.Poison, 0, 0, true, 0, 0},
		{pipeline.Bug, 0, 0, true, 0, 0},
	} {
		t.Run(fmt.Sprintf("%s after %d and %s", c.class, c.spent, c.since), func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			b := Budgets{}.withDefaults()
			spent := map[pipeline.Class]int{c.class: c.spent, "other": 99}
			at, dies := b.next(pipeline.Errorf(c.class, "op", "key", "no"), spent, now.Add(-c.since), now)
			require.Equal(t, c.dies, dies)
			if !dies {
				require.GreaterOrEqual(t, at.Sub(now), c.min)
				require.LessOrEqual(t, at.Sub(now), c.max)
			}
		})
	}
}

func TestBudgetsHonourRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, c := range []struct {
		after, min, max time.Duration
	}{{time.Hour, time.Hour, time.Hour}, {time.Millisecond, 2500 * time.Millisecond, 5 * time.Second}} {
		err := fmt.Errorf("wrapped: %w", &pipeline.Error{Class: pipeline.Throttled, RetryAfter: c.after})
		at, dies := Budgets{}.withDefaults().next(err, nil, now, now)
		require.False(t, dies)
		require.GreaterOrEqual(t, at.Sub(now), c.min, "the longer of the two waits")
		require.LessOrEqual(t, at.Sub(now), c.max)
	}
}

func TestBudgetsOfOneDieAtOnce(t *testing.T) {
	t.Parallel()
	b := Budgets{Transient: 1, Missing: 1, Conflict: 1, ThrottledFor: 1, WaitingFor: 1}.withDefaults()
	for _, class := range []pipeline.Class{pipeline.Transient, pipeline.Missing, pipeline.Conflict, pipeline.Throttled, pipeline.Waiting} {
		_, dies := b.next(pipeline.Errorf(class, "op", "", "no"), nil, time.Now().Add(-time.Second), time.Now())
		require.True(t, dies, class)
	}
	_, dies := b.next(errors.New("without a class"), nil, time.Now(), time.Now())
	require.True(t, dies, "what has no class is transient")
}

func TestWhatAsynqIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		err   error
		fails bool
		delay time.Duration
	}{
		{"transient", &again{delay: time.Minute, class: pipeline.Transient, err: errors.New("x")}, true, time.Minute},
		{"missing", &again{delay: time.Minute, class: pipeline.Missing, err: errors.New("x")}, true, time.Minute},
		{"conflict", &again{delay: -time.Minute, class: pipeline.Conflict, err: errors.New("x")}, true, 0},
		{"throttled", &again{delay: time.Hour, class: pipeline.Throttled, err: errors.New("x")}, false, time.Hour},
		{"waiting", &again{delay: time.Hour, class: pipeline.Waiting, err: errors.New("x")}, false, time.Hour},
		{"interrupted", fmt.Errorf("w: %w", &again{class: pipeline.Interrupted, err: errors.New("x")}), false, 0},
		{"lease lost", asynq.ErrLeaseExpired, false, time.Second},
		{"panic", errors.New("panic"), true, time.Second},
	} {
		require.Equal(t, c.fails, isFailure(c.err), c.name)
		require.Equal(t, c.delay, retryDelay(3, c.err, nil), c.name)
	}
}
