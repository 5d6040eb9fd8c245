package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/producer/reconcile"
)

// TestResume cuts a run short after every finding; the runs together find each once.
func TestResume(t *testing.T) {
	t.Parallel()
	for name, apply := range map[string]bool{"dry run": false, "apply": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.put(hostile()...)
			w.clock.Add(time.Hour)
			file := filepath.Join(t.TempDir(), "reconcile.json")
			var got []string
			runs := 0
			for {
				runs++
				found, _ := w.found0(reconcile.Plan{Apply: apply}, reconcile.Controls{Limit: 5, Checkpoint: file})
				for _, f := range found {
					got = append(got, f.Key)
				}
				if _, err := os.Stat(file); err != nil {
					break
				}
			}
			require.ElementsMatch(t, hostile(), got)
			require.Equal(t, 5, runs)
		})
	}
}

// found0 is found for runs that go on from others, whose report counts those too.
func (w *world) found0(p reconcile.Plan, c reconcile.Controls) ([]reconcile.Finding, reconcile.Report) {
	w.t.Helper()
	var all []reconcile.Finding
	c.Found = func(f reconcile.Finding) error { all = append(all, f); return nil }
	p.Bucket = bucket
	report, err := w.Run(w.t.Context(), p, c)
	require.NoError(w.t, err)
	return all, report
}

// TestInterrupt: Ctrl-C leaves a checkpoint, and other flags are refused.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 30 {
		w.put(fmt.Sprintf("users/o1/%02d.jpg", i))
	}
	w.clock.Add(time.Hour)
	file := filepath.Join(t.TempDir(), "reconcile.json")
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("interrupted")
	seen := 0
	plan := reconcile.Plan{Bucket: bucket, Apply: true}
	_, err := w.Run(ctx, plan, reconcile.Controls{Checkpoint: file, Found: func(reconcile.Finding) error {
		if seen++; seen == 10 {
			cancel(stop)
		}
		return nil
	}})
	require.ErrorIs(t, err, stop)
	c, err := reconcile.ReadCheckpoint(file)
	require.NoError(t, err)
	require.Equal(t, "users/o1/09.jpg", c.Key)

	for name, other := range map[string]reconcile.Plan{
		"dry run": {Bucket: bucket}, "prefix": {Bucket: bucket, Apply: true, Prefix: "users/"},
		"kinds": {Bucket: bucket, Apply: true, Kinds: []reconcile.Kind{reconcile.Missing}},
		"since": {Bucket: bucket, Apply: true, Since: w.clock.Now()}, "age": {Bucket: bucket, Apply: true, MinAge: time.Second},
	} {
		_, err := w.Run(t.Context(), other, reconcile.Controls{Checkpoint: file})
		require.ErrorIs(t, err, reconcile.ErrOtherPlan, name)
	}
	found, report := w.found0(plan, reconcile.Controls{Checkpoint: file})
	require.Len(t, found, 20)
	require.EqualValues(t, 30, report.Healed, "the report counts all of it")
	require.NoFileExists(t, file)

	require.NoError(t, os.WriteFile(file, []byte("{}"), 0o600))
	_, err = w.Run(t.Context(), plan, reconcile.Controls{Checkpoint: file})
	require.ErrorContains(t, err, "is no checkpoint of reconcile")
}
