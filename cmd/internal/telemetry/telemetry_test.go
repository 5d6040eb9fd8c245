package telemetry_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/afterput/afterput/cmd/internal/telemetry"
	"github.com/afterput/afterput/pipeline"
	"github.com/afterput/afterput/pipeline/hooks"
	"github.com/afterput/afterput/pipeline/ledger"
	"github.com/afterput/afterput/pipeline/objects"
	"github.com/afterput/afterput/pipeline/thumb"
	"github.com/afterput/afterput/tasks"
	"github.com/afterput/afterput/tasks/redistest"
	"github.com/afterput/afterput/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scrape gives what a scraper reads, by name.
func scrape(t *testing.T, m *telemetry.Metrics) map[string]*dto.MetricFamily {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	require.Equal(t, http.StatusOK, rec.Code)
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(rec.Body)
	require.NoError(t, err)
	return families
}

// find gives the value of one series: of a histogram, its count. labels are as
// "state=done,step=check", in the order of their names.
func find(families map[string]*dto.MetricFamily, name, labels string) (value float64, ok bool) {
	for _, m := range families["afterput_"+name].GetMetric() {
		var have []string
		for _, l := range m.GetLabel() {
			have = append(have, l.GetName()+"="+l.GetValue())
		}
		switch {
		case strings.Join(have, ",") != labels:
			continue
		case m.Counter != nil:
			return m.GetCounter().GetValue(), true
		case m.Histogram != nil:
			return float64(m.GetHistogram().GetSampleCount()), true
		}
		return m.GetGauge().GetValue(), true
	}
	return 0, false
}

func value(t *testing.T, families map[string]*dto.MetricFamily, name, labels string) float64 {
	t.Helper()
	v, ok := find(families, name, labels)
	require.True(t, ok, "no %s{%s}", name, labels)
	return v
}

func full(t *testing.T) *telemetry.Metrics {
	t.Helper()
	m := telemetry.New()
	e, err := thumb.New(thumb.Options{Budget: 400})
	require.NoError(t, err)
	for range 2 { // a second worker takes the place of the first
		m.Worker(func() map[worker.Repair]int64 { return map[worker.Repair]int64{worker.RepairGhost: 7} }, e)
	}
	m.Queues(func(context.Context) ([]tasks.Depth, error) {
		return []tasks.Depth{{Queue: "checks", Paused: true, Tasks: map[tasks.TaskState]int64{tasks.TaskPending: 5}, Oldest: 3 * time.Second}}, nil
	}, func(context.Context) (time.Duration, error) { return -time.Second, nil })
	m.Letters(func(context.Context) ([]ledger.LettersOpen, error) {
		return []ledger.LettersOpen{{Step: pipeline.StepCheck, Class: pipeline.Denied, Count: 2}, {Class: pipeline.Bug, Count: 1}}, nil
	})
	m.Endpoint("crm")
	return m
}

// TestLint: the names and helps are as Prometheus wants them.
func TestLint(t *testing.T) {
	t.Parallel()
	m := full(t)
	problems, err := testutil.GatherAndLint(m.Gatherer())
	require.NoError(t, err)
	for _, p := range problems {
		require.True(t, strings.HasPrefix(p.Metric, "go_"), "%s: %s", p.Metric, p.Text)
	}
}

func TestAttempts(t *testing.T) {
	t.Parallel()
	m := full(t)
	for _, e := range []worker.End{
		{Step: pipeline.StepAttach, State: pipeline.Done, Took: time.Second, Late: 3 * time.Second},
		{Step: pipeline.StepAttach, State: pipeline.Pending, Class: pipeline.Waiting, Took: time.Second, Late: 2 * time.Second},
		{Step: pipeline.StepAttach, State: pipeline.Dead, Class: pipeline.Denied, Took: time.Second, Late: time.Second},
		{Step: pipeline.StepAttach, State: pipeline.Done, Took: time.Second},
		{Step: pipeline.StepCheck, State: pipeline.Done, Code: pipeline.CodeTooLarge, Late: 1},
		{State: pipeline.Dead, Class: pipeline.Bug},
	} {
		m.Attempt(t.Context(), e)
	}
	f := scrape(t, m)
	require.EqualValues(t, 2, value(t, f, "steps_ended_total", "state=done,step=attach"))
	require.EqualValues(t, 1, value(t, f, "steps_ended_total", "state=dead,step=attach"))
	require.EqualValues(t, 1, value(t, f, "steps_ended_total", "state=dead,step=none"))
	require.EqualValues(t, 1, value(t, f, "attempts_failed_total", "class=waiting,step=attach"))
	require.EqualValues(t, 1, value(t, f, "attempts_failed_total", "class=denied,step=attach"))
	require.EqualValues(t, 0, value(t, f, "attempts_failed_total", "class=transient,step=warm"), "there from the start")
	require.EqualValues(t, 4, value(t, f, "attempt_duration_seconds", "step=attach"))
	require.EqualValues(t, 1, value(t, f, "step_latency_seconds", "step=attach"), "only what was done, and since when is known")
	require.EqualValues(t, 1, value(t, f, "uploads_refused_total", "code=TOO_LARGE"))
	buckets := f["afterput_step_latency_seconds"].GetMetric()[0].GetHistogram().GetBucket()
	require.InDelta(t, 0.01, buckets[0].GetUpperBound(), 0)
	require.InDelta(t, 600, buckets[len(buckets)-2].GetUpperBound(), 0)
}

