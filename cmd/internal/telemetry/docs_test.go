package telemetry_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/afterput/afterput/cmd/internal/devworld"
	"github.com/afterput/afterput/cmd/internal/wire"
	"github.com/afterput/afterput/pipeline/probe/samples"
	"github.com/afterput/afterput/pipeline/sqldb"
)

// TestDocumented: after a run of the dev world there is every metric that metrics.md names,
// with its type and labels, and no other.
func TestDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../deploy/docs/metrics.md")
	require.NoError(t, err)
	type metric struct{ kind, labels string }
	documented := make(map[string]metric)
	for _, row := range regexp.MustCompile("(?m)^\\| `(afterput_\\w+)` \\| (\\w+) \\| (.*?) ?\\| .+ \\|$").FindAllStringSubmatch(string(page), -1) {
		documented[row[1]] = metric{row[2], strings.ReplaceAll(row[3], "`", "")}
	}
	require.Greater(t, len(documented), 20)

	given := make(map[string]metric)
	families := run(t)
	for name, f := range families {
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		slices.Sort(labels)
		given[name] = metric{strings.ToLower(f.GetType().String()), strings.Join(labels, ", ")}
	}
	require.Equal(t, documented, given)

	require.EqualValues(t, 1, value(t, families, "steps_ended_total", "state=done,step=attach"))
	require.EqualValues(t, 1, value(t, families, "step_latency_seconds", "step=attach"))
	require.EqualValues(t, 2, value(t, families, "webhook_deliveries_total", "endpoint=default,outcome=delivered"))
	require.EqualValues(t, 1, value(t, families, "uploads_refused_total", "code=TYPE_NOT_ALLOWED"))
	require.EqualValues(t, 1, value(t, families, "http_requests_total", "code=202,route=POST /v1/uploads"))
	require.Positive(t, value(t, families, "thumbnail_images_total", "path=fast,type=image/jpeg"))
	require.Positive(t, value(t, families, "object_requests_total", "code=206,op=get"))
	require.Positive(t, value(t, families, "redis_command_duration_seconds", "family=script"))
	require.EqualValues(t, 1, value(t, families, "redis_up", ""))
	require.EqualValues(t, 1, value(t, families, "ledger_up", ""))
	for name, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				for _, chosen := range []string{"oMetrics", "M77", "photo_1"} {
					require.NotContains(t, l.GetValue(), chosen, "%s: callers choose no labels", name)
				}
			}
		}
	}
}

// run plays a photo and a page in a dev world and gives what its /metrics says then.
func run(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	world, err := devworld.Start(t.Context(), devworld.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", Deliver: func([]byte) {}, Logger: quiet})
	require.NoError(t, err)
	t.Cleanup(world.Close)
	app, err := wire.Open(t.Context(), world.Config, quiet)
	require.NoError(t, err)
	t.Cleanup(func() { _ = app.Close() })
	h, err := app.Handler()
	require.NoError(t, err)
	srv := wire.Server(h)
	go func() { _ = srv.Serve(world.Listener) }()
	t.Cleanup(func() { _ = srv.Close() })
	wk, err := app.Worker(t.Context(), nil)
	require.NoError(t, err)
	require.NoError(t, wk.Start(t.Context()))
	t.Cleanup(wk.Shutdown)

	shop(t, world.Config.Orders.URL.Reveal())
	phone := world.Phone()
	phone.Client = &http.Client{Timeout: time.Minute}
	t.Cleanup(phone.Client.CloseIdleConnections)
	files := map[string][]byte{
		"users/oMetrics/photo_1.jpg": samples.Photo(samples.Options{Width: 640, Height: 480, Seed: 1}),
		"users/oMetrics/page.jpg":    samples.HTML(),
	}
	chosen := devworld.Chosen{Order: "M77"}
	for key, body := range files {
		require.NoError(t, phone.Put(t.Context(), key, body, chosen))
	}
	status, answer, err := phone.Announce(t.Context(), "M77", "oMetrics", "b1", []string{"users/oMetrics/photo_1.jpg", "users/oMetrics/page.jpg"})
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, status, "%s", answer)

	var families map[string]*dto.MetricFamily
	require.Eventually(t, func() bool {
		status, body, err := phone.Call(t.Context(), http.MethodGet, "/metrics", nil)
		if err != nil || status != http.StatusOK {
			return false
		}
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err = parser.TextToMetricFamilies(bytes.NewReader(body))
		if err != nil {
			return false
		}
		told, _ := find(families, "steps_ended_total", "state=done,step=notify") // the last step
		return told == 2
	}, time.Minute, 50*time.Millisecond)
	return families
}

func shop(t *testing.T, url string) {
	t.Helper()
	db, err := sqldb.Create(t.Context(), url)
	require.NoError(t, err)
	defer func() { _ = db.Close() }()
	_, err = db.SQL().ExecContext(t.Context(), "INSERT INTO orders (id, openid) VALUES ('M77', 'oMetrics')")
	require.NoError(t, err)
}
