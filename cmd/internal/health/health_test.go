package health_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/health"
)

func always(err error) func(context.Context) error {
	return func(context.Context) error { return err }
}

func probe(t *testing.T, p *health.Prober) (int, health.Report) {
	t.Helper()
	rec := httptest.NewRecorder()
	p.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/readyz", http.NoBody))
	require.Equal(t, "application/json; charset=utf-8", rec.Header().Get("Content-Type"))
	var report health.Report
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &report))
	require.Equal(t, "afterput.ready.v1", report.Schema)
	return rec.Code, report
}

// TestStates: what is needed turns the process off, the rest is told.
func TestStates(t *testing.T) {
	t.Parallel()
	bad := errors.New("not reachable")
	for _, tt := range []struct {
		name        string
		needed, may error
		status      int
		state       health.State
	}{
		{"all well", nil, nil, 200, health.Ready},
		{"something to look at", nil, bad, 200, health.Degraded},
		{"off", bad, nil, 503, health.Unready},
		{"both", bad, bad, 503, health.Unready},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			status, report := probe(t, health.New([]health.Check{
				{Name: "ledger", Needed: true, Run: always(tt.needed)}, {Name: "redis", Run: always(tt.may)},
			}, health.Options{Logger: slog.New(slog.DiscardHandler)}))
			require.Equal(t, tt.status, status)
			require.Equal(t, tt.state, report.State)
			require.Equal(t, []string{"ledger", "redis"}, []string{report.Checks[0].Name, report.Checks[1].Name})
			for i, err := range []error{tt.needed, tt.may} {
				require.Equal(t, err == nil, report.Checks[i].Reason == "")
				require.Equal(t, err == nil, report.Checks[i].State == health.Ready)
			}
		})
	}
}

// TestManyProbes: however many probes come, each part is asked once a second, and what
// hangs holds nobody up and is never asked beside itself.
func TestManyProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked, hung atomic.Int64
		release := make(chan struct{})
		p := health.New([]health.Check{
			{Name: "ledger", Needed: true, Run: func(context.Context) error { asked.Add(1); return nil }},
			{Name: "storage", Run: func(context.Context) error { hung.Add(1); <-release; return nil }},
		}, health.Options{Logger: slog.New(slog.DiscardHandler)})
		began := time.Now()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				status, report := probe(t, p)
				require.Equal(t, http.StatusOK, status)
				require.Equal(t, "no answer in time", report.Checks[1].Reason)
			})
		}
		wg.Wait()
		require.Equal(t, 2*time.Second, time.Since(began))
		require.EqualValues(t, 1, asked.Load())
		time.Sleep(time.Second)
		probe(t, p)
		require.EqualValues(t, 2, asked.Load())
		require.EqualValues(t, 1, hung.Load())
		close(release)
		time.Sleep(time.Second)
		_, report := probe(t, p)
		require.Equal(t, health.Ready, report.State)
	})
}

// TestChangesAreLogged: once when something begins, and once when it ends.
func TestChangesAreLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var err error
		p := health.New([]health.Check{{Name: "redis", Run: func(context.Context) error { return err }}},
			health.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		for _, err = range []error{nil, errors.New("away"), errors.New("away"), nil, nil} {
			p.Report(t.Context())
			time.Sleep(time.Second)
		}
		require.Equal(t, 2, strings.Count(log.String(), "\n"), log.String())
		require.Contains(t, log.String(), `part=redis state=degraded reason=away`)
		require.Contains(t, log.String(), `msg="a part is well again" part=redis`)
	})
}

func TestAlive(t *testing.T) {
	t.Parallel()
	rec := httptest.NewRecorder()
	health.Alive(rec, nil)
	require.Equal(t, "ok\n", rec.Body.String())
}