func TestStates(t *testing.T) {
	t.Parallel()
	f := scrape(t, full(t))
	require.EqualValues(t, 1, value(t, f, "redis_up", ""))
	require.EqualValues(t, 5, value(t, f, "queue_tasks", "queue=checks,state=pending"))
	require.EqualValues(t, 3, value(t, f, "queue_oldest_age_seconds", "queue=checks"))
	require.EqualValues(t, 1, value(t, f, "queue_paused", "queue=checks"))
	require.EqualValues(t, -1, value(t, f, "clock_skew_seconds", ""))
	require.EqualValues(t, 1, value(t, f, "ledger_up", ""))
	require.EqualValues(t, 2, value(t, f, "dead_letters", "class=denied,step=check"))
	require.EqualValues(t, 0, value(t, f, "dead_letters", "class=denied,step=attach"))
	require.EqualValues(t, 1, value(t, f, "dead_letters", "class=bug,step=none"))
	require.EqualValues(t, 7, value(t, f, "repairs_total", "repair=ghost_dropped"))
	require.EqualValues(t, 100, value(t, f, "thumbnail_budget_limit_bytes", "share=files"))
	require.EqualValues(t, 300, value(t, f, "thumbnail_budget_limit_bytes", "share=pixels"))
	require.Contains(t, f, "go_goroutines")
	require.Contains(t, f, "process_start_time_seconds")
	require.Contains(t, f, "afterput_build_info")
}

// TestSickParts: a Redis or ledger that hangs holds a scrape up for two seconds at most,
// and is asked once however many scrapes come; what it would tell is left out.
func TestSickParts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := telemetry.New()
		var asked atomic.Int64
		release := make(chan struct{})
		m.Queues(func(context.Context) ([]tasks.Depth, error) {
			asked.Add(1)
			<-release
			return nil, errors.New("gone")
		}, nil)
		m.Letters(func(ctx context.Context) ([]ledger.LettersOpen, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		for range 3 {
			began := time.Now()
			families, err := m.Gatherer().Gather()
			require.NoError(t, err)
			require.Equal(t, 2*time.Second, time.Since(began))
			var names []string
			for _, f := range families {
				names = append(names, f.GetName())
				if f.GetName() == "afterput_redis_up" || f.GetName() == "afterput_ledger_up" {
					require.Zero(t, f.GetMetric()[0].GetGauge().GetValue())
				}
			}
			require.Contains(t, names, "afterput_redis_up")
			require.Contains(t, names, "afterput_ledger_up")
			require.NotContains(t, names, "afterput_queue_tasks")
			require.NotContains(t, names, "afterput_dead_letters")
		}
		require.EqualValues(t, 1, asked.Load())
		close(release)
	})
}

// TestRedisStops: a real Redis that stands still does not hang a scrape.
func TestRedisStops(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	opt := server.Client().Options()
	opt.ReadTimeout, opt.MaxRetries = 100*time.Millisecond, -1
	rdb := redis.NewClient(opt)
	t.Cleanup(func() { _ = rdb.Close() })
	m := telemetry.New()
	rdb.AddHook(m.RedisHook())
	m.Queues(tasks.NewDesk(rdb).Depths, func(ctx context.Context) (time.Duration, error) { return worker.Skew(ctx, rdb, time.Now) })
	require.EqualValues(t, 1, value(t, scrape(t, m), "redis_up", ""))
	server.Pause()
	f := scrape(t, m)
	server.Resume()
	require.EqualValues(t, 0, value(t, f, "redis_up", ""))
	require.NotContains(t, f, "afterput_queue_tasks")
	require.Positive(t, value(t, scrape(t, m), "redis_errors_total", "family=set,kind=timeout"))
}

func TestRedisHook(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t).Client()
	m := telemetry.New()
	rdb.AddHook(m.RedisHook())
	ctx := t.Context()
	require.NoError(t, rdb.Set(ctx, "k", "v", 0).Err())
	require.ErrorIs(t, rdb.Get(ctx, "none").Err(), redis.Nil)
	require.Error(t, rdb.HGet(ctx, "k", "f").Err())
	require.NoError(t, redis.NewScript("return 1").Run(ctx, rdb, nil).Err())
	require.Error(t, rdb.Do(ctx, "no-such-command", "users/oX/secret.jpg").Err())
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error { p.Ping(ctx); return nil })
	require.NoError(t, err)
	gone, cancel := context.WithCancel(ctx)
	cancel()
	require.Error(t, rdb.LLen(gone, "l").Err())
	away := redistest.Away(t)
	away.AddHook(m.RedisHook())
	require.Error(t, away.Ping(ctx).Err())

	f := scrape(t, m)
	require.EqualValues(t, 2, value(t, f, "redis_command_duration_seconds", "family=string"))
	require.EqualValues(t, 2, value(t, f, "redis_command_duration_seconds", "family=script"), "EVALSHA, and EVAL after it")
	require.Positive(t, value(t, f, "redis_command_duration_seconds", "family=pipeline"))
	require.Positive(t, value(t, f, "redis_command_duration_seconds", "family=dial"))
	for labels, want := range map[string]float64{
		"family=string,kind=refused": 0, "family=script,kind=refused": 0, "family=hash,kind=refused": 1,
		"family=other,kind=refused": 1, "family=list,kind=cancelled": 1, "family=server,kind=network": 1,
	} {
		require.InDelta(t, want, value(t, f, "redis_errors_total", labels), 0, labels)
	}
}

func TestCalls(t *testing.T) {
	t.Parallel()
	m := full(t)
	ctx := t.Context()
	for status, code := range map[int]string{0: "none", 200: "200", 404: "404", 599: "5xx", 999: "other"} {
		m.ObjectCall(ctx, objects.Call{Op: "get", Status: status, Took: time.Millisecond})
		require.Positive(t, value(t, scrape(t, m), "object_requests_total", "code="+code+",op=get"), code)
	}
	require.EqualValues(t, 5, value(t, scrape(t, m), "object_request_duration_seconds", "op=get"))
	m.Delivery(ctx, hooks.Delivery{Endpoint: "crm", Took: time.Second})
	m.Delivery(ctx, hooks.Delivery{Endpoint: "crm", Class: pipeline.Throttled, Took: time.Second})
	m.Lookup(ctx, 3, 2)
	f := scrape(t, m)
	require.EqualValues(t, 1, value(t, f, "webhook_deliveries_total", "endpoint=crm,outcome=delivered"))
	require.EqualValues(t, 1, value(t, f, "webhook_deliveries_total", "endpoint=crm,outcome=throttled"))
	require.EqualValues(t, 2, value(t, f, "webhook_delivery_duration_seconds", "endpoint=crm"))
	require.EqualValues(t, 3, value(t, f, "tempurl_lookups_total", "result=hit"))
	require.EqualValues(t, 2, value(t, f, "tempurl_lookups_total", "result=miss"))
}

// TestDoors: routes are patterns, whatever callers ask for, and the writer stays what it was.
func TestDoors(t *testing.T) {
	t.Parallel()
	m := telemetry.New()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/uploads/{id}", func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		if r.PathValue("id") == "none" {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	mux.HandleFunc("POST /v1/uploads", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10)); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	mux.HandleFunc("/", http.NotFound)
	server := httptest.NewServer(m.Doors(mux))
	t.Cleanup(server.Close)
	call := func(method, path, body string) (closed bool) {
		t.Helper()
		req, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		resp, err := server.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.Close
	}
	for _, path := range []string{"/v1/uploads/1", "/v1/uploads/2", "/v1/uploads/none", "/oX/secret", "/wp-login.php"} {
		call(http.MethodGet, path, "")
	}
	require.True(t, call(http.MethodPost, "/v1/uploads", strings.Repeat("x", 1000)), "nobody reads the rest")
	f := scrape(t, m)
	require.EqualValues(t, 2, value(t, f, "http_requests_total", "code=200,route=GET /v1/uploads/{id}"))
	require.EqualValues(t, 1, value(t, f, "http_requests_total", "code=404,route=GET /v1/uploads/{id}"))
	require.EqualValues(t, 2, value(t, f, "http_requests_total", "code=404,route=other"))
	require.EqualValues(t, 1, value(t, f, "http_requests_total", "code=413,route=POST /v1/uploads"))
	require.EqualValues(t, 3, value(t, f, "http_request_duration_seconds", "route=GET /v1/uploads/{id}"))
	require.EqualValues(t, 0, value(t, f, "http_requests_in_flight", ""))
}

// TestExemplars: who accepts OpenMetrics learns the trace of a sample that was traced.
func TestExemplars(t *testing.T) {
	t.Parallel()
	m := telemetry.New()
	id := trace.TraceID{1, 2, 3}
	traced := func(flags trace.TraceFlags) context.Context {
		return trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: id, SpanID: trace.SpanID{1}, TraceFlags: flags,
		}))
	}
	end := worker.End{Step: pipeline.StepAttach, State: pipeline.Done, Took: time.Second, Late: time.Second}
	openMetrics := func() string {
		rec, req := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
		req.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
		m.Handler().ServeHTTP(rec, req)
		require.Contains(t, rec.Header().Get("Content-Type"), "application/openmetrics-text")
		return rec.Body.String()
	}
	m.Attempt(t.Context(), end)
	m.Attempt(traced(0), end)
	require.NotContains(t, openMetrics(), "trace_id", "nobody keeps these traces")
	m.Attempt(traced(trace.FlagsSampled), end)
	require.Regexp(t, `afterput_step_latency_seconds_bucket\{step="attach",le="1\.0"\} 3 # \{trace_id="`+id.String()+`"\} 1\.0`, openMetrics())
	require.Contains(t, scrape(t, m), "afterput_step_latency_seconds", "the text format has none")
}
